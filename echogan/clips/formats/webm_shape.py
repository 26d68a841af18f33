"""The shape of a WebM's picture, written into the finished file: PyAV cannot tell it to the muxer."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from echogan.clips.formats.container_ends import element_id, element_size

HEAD = 4096  # bytes; the muxer's whole head is shorter
SEEK_HEAD, VOID, TRACKS, TRACK_ENTRY, VIDEO = 0x114D9B74, 0xEC, 0x1654AE6B, 0xAE, 0xE0
SEEK_POSITION = b"\x53\xac"


def set_display_size(path: Path, width: int, height: int) -> None:
    """Give the one track DisplayWidth and DisplayHeight in pixels (RFC 9559, 5.1.4.1.28.12 and 13).

    The muxer leaves an empty element (Void) between its table of contents and the tracks. It becomes shorter by as
    much as the track becomes longer, so nothing behind the tracks moves.
    """
    with path.open("r+b") as file:
        head = bytearray(file.read(HEAD))
        new = b"\x54\xb0\x84" + width.to_bytes(4, "big") + b"\x54\xba\x84" + height.to_bytes(4, "big")
        start = head.index(SEEK_HEAD.to_bytes(4, "big"))
        void = _find(head, start, VOID)
        tracks = _find(head, start, TRACKS)
        entry = _find(head, _inside(head, tracks), TRACK_ENTRY)
        video = _find(head, _inside(head, entry), VIDEO)
        for element in (video, entry, tracks):
            _grow(head, element, len(new))
        end = _inside(head, video)
        head[end:end] = new
        _grow(head, void, -len(new))
        del head[_inside(head, void) : _inside(head, void) + len(new)]
        _shift_contents(head, start, void, tracks - start, len(new))
        file.seek(0)
        file.write(head)


def _find(head: bytearray, at: int, wanted: int) -> int:
    """Where the element is, among the siblings that begin at `at`."""
    reader = BytesIO(head)
    reader.seek(at)
    while True:
        here = reader.tell()
        found, (size, _) = element_id(reader), element_size(reader)
        if found == wanted:
            return here
        assert found, "not the head that the muxer writes"
        reader.seek(size, 1)


def _inside(head: bytearray, element: int) -> int:
    """Where the content of the element begins."""
    reader = BytesIO(head)
    reader.seek(element)
    element_id(reader)
    element_size(reader)
    return reader.tell()


def _grow(head: bytearray, element: int, by: int) -> None:
    """Change the element's size, which keeps its number of bytes."""
    reader = BytesIO(head)
    reader.seek(element)
    element_id(reader)
    at = reader.tell()
    size, _ = element_size(reader)
    length = reader.tell() - at
    assert 0 <= size + by < (1 << 7 * length) - 1, "the size needs more bytes"
    head[at : at + length] = (size + by | 1 << 7 * length).to_bytes(length, "big")


def _shift_contents(head: bytearray, start: int, void: int, tracks: int, by: int) -> None:
    """Correct the positions, counted from `start`, of what lies between the Void and the end of the tracks."""
    at = head.find(SEEK_POSITION, start, void)
    while at >= 0:
        length = head[at + 2] & 0x7F
        place = slice(at + 3, at + 3 + length)
        position = int.from_bytes(head[place], "big")
        if void - start < position <= tracks:
            head[place] = (position - by).to_bytes(length, "big")
        at = head.find(SEEK_POSITION, at + 3 + length, void)
