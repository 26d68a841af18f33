"""Detect a file's type from its first bytes, and check its size; shared by every reader."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from echogan.clips.clip import ClipLimits
from echogan.core.errors import ClipTooLarge, EchoGANError, UnreadableClip

Content = Literal[
    "dicom", "gif", "png", "jpeg", "bmp", "tiff", "mov", "avi", "matroska", "nifti", "metaimage"
]

SUPPORTED = "DICOM, MP4, MOV, AVI, MKV, WEBM, animated GIF, PNG, JPEG, BMP, TIFF, NIfTI or MetaImage"
HEAD_BYTES = 1024
SMALLEST = 16  # pixels of a side
PACKED_FROM = 64 * 2**20  # bytes: up to this size any compression ratio is allowed, as that of a black clip
PACKED_RATIO = 200  # unpacked over packed

_MAGIC: tuple[tuple[bytes, Content], ...] = (
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"BM", "bmp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"\x1aE\xdf\xa3", "matroska"),
)
_GZIP = b"\x1f\x8b"
_NIFTI = {348: (344, (b"n+1\0", b"ni1\0")), 540: (4, (b"n+2\0", b"ni2\0"))}  # by the size of the header
_METAIMAGE = re.compile(rb"([A-Za-z]\w*[ \t]*=[^\r\n]*\r?\n){0,40}?NDims[ \t]*=")
_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"}


def sniff(head: bytes) -> Content | None:
    """The type of a file from its first bytes (at least 132); None if no known signature matches."""
    # A DICOM preamble may hold another format's magic (PS3.10, section 7.1), so DICM is looked for first.
    if head[128:132] == b"DICM":
        return "dicom"
    for magic, content in _MAGIC:
        if head.startswith(magic):
            return content
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[4:8] in _BOXES:
        return "mov"
    if _is_nifti(head) or _is_nifti(_inflated(head)):
        return "nifti"
    return "metaimage" if _METAIMAGE.match(head) else None


def _is_nifti(head: bytes) -> bool:
    """Whether a header of NIfTI 1 or 2 begins here, in either order of bytes."""
    for order in ("little", "big"):
        place, magics = _NIFTI.get(int.from_bytes(head[:4], order), (0, ()))
        if head[place : place + 4] in magics:
            return True
    return False


def _inflated(head: bytes) -> bytes:
    """What a gzip file begins with; nothing for another file."""
    if not head.startswith(_GZIP):
        return b""
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
    except zlib.error:
        return b""


def refusal(name: str, head: bytes) -> str:
    """The error message for a file of unknown type: what it seems to be, and what to give instead."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        return f"'{name}' is empty: export or download it again."
    if head.startswith(b"PK") and name.lower().endswith(".npz"):
        return (
            f"'{name}' holds arrays, which are an output only: give the clip they were made of ({SUPPORTED})."
        )
    if head.startswith(b"PK"):
        return f"'{name}' is a zip archive: unpack it and give one of the clips inside ({SUPPORTED})."
    if head.startswith(_GZIP):
        return (
            f"'{name}' is packed (gzip) and no NIfTI file: unpack it and give the clip inside ({SUPPORTED})."
        )
    if text.startswith((b"<!doctype", b"<html")):
        return f"'{name}' is a web page, not a clip: download the clip itself ({SUPPORTED})."
    return f"'{name}' is not a clip that can be read, whatever its name says: give {SUPPORTED}."


@contextmanager
def decoder_errors(path: Path) -> Iterator[None]:
    """Turn any exception of a decoder inside the block into UnreadableClip; EchoGANError passes through."""
    try:
        yield
    except EchoGANError:
        raise
    except MemoryError as error:
        raise ClipTooLarge(
            f"'{path.name}' needs more memory to decode than there is: give a smaller clip."
        ) from error
    except FileNotFoundError as error:
        raise UnreadableClip(
            f"'{path.name}' is no longer there: it was moved or deleted meanwhile."
        ) from error
    except Exception as error:
        # On a damaged file a decoder may raise any exception (struct.error, IndexError, SyntaxError, ...).
        raise UnreadableClip(
            f"'{path.name}' is damaged or incomplete and cannot be decoded: export it again. "
            f"({type(error).__name__})"
        ) from error


def check_packed(path: Path, unpacked: int) -> None:
    """Raise ClipTooLarge if a packed file holds more bytes than real pictures unpack to."""
    if unpacked > max(PACKED_FROM, PACKED_RATIO * path.stat().st_size):
        raise ClipTooLarge(
            f"'{path.name}' unpacks to more than {PACKED_RATIO} times its size: save it without compression."
        )


def check_limits(path: Path, limits: ClipLimits, frames: int, height: int, width: int, channels: int) -> None:
    """Raise ClipTooLarge if the clip's size, as the file declares it or as decoded so far, is over a limit."""
    if height * width > limits.max_pixels_per_frame:
        raise ClipTooLarge(
            f"'{path.name}' has frames of {width} x {height} pixels; at most {limits.max_pixels_per_frame} "
            "pixels are allowed: scale it down."
        )
    longer, shorter = max(height, width), min(height, width)
    if longer > limits.max_side or longer > limits.max_side_ratio * max(SMALLEST, shorter):
        raise ClipTooLarge(
            f"'{path.name}' has frames of {width} x {height} pixels; a side may have at most {limits.max_side} pixels, "
            f"and {limits.max_side_ratio} times those of the other: cut the picture out of it."
        )
    if frames > limits.max_frames:
        raise ClipTooLarge(
            f"'{path.name}' has more than {limits.max_frames} frames: cut it into shorter clips."
        )
    if frames * height * width * channels > limits.max_decoded_bytes:
        raise ClipTooLarge(
            f"'{path.name}' decodes to more than {limits.max_decoded_bytes / 2**20:.0f} MB: "
            "cut it or scale it down."
        )
