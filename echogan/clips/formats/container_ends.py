"""Whether a video file is whole: a file that was cut is told from one whose end is merely wrong.

MP4 and MOV boxes (ISO/IEC 14496-12, 4.2), RIFF chunks of AVI, and the EBML elements of Matroska (RFC 8794).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from echogan.clips.content import Content
from echogan.core.errors import UnreadableClip

TRAILING = "Bytes follow the end of the video; they were ignored."
TOO_LONG = "The file says that it is longer than it is; the frames that are there are used."

_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
BEYOND = 1 << 62  # bytes: past the end of any file


@dataclass(frozen=True)
class End:
    """`cut_at`: the length that the file should have, where a part of it is missing; `unsure`: only the frames tell."""

    cut_at: int | None = None
    note: str | None = None
    unsure: bool = False


WHOLE = End()


def check_end(path: Path, content: Content) -> End:
    """How a file ends; `content` is "mov", "avi" or "matroska". Raises UnreadableClip if it is cut off."""
    size = path.stat().st_size
    with path.open("rb") as file:
        end = {"mov": _boxes, "avi": _chunks, "matroska": _elements}[content](file, size)
    if end.cut_at is not None:
        raise UnreadableClip(
            f"'{path.name}' is cut off ({size} of {end.cut_at} bytes): copy or export it again."
        )
    return end


def _boxes(file: BinaryIO, size: int) -> End:
    position, seen = 0, set()
    while position + 8 <= size:
        file.seek(position)
        head = file.read(16)
        name, length = head[4:8], int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length < 8:  # 0: up to the end of the file; less: padding that no reader looks at
            return WHOLE
        if position + length > size:
            return _last_box(name, seen, position + length)
        seen.add(name)
        position += length
    return WHOLE


def _last_box(name: bytes, seen: set[bytes], end: int) -> End:
    """What it means that the last box reaches past the end of the file."""
    if name == b"mdat" and b"moov" in seen and b"moof" not in seen:
        return End(note=TOO_LONG, unsure=True)  # the frames need not fill it
    if name not in (b"moov", b"moof", b"mdat") and b"moov" in seen and b"mdat" in seen:
        return End(note=TRAILING)
    return End(cut_at=end)


def _chunks(file: BinaryIO, size: int) -> End:
    position = 0
    while position + 8 <= size:
        file.seek(position)
        head = file.read(8)
        length = int.from_bytes(head[4:8], "little")
        if head[:4] != b"RIFF":
            return End(note=TRAILING)
        if length in (0, 0xFFFFFFFF):  # a recorder that never came to write it
            return WHOLE
        end = position + 8 + length + length % 2
        if end > size + 1:  # the padding byte of the last chunk is often left out
            return _chunk_by_chunk(file, position + 12, size, end)
        position = end
    return WHOLE


def _chunk_by_chunk(file: BinaryIO, position: int, size: int, end: int) -> End:
    """Where RIFF's own size is too large: whether all chunks in it are whole."""
    while position + 8 <= size:
        file.seek(position)
        head = file.read(8)
        if head[:4] == b"LIST":
            position += 12
            continue
        length = int.from_bytes(head[4:8], "little")
        position += 8 + length + length % 2
        if head[:4] == b"idx1" and position <= size:  # the index comes last
            return End(note=TOO_LONG)
    return End(note=TOO_LONG) if position in (size, size + 1) else End(cut_at=end)


def _elements(file: BinaryIO, size: int) -> End:
    file.seek(4)
    header, _ = element_size(file)
    file.seek(min(header, size), 1)
    if element_id(file) != _SEGMENT:
        return WHOLE
    length, unknown = element_size(file)
    end = file.tell() + length
    if unknown or end <= size:
        return WHOLE
    clusters = 0
    while file.tell() < size:
        name = element_id(file)
        length, _ = element_size(file)
        if name == 0 and clusters:  # no element: something else was appended
            return End(note=TOO_LONG)
        if name == _CLUSTER:  # its children are looked at, not its own size
            clusters += 1
            continue
        if file.tell() + length > size:
            return End(cut_at=end)
        file.seek(length, 1)
    return End(note=TOO_LONG) if clusters else End(cut_at=end)


def element_id(file: BinaryIO) -> int:
    """An EBML identifier of one to four bytes with its marker; 0 if there is none."""
    first = file.read(1)
    if not first or first[0] < 0x10:
        return 0
    return int.from_bytes(first + file.read(8 - first[0].bit_length()), "big")


def element_size(file: BinaryIO) -> tuple[int, bool]:
    """A variable-length EBML size, and whether all its bits are set (unknown size: a live recording)."""
    first = file.read(1)
    if first == b"\0":
        return 0, True
    more = 8 - first[0].bit_length() if first else 0
    rest = file.read(more)
    if not first or len(rest) < more:  # the file ends within it
        return BEYOND, True
    bits = 7 * (more + 1)
    value = int.from_bytes(first + rest, "big") & ((1 << bits) - 1)
    return value, value == (1 << bits) - 1
