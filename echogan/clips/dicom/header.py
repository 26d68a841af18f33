"""Read a DICOM header: the named tags and where the pixels lie, without log output, from deflated files too."""

from __future__ import annotations

import logging
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom import uid
from pydicom.dataset import Dataset

from echogan.clips.dicom.bounded import check_values, read_elements, read_meta
from echogan.clips.dicom.codestream import coding
from echogan.clips.dicom.inflated import Inflated
from echogan.clips.dicom.layout import DAMAGED, DECODERS, DEPTH, PixelPlace
from echogan.core.errors import ClipTooLarge, EchoGANError, UnreadableClip, UnsupportedClip

PIXEL_DATA = (0x7FE0, 0x0010)
INFLATE_FOR_HEADER = 64 * 2**20
UNDEFINED_LENGTH = 0xFFFFFFFF
ITEM = b"\xfe\xff\x00\xe0"
CODED_HEAD = 64 * 1024

# Only these are parsed; everything else, including the patient's data, is skipped.
HEADER_TAGS = """
    ImageType SOPClassUID SOPInstanceUID Modality StudyInstanceUID SeriesInstanceUID SequenceOfUltrasoundRegions
    NumberOfFrames FrameIncrementPointer FrameTime FrameTimeVector ActualFrameDuration CineRate
    RecommendedDisplayFrameRate PixelSpacing ImagerPixelSpacing PixelAspectRatio Rows Columns SamplesPerPixel
    PhotometricInterpretation PlanarConfiguration BitsAllocated BitsStored PixelRepresentation
    SmallestImagePixelValue LargestImagePixelValue 0x60000102 ModalityLUTSequence VOILUTSequence
    RescaleSlope RescaleIntercept WindowCenter WindowWidth VOILUTFunction
    RedPaletteColorLookupTableDescriptor GreenPaletteColorLookupTableDescriptor
    BluePaletteColorLookupTableDescriptor RedPaletteColorLookupTableData
    GreenPaletteColorLookupTableData BluePaletteColorLookupTableData
    SegmentedRedPaletteColorLookupTableData SegmentedGreenPaletteColorLookupTableData
    SegmentedBluePaletteColorLookupTableData
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
    """A DICOM file on disk; `inflated` unpacks its data set if that is compressed, else it is None."""

    path: Path
    inflated: Inflated | None = None

    @classmethod
    def of(cls, path: Path) -> DicomSource:
        """Look at the file meta group to see whether the data set is deflated."""
        with path.open("rb") as file:
            meta = read_meta(file)
        if meta.get("TransferSyntaxUID") != uid.DeflatedExplicitVRLittleEndian:
            return cls(path)
        return cls(path, Inflated(path, 144 + int(meta.FileMetaInformationGroupLength)))

    def open(self, at_most: int = INFLATE_FOR_HEADER) -> BinaryIO:
        """The file; if it is deflated, one with the first `at_most` bytes of its data set. Raises ClipTooLarge."""
        return self.path.open("rb") if self.inflated is None else self.inflated.open(at_most)


def read_header(file: BinaryIO, tags: str) -> tuple[Dataset, PixelPlace | None]:
    """The named tags (keywords between spaces), and where Pixel Data lies, None if there is none."""
    header = read_elements(file, stop_before_pixels=True, specific_tags=tags.split())
    check_values(header)
    little = header.original_encoding[1]
    order = "<" if little else ">"
    start = file.tell()
    head = file.read(12)
    if len(head) < 8 or struct.unpack(f"{order}HH", head[:4]) != PIXEL_DATA:
        if len(head) >= 8 and struct.unpack(f"{order}H", head[:2])[0] == PIXEL_DATA[0]:
            raise UnsupportedClip(DEPTH)
        return header, None
    # The file meta group may name the wrong one of implicit and explicit VR. Read as a length, these would be odd.
    explicit = head[4:8] in (b"OB\0\0", b"OW\0\0", b"UN\0\0")
    raw_length = head[8:] if explicit else head[4:8]
    if len(raw_length) < 4:
        raise UnreadableClip(DAMAGED)
    start += 12 if explicit else 8
    length = struct.unpack(f"{order}I", raw_length)[0]
    native = uid.ExplicitVRLittleEndian if explicit else uid.ImplicitVRLittleEndian
    if not little:
        native = uid.ExplicitVRBigEndian
    file.seek(start)
    words = head[4:6] == b"OW" or not explicit
    return header, _place(file, start, length, words, _stated_syntax(header), native)


def _stated_syntax(header: Dataset) -> uid.UID | None:
    stated = getattr(header, "file_meta", Dataset()).get("TransferSyntaxUID")
    return uid.UID(str(stated)) if stated else None


def _place(
    file: BinaryIO, start: int, length: int, words: bool, stated: uid.UID | None, native: uid.UID
) -> PixelPlace:
    """The transfer syntax by the pixels themselves, where these can tell: fragments or not, and their coding."""
    if stated is not None and stated not in DECODERS:
        return PixelPlace(start, None if length == UNDEFINED_LENGTH else length, words, stated)
    first = file.read(8)
    in_items = length == UNDEFINED_LENGTH or (
        stated is not None and stated.is_encapsulated and first[:4] == ITEM
    )
    if not in_items:
        return PixelPlace(start, length, words, native)
    if len(first) == 8:  # past the basic offset table and the head of the first fragment
        file.seek(start + 16 + struct.unpack("<I", first[4:])[0])
    found = coding(file.read(CODED_HEAD))
    syntax = stated if stated is not None and (not found or stated in found) else (*found, stated)[0]
    if syntax is None or not syntax.is_encapsulated:
        raise UnreadableClip(DAMAGED)
    return PixelPlace(start, None if length == UNDEFINED_LENGTH else length, words, syntax)


def has_only_private_data(file: BinaryIO) -> bool:
    """Whether private tags after the place of Pixel Data, or most of the file's bytes, hold the vendor's own data."""
    size = file.seek(0, 2)
    file.seek(0)
    whole = read_elements(file, defer_size=1024)
    tags = [tag for tag in list(whole.keys()) if tag.is_private and not tag.is_private_creator]
    if any(tag.group > PIXEL_DATA[0] for tag in tags):
        return True
    values = (whole.get_item(tag).value for tag in tags)
    return any(isinstance(value, bytes) and len(value) > size // 2 for value in values)
