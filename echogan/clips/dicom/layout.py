"""How a DICOM file stores its pixels, and where each frame lies in the file.

Sources: DICOM PS3.5, 8 (encoding of pixels) and A.4 (encapsulation); PS3.3, C.7.6.3 (Image Pixel).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from pydicom import uid
from pydicom.dataset import Dataset

from echogan.clips.dicom.facts import numbers
from echogan.core.errors import UnreadableClip, UnsupportedClip

TRUNCATED = "The DICOM file is cut short: frames are missing. Export or copy the clip again."
DAMAGED = "The DICOM file is damaged and cannot be decoded. Export or copy the clip again."
DEPTH = (
    "This DICOM file has an unsupported bit depth; export it with 8 bits per sample (16 where it is grey)."
)
UNDEFINED_LENGTH = 0xFFFFFFFF
MAX_FRAGMENTS = 1_000_000
COLOR_SPACES = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
GREY_SPACES = ("MONOCHROME1", "MONOCHROME2")


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


Span = tuple[int, int]


@dataclass(frozen=True)
class Layout:
    """How the pixels are stored; the Pixel Data value has `length` bytes from byte `start` of the file on."""

    syntax: uid.UID
    rows: int
    columns: int
    frames: int
    samples: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    planar: int
    photometric: str
    start: int
    length: int
    words: bool

    @property
    def frame_bytes(self) -> int:
        """Bytes of one frame, uncompressed. In YBR_FULL_422 two pixels share their chroma samples."""
        size = self.rows * self.columns * self.samples * (self.bits_allocated // 8)
        shared = self.photometric == "YBR_FULL_422" and not self.syntax.is_encapsulated
        return size // 3 * 2 if shared else size


def read_layout(header: Dataset, syntax: uid.UID, place: tuple[int, int, bool]) -> Layout:
    """The layout a header describes; `place` is (start, length, stored as words). Raises UnsupportedClip."""
    _check_syntax(syntax)
    allocated, samples = int(header.BitsAllocated), int(header.SamplesPerPixel)
    photometric = str(header.PhotometricInterpretation).strip().upper()
    spaces = COLOR_SPACES if samples == 3 else (*GREY_SPACES, "PALETTE COLOR")
    if samples not in (1, 3) or photometric not in spaces:
        raise UnsupportedClip(
            "The colours of this DICOM file are stored in an unusual way; export it as grey, RGB or YBR."
        )
    if allocated not in ((8, 16) if samples == 1 else (8,)):
        raise UnsupportedClip(DEPTH)
    stored = int(header.get("BitsStored") or allocated)
    if not 1 <= stored <= allocated:
        raise UnreadableClip(DAMAGED)
    frames = int((numbers(header.get("NumberOfFrames")) or [1])[0])
    full = int(header.Rows) * int(header.Columns) * samples * frames
    if photometric == "YBR_FULL_422" and not syntax.is_encapsulated and place[1] >= full:
        # Three bytes a pixel: the chroma is not subsampled, whatever the header says.
        photometric = "YBR_FULL"
    return Layout(
        syntax=syntax,
        rows=int(header.Rows),
        columns=int(header.Columns),
        frames=frames,
        samples=samples,
        bits_allocated=allocated,
        bits_stored=stored,
        signed=bool(header.get("PixelRepresentation") or 0),
        planar=int(header.get("PlanarConfiguration") or 0),
        photometric=photometric,
        start=place[0],
        length=place[1],
        words=place[2],
    )


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


def find_frames(file: BinaryIO, layout: Layout, header: Dataset) -> list[tuple[Span, ...]]:
    """The (offset, length) in the file of every piece of each frame. Raises UnreadableClip if frames are missing."""
    size = file.seek(0, 2)
    if layout.syntax.is_encapsulated:
        if layout.length != UNDEFINED_LENGTH:
            raise UnreadableClip(DAMAGED)
        return _encapsulated_frames(file, layout, header)
    needed = layout.frame_bytes * layout.frames
    if layout.length == UNDEFINED_LENGTH:
        raise UnreadableClip(DAMAGED)
    if layout.length < needed or size < layout.start + needed:
        raise UnreadableClip(TRUNCATED)
    return [((layout.start + i * layout.frame_bytes, layout.frame_bytes),) for i in range(layout.frames)]


def _encapsulated_frames(file: BinaryIO, layout: Layout, header: Dataset) -> list[tuple[Span, ...]]:
    """Frames by the extended or basic offset table, else one per fragment, else by end-of-image markers."""
    table, *fragments = _fragments(file, layout.start)
    frames = layout.frames
    offsets: tuple[int, ...] = ()
    if header.get("ExtendedOffsetTable"):
        raw = bytes(header.ExtendedOffsetTable)
        offsets = struct.unpack(f"<{len(raw) // 8}Q", raw[: len(raw) // 8 * 8])
    elif table[1] == 4 * frames:
        file.seek(table[0])
        offsets = struct.unpack(f"<{frames}I", file.read(4 * frames))
    # An offset counts from the first fragment's item header, 8 bytes before its data.
    index = {span[0] - fragments[0][0]: i for i, span in enumerate(fragments)} if fragments else {}
    if len(offsets) == frames and all(o in index for o in offsets):
        firsts = [index[o] for o in offsets] + [len(fragments)]
        if all(a < b for a, b in pairwise(firsts)):
            return [tuple(fragments[a:b]) for a, b in pairwise(firsts)]
    if len(fragments) < frames:
        raise UnreadableClip(TRUNCATED)
    if frames == 1:
        return [tuple(fragments)]
    if len(fragments) == frames:
        return [(span,) for span in fragments]
    found = _split_at_markers(file, fragments)
    if len(found) < frames:
        raise UnreadableClip(TRUNCATED)
    return found[:frames]


def _fragments(file: BinaryIO, start: int) -> list[Span]:
    """Every item of the encapsulated Pixel Data, the basic offset table first. Raises UnreadableClip."""
    size = file.seek(0, 2)
    spans: list[Span] = []
    position = start
    while position < size:
        file.seek(position)
        head = file.read(8)
        if len(head) < 8:
            raise UnreadableClip(TRUNCATED)
        tag, length = head[:4], struct.unpack("<I", head[4:])[0]
        if tag == b"\xfe\xff\xdd\xe0":
            break
        if tag != b"\xfe\xff\x00\xe0" or length == UNDEFINED_LENGTH or len(spans) > MAX_FRAGMENTS:
            raise UnreadableClip(DAMAGED)
        if position + 8 + length > size:
            raise UnreadableClip(TRUNCATED)
        spans.append((position + 8, length))
        position += 8 + length
    if len(spans) < 2:
        raise UnreadableClip(TRUNCATED)
    return spans


def _split_at_markers(file: BinaryIO, fragments: list[Span]) -> list[tuple[Span, ...]]:
    """Group fragments into frames: a frame ends where a fragment ends with the end-of-image marker FFD9."""
    frames, current = [], []
    for offset, length in fragments:
        current.append((offset, length))
        tail = min(length, 10)
        file.seek(offset + length - tail)
        if b"\xff\xd9" in file.read(tail):
            frames.append(tuple(current))
            current = []
    return frames
