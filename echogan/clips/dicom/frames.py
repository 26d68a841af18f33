"""Where each frame of a DICOM file lies: all that are there, whatever the header counts.

Sources: DICOM PS3.5, 8.1.1 (native pixels) and A.4 (encapsulation).
"""

from __future__ import annotations

import re
import struct
from itertools import pairwise
from typing import BinaryIO

from echogan.clips.dicom.codestream import starts_frame
from echogan.clips.dicom.layout import DAMAGED, NO_FRAMES, TRUNCATED, Layout
from echogan.core.errors import UnreadableClip

MAX_FRAGMENTS = 1_000_000
LARGEST_CUT = 64 * 2**20  # bytes of a fragment that is searched for the starts of frames
NEXT_CODESTREAM = re.compile(rb"(?:\xff\xd9|\A\xd9?)\0*(?=\xff\xd8\xff|\xff\x4f\xff\x51)")
HEAD = 12  # bytes that tell whether a fragment begins a frame
ITEM, DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
NOT_COUNTED = "The header gives no number of frames, so those found in the file are used."
TOO_MANY_COUNTED = "The header counts more frames than the file holds; those that are there are used."
TOO_FEW_COUNTED = "The header counts fewer frames than the file holds; all that are there are used."

Span = tuple[int, int]
Frame = tuple[Span, ...]
Fragment = tuple[Span, bytes]  # where it lies, and its first bytes


def count_note(layout: Layout, found: int) -> tuple[str, ...]:
    """What to say if the header's number of frames is not the number found. A still need not be counted."""
    if layout.counted is None:
        return (NOT_COUNTED,) if found > 1 else ()
    if layout.counted == found:
        return ()
    return (TOO_MANY_COUNTED if layout.counted > found else TOO_FEW_COUNTED,)


def find_frames(file: BinaryIO, layout: Layout) -> list[Frame]:
    """The (offset, length) in the file of every piece of each frame.

    Raises UnreadableClip if there is no frame, or if the file ends before its pixels do (cut short in transfer).
    """
    frames = _coded_frames(file, layout) if layout.syntax.is_encapsulated else _native_frames(file, layout)
    if not frames:
        raise UnreadableClip(NO_FRAMES)
    return frames


def native_count(layout: Layout) -> int:
    """How many whole frames the length of uncompressed Pixel Data has room for."""
    return (layout.place.length or 0) // layout.frame_bytes


def _native_frames(file: BinaryIO, layout: Layout) -> list[Frame]:
    size, start = layout.frame_bytes, layout.place.start
    count = native_count(layout)
    announced = min(layout.counted, count) if layout.counted else count
    there, rest = divmod(file.seek(0, 2) - start, size)
    # A transfer that breaks off does not stop just at the end of a frame: there, the header is wrong instead.
    if not count or there < min(announced, 1) or (there < announced and rest > 1):
        raise UnreadableClip(TRUNCATED)
    # Whole frames past the number counted are frames if they hold a picture. Other bytes after the last are ignored.
    if (layout.place.length or 0) - count * size > 1:
        count = announced
    count = min(count, there)
    while count > max(layout.counted or 0, 1) and _is_blank(file, start + (count - 1) * size, size):
        count -= 1
    return [((start + i * size, size),) for i in range(count)]


def _is_blank(file: BinaryIO, offset: int, size: int) -> bool:
    """Whether all bytes are the same."""
    file.seek(offset)
    data = file.read(size)
    return data == data[:1] * size


def _coded_frames(file: BinaryIO, layout: Layout) -> list[Frame]:
    """Frames begin where codestreams start. Offset tables are not needed, and often wrong."""
    fragments = _fragments(file, layout)
    frames = _grouped(fragments)
    if not frames:
        raise UnreadableClip(DAMAGED)
    if (layout.counted or 0) > len(frames):
        # A start within a fragment: then the fragments are pieces of one long stream.
        pieces = [piece for fragment in fragments for piece in _cut(file, fragment)]
        frames = _grouped(pieces)
    return frames


def _grouped(fragments: list[Fragment]) -> list[Frame]:
    frames: list[list[Span]] = []
    for span, head in fragments:
        if starts_frame(head):
            frames.append([span])
        elif frames:
            frames[-1].append(span)
    return [tuple(frame) for frame in frames]


def _cut(file: BinaryIO, fragment: Fragment) -> list[Fragment]:
    """The fragment in pieces, a new one where a codestream follows the end of another."""
    (offset, length), head = fragment
    if length > LARGEST_CUT:
        return [fragment]
    file.seek(offset)
    data = file.read(length)
    starts = [0, *(found.end() for found in NEXT_CODESTREAM.finditer(data)), length]
    return [((offset + a, b - a), data[a : a + HEAD] if a else head) for a, b in pairwise(starts) if b > a]


def _fragments(file: BinaryIO, layout: Layout) -> list[Fragment]:
    """Every fragment and its first bytes, without the basic offset table. Raises UnreadableClip."""
    size, place = file.seek(0, 2), layout.place
    end = size if place.length is None else place.start + place.length
    found: list[Fragment] = []
    position = place.start
    while position < end:
        file.seek(position)
        tag, length, head = file.read(4), file.read(4), file.read(HEAD)
        if tag == DELIMITER or (tag != ITEM and len(found) > 1):
            break
        if tag != ITEM or len(found) > MAX_FRAGMENTS:
            raise UnreadableClip(TRUNCATED if len(length) < 4 else DAMAGED)
        bytes_long = struct.unpack("<I", length)[0] if len(length) == 4 else size
        if position + 8 + bytes_long > size:
            raise UnreadableClip(TRUNCATED)
        found.append(((position + 8, bytes_long), head[:bytes_long]))
        position += 8 + bytes_long
    if len(found) < 2:
        raise UnreadableClip(TRUNCATED)
    return found[1:]
