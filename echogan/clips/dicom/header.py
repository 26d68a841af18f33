"""Read a DICOM header: the named tags and where the pixels lie, without log output, from deflated files too."""

from __future__ import annotations

import logging
import struct
import tempfile
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from pydicom import dcmread, uid
from pydicom.dataset import Dataset
from pydicom.filereader import read_file_meta_info

from echogan.clips.dicom.layout import DAMAGED, DEPTH
from echogan.core.errors import ClipTooLarge, EchoGANError, UnreadableClip, UnsupportedClip

PIXEL_DATA = (0x7FE0, 0x0010)
INFLATE_FOR_HEADER = 64 * 2**20

# Only these are parsed; everything else, including the patient's data, is skipped.
HEADER_TAGS = """
    ImageType SOPClassUID SOPInstanceUID Modality StudyInstanceUID SequenceOfUltrasoundRegions
    NumberOfFrames FrameIncrementPointer FrameTime FrameTimeVector ActualFrameDuration CineRate
    RecommendedDisplayFrameRate PixelSpacing ImagerPixelSpacing PixelAspectRatio Rows Columns SamplesPerPixel
    PhotometricInterpretation PlanarConfiguration BitsAllocated BitsStored PixelRepresentation
    RescaleSlope RescaleIntercept WindowCenter WindowWidth VOILUTFunction
    RedPaletteColorLookupTableDescriptor GreenPaletteColorLookupTableDescriptor
    BluePaletteColorLookupTableDescriptor RedPaletteColorLookupTableData
    GreenPaletteColorLookupTableData BluePaletteColorLookupTableData
    SegmentedRedPaletteColorLookupTableData SegmentedGreenPaletteColorLookupTableData
    SegmentedBluePaletteColorLookupTableData ExtendedOffsetTable ExtendedOffsetTableLengths
    BurnedInAnnotation LossyImageCompression LossyImageCompressionRatio LossyImageCompressionMethod
"""


def keep_quiet() -> None:
    """Silence the libraries' warnings and logs: they quote values, perhaps a patient's name.

    Called often, because a filter for the whole process is safe among threads and `catch_warnings` is not.
    """
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    warnings.filterwarnings("ignore", module=r"pydicom|PIL|echogan\.clips")


@contextmanager
def reading() -> Iterator[None]:
    """Turn any exception that a damaged file causes in the libraries into UnreadableClip, and silence them."""
    keep_quiet()
    try:
        yield
    except EchoGANError:
        raise
    except OSError as error:
        raise UnreadableClip("The DICOM file cannot be read. Check that it is there and whole.") from error
    except MemoryError as error:
        raise ClipTooLarge("The DICOM file needs more memory than there is; give a smaller clip.") from error
    except Exception as error:
        raise UnreadableClip(DAMAGED) from error


@dataclass(frozen=True)
class DicomSource:
    """A DICOM file on disk; `deflated_from` is where its data set starts if it is compressed, else None."""

    path: Path
    deflated_from: int | None = None

    @classmethod
    def of(cls, path: Path) -> DicomSource:
        """Look at the file meta group to see whether the data set is deflated."""
        with path.open("rb") as file:
            if file.read(132)[128:] != b"DICM":
                return cls(path)
        meta = read_file_meta_info(path)
        if meta.get("TransferSyntaxUID") != uid.DeflatedExplicitVRLittleEndian:
            return cls(path)
        return cls(path, 144 + int(meta.FileMetaInformationGroupLength))

    def open(self, at_most: int = INFLATE_FOR_HEADER) -> BinaryIO:
        """The file; if it is deflated, a temporary file with at most `at_most` bytes of its data set."""
        file = self.path.open("rb")
        if self.deflated_from is None:
            return file
        with file:
            file.seek(self.deflated_from)
            return _inflate(file, at_most)


def _inflate(file: BinaryIO, at_most: int) -> BinaryIO:
    inflated = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - the caller closes it
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    left = at_most
    waiting = file.read(2**16)
    while left > 0 and waiting and not inflater.eof:
        part = inflater.decompress(waiting, min(left, 2**20))
        inflated.write(part)
        left -= len(part)
        waiting = inflater.unconsumed_tail or file.read(2**16)
    inflated.write(inflater.flush()[: max(left, 0)])
    inflated.seek(0)
    return inflated


def read_header(file: BinaryIO, tags: str) -> tuple[Dataset, tuple[int, int, bool] | None]:
    """The named tags (keywords between spaces), and where Pixel Data lies: (start, length, stored as words)."""
    header = dcmread(file, stop_before_pixels=True, force=True, specific_tags=tags.split())
    implicit, little = header.original_encoding
    order = "<" if little else ">"
    head = file.read(8)
    if len(head) < 8 or struct.unpack(f"{order}HH", head[:4]) != PIXEL_DATA:
        if len(head) == 8 and struct.unpack(f"{order}H", head[:2])[0] == PIXEL_DATA[0]:
            raise UnsupportedClip(DEPTH)
        return header, None
    if implicit:
        return header, (file.tell(), struct.unpack(f"{order}I", head[4:])[0], True)
    length = struct.unpack(f"{order}I", file.read(4))[0]
    return header, (file.tell(), length, head[4:6] == b"OW")


def transfer_syntax(header: Dataset, source: DicomSource) -> uid.UID:
    """How the pixels are encoded: as the file meta group says, else as the data set was read."""
    stated = getattr(header, "file_meta", Dataset()).get("TransferSyntaxUID")
    if stated:
        return uid.UID(str(stated))
    if source.deflated_from is not None:
        return uid.ExplicitVRLittleEndian
    implicit, little = header.original_encoding
    if implicit:
        return uid.ImplicitVRLittleEndian
    return uid.ExplicitVRLittleEndian if little else uid.ExplicitVRBigEndian
