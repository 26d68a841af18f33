"""Damage to whole files of any kind: cuts, wrong bytes, extreme numbers in headers, parts doubled or left out."""

from __future__ import annotations

import re
import struct
import zlib

import numpy as np

HEAD = 600  # bytes in which most headers lie
EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 4000, 8192, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
MARKS = re.compile(
    rb"moov|trak|stts|stsz|stco|stsc|tkhd|mdhd|avcC|stsd|elst|strh|strf|avih|idx1|IHDR|IDAT|acTL|pHYs"
    rb"|\xff[\xc0-\xdf]|\x2c|\x21\xf9|II\*\0|DimSize = |ElementSpacing|\x1f\x43\xb6\x75|\x16\x54\xae\x6b|\xe0|\xb0|\xba"
)


def file_input(whole: bytes, rng: np.random.Generator) -> bytes:
    """The file with one to four faults."""
    data = bytearray(whole)
    for _ in range(int(rng.integers(1, 5))):
        if len(data) < 8:
            break
        FAULTS[int(rng.integers(len(FAULTS)))](data, rng)
    if data[:4] == b"\x89PNG" and rng.random() < 0.8:
        _mend_png(data)
    return bytes(data)


def _place(data: bytearray, rng: np.random.Generator) -> int:
    """Somewhere in the file: near a mark of its structure, in its head, or anywhere."""
    kind = rng.random()
    if kind < 0.5 and (marks := [mark.start() for mark in MARKS.finditer(data[:20_000])]):
        return min(len(data) - 1, max(0, marks[int(rng.integers(len(marks)))] + int(rng.integers(-6, 24))))
    return int(rng.integers(min(HEAD, len(data)) if kind < 0.8 else len(data)))


def _cut(data: bytearray, rng: np.random.Generator) -> None:
    del data[int(rng.integers(len(data))) :]


def _flip(data: bytearray, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(1, 12))):
        data[_place(data, rng)] ^= 1 << int(rng.integers(8))


def _extreme(data: bytearray, rng: np.random.Generator) -> None:
    """A number of 1, 2, 4 or 8 bytes, in either order."""
    size, order = int(rng.choice([1, 2, 4, 8])), str(rng.choice(["little", "big"]))
    value = int(rng.choice(EXTREMES)) % (1 << 8 * size)
    at = _place(data, rng)
    data[at : at + size] = value.to_bytes(size, order)  # pyright: ignore[reportArgumentType]


def _double(data: bytearray, rng: np.random.Generator) -> None:
    at, size = _place(data, rng), int(rng.choice([4, 16, 200, 4000]))
    data[at:at] = data[at : at + size] * int(rng.choice([1, 2, 50]))


def _leave_out(data: bytearray, rng: np.random.Generator) -> None:
    at = _place(data, rng)
    del data[at : at + int(rng.choice([1, 4, 16, 200]))]


def _digits(data: bytearray, rng: np.random.Generator) -> None:
    """Another number where one is written as text."""
    numbers = list(re.finditer(rb"\d+", data[:HEAD]))
    if numbers:
        found = numbers[int(rng.integers(len(numbers)))]
        data[found.start() : found.end()] = str(rng.choice([0, -1, 1e300, 99_999_999_999, 4000])).encode()


def _mend_png(data: bytearray) -> None:
    """Give every chunk the checksum of its content, so that a fault in it is met."""
    at = 8
    while at + 12 <= len(data):
        end = at + 8 + struct.unpack_from(">I", data, at)[0]
        if end + 4 > len(data):
            return
        struct.pack_into(">I", data, end, zlib.crc32(data[at + 4 : end]))
        at = end + 4


FAULTS = (_cut, _flip, _flip, _extreme, _extreme, _extreme, _double, _leave_out, _digits)
