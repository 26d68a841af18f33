"""How a DICOM file stores its pixels, as its header describes them.

Sources: DICOM PS3.5, 8 (encoding of pixels); PS3.3, C.7.6.3 (Image Pixel).
"""

from __future__ import annotations

from dataclasses import dataclass

from pydicom import uid
from pydicom.dataset import Dataset

from echogan.clips.dicom.codestream import JPEG, JPEG_2000
from echogan.clips.dicom.facts import numbers
from echogan.core.errors import UnreadableClip, UnsupportedClip

TRUNCATED = "The DICOM file is cut short: frames are missing. Export or copy the clip again."
DAMAGED = "The DICOM file is damaged and cannot be decoded. Export or copy the clip again."
DEPTH = (
    "This DICOM file has an unsupported bit depth; export it with 8 bits per sample (16 where it is grey)."
)
NO_FRAMES = "The DICOM file has zero frames. Export the clip again."
COLOR_SPACES = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
GREY_SPACES = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")


# Pillow wherever it can: its JPEG and JPEG 2000 decoders are hardened against damaged input.
DECODERS = {
    uid.ImplicitVRLittleEndian: "",
    uid.ExplicitVRLittleEndian: "",
    uid.DeflatedExplicitVRLittleEndian: "",
    uid.ExplicitVRBigEndian: "",
    uid.RLELossless: "pydicom",
    uid.JPEGBaseline8Bit: "pillow",
    uid.JPEGExtended12Bit: "pillow",
    uid.JPEG2000Lossless: "pillow",
    uid.JPEG2000: "pillow",
    uid.JPEGLossless: "gdcm",
    uid.JPEGLosslessSV1: "gdcm",
    uid.JPEGLSLossless: "gdcm",
    uid.JPEGLSNearLossless: "gdcm",
}


@dataclass(frozen=True)
class PixelPlace:
    """Where the Pixel Data value lies: `length` bytes from byte `start` on, None if fragments follow to a delimiter.

    `syntax` is how it really is encoded, whatever the file meta group says; `words` if its VR is OW.
    """

    start: int
    length: int | None
    words: bool
    syntax: uid.UID


@dataclass(frozen=True)
class Layout:
    """How the pixels are stored. `counted` is the header's number of frames, None if it gives none.

    `photometric` is how the samples are read: a grey space or a palette for one sample a pixel, for three RGB, YBR_FULL
    or, where two uncompressed pixels share their chroma, YBR_FULL_422. `label` is what the header says, "" for nothing.
    """

    place: PixelPlace
    rows: int
    columns: int
    counted: int | None
    samples: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    planar: int
    label: str
    photometric: str

    @property
    def syntax(self) -> uid.UID:
        return self.place.syntax

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame, uncompressed. In YBR_FULL_422 two pixels share their chroma samples."""
        size = self.rows * self.columns * self.samples * (self.bits_allocated // 8)
        return size // 3 * 2 if self.photometric == "YBR_FULL_422" else size


def read_layout(header: Dataset, place: PixelPlace) -> Layout:
    """The layout a header describes. Raises UnsupportedClip, or UnreadableClip if there can be no frame."""
    _check_syntax(place.syntax)
    samples, allocated = int(header.SamplesPerPixel), int(header.BitsAllocated)
    label = str(header.get("PhotometricInterpretation") or "").strip().upper()
    known = label in ("", *COLOR_SPACES, *GREY_SPACES) or place.syntax in (*JPEG, *JPEG_2000)
    if samples not in (1, 3) or not known:
        raise UnsupportedClip(
            "The colours of this DICOM file are stored in an unusual way; export it as grey, RGB or YBR."
        )
    if allocated not in ((8, 16) if samples == 1 else (8,)):
        raise UnsupportedClip(DEPTH)
    stored = int(header.get("BitsStored") or allocated)
    if not 1 <= stored <= allocated:
        raise UnreadableClip(DAMAGED)
    if int(header.Rows) < 1 or int(header.Columns) < 1 or place.length == 0:
        raise UnreadableClip(NO_FRAMES)
    return Layout(
        place=place,
        rows=int(header.Rows),
        columns=int(header.Columns),
        counted=int(counted[0]) if (counted := numbers(header.get("NumberOfFrames"))) else None,
        samples=samples,
        bits_allocated=allocated,
        bits_stored=stored,
        signed=bool(header.get("PixelRepresentation") or 0),
        planar=int(header.get("PlanarConfiguration") or 0),
        label=label,
        photometric=stated_space(label, samples, "RedPaletteColorLookupTableData" in header, place.syntax),
    )


def stated_space(label: str, samples: int, palette: bool, syntax: uid.UID) -> str:
    """How to read `samples` a pixel by the label; by the usual meaning if it is missing or for another number."""
    if samples == 1:
        return label if label in GREY_SPACES else ("PALETTE COLOR" if palette else "MONOCHROME2")
    if label == "YBR_FULL_422" and not syntax.is_encapsulated:
        return label
    return "YBR_FULL" if label in ("YBR_FULL", "YBR_FULL_422") else "RGB"


def _check_syntax(syntax: uid.UID) -> None:
    if syntax in DECODERS:
        return
    if syntax.startswith("1.2.840.10008.1.2.4.10"):
        raise UnsupportedClip(
            "This DICOM file holds MPEG video; export it as JPEG frames, uncompressed, or as MP4."
        )
    raise UnsupportedClip(
        "This DICOM file is compressed or encrypted in a way that cannot be decoded; export it uncompressed."
    )
