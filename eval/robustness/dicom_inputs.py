"""DICOM files built element by element, with lengths, counts, VRs and values that are wrong on purpose.

The encoder is independent of the reader under test. Source: DICOM PS3.5, 7 and A.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace

import numpy as np

from eval.robustness.seeds import FRAMES, HEIGHT, WIDTH, echo, jpeg_frames

LONG_VRS = (b"OB", b"OW", b"OV", b"SQ", b"UN", b"UT", b"UC", b"OF")
VRS = (*LONG_VRS, b"US", b"SS", b"UL", b"IS", b"DS", b"CS", b"UI", b"LO", b"PN", b"FD", b"AT", b"??", b"\0\0")
UNDEFINED = 0xFFFFFFFF
LENGTHS = (0, 1, 2, 3, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, UNDEFINED)
NUMBERS = (0, 1, 2, 3, 7, 8, 9, 12, 15, 16, 17, 255, 256, 4096, 8192, 32767, 65535)
TEXTS = (
    b"",
    b"0",
    b"-1",
    b"1",
    b"2147483647",
    b"99999999999999999999",
    b"1e308",
    b"nan",
    b"inf",
    b"1\\0",
    b"\\\\\\",
    b"x",
)
LARGEST = 2_000_000  # bytes that a value is repeated to
MOST_COPIED = 30_000_000  # bytes that an element is doubled to
IMPLICIT, EXPLICIT, DEFLATED = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"
BIG, JPEG = "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.4.50"
RLE, J2K, JPEG_LS, LOSSLESS = (f"1.2.840.10008.1.2.{end}" for end in ("5", "4.90", "4.80", "4.70"))


@dataclass(frozen=True)
class Element:
    """One element; `stated` is the length that is written where it is not that of the value."""

    tag: int
    vr: bytes
    value: bytes
    stated: int | None = None

    def encoded(self, explicit: bool, order: str) -> bytes:
        """Its bytes."""
        length = len(self.value) if self.stated is None else self.stated
        head = struct.pack(f"{order}2H", self.tag >> 16, self.tag & 0xFFFF)
        if not explicit:
            return head + struct.pack(f"{order}I", length & UNDEFINED) + self.value
        if self.vr in LONG_VRS:
            return head + self.vr + b"\0\0" + struct.pack(f"{order}I", length & UNDEFINED) + self.value
        return head + self.vr + struct.pack(f"{order}H", length & 0xFFFF) + self.value


def dicom_input(rng: np.random.Generator) -> bytes:
    """A DICOM file with some faults; now and then with none."""
    syntax = str(
        rng.choice([IMPLICIT, EXPLICIT, EXPLICIT, DEFLATED, BIG, JPEG, JPEG, RLE, J2K, JPEG_LS, LOSSLESS])
    )
    order, explicit = ">" if syntax == BIG else "<", syntax != IMPLICIT
    elements = _elements(rng, syntax, order, explicit)
    for _ in range(int(rng.integers(0, 4))):
        elements = _with_fault(elements, rng, order)
    data = b"".join(element.encoded(explicit, order) for element in elements)
    if syntax == DEFLATED:
        packer = zlib.compressobj(wbits=-15)
        data = packer.compress(data) + packer.flush()
    uid = syntax.encode() + b"\0" * (len(syntax) % 2)
    meta = Element(0x00020010, b"UI", uid).encoded(True, "<")
    group = Element(0x00020000, b"UL", struct.pack("<I", len(meta))).encoded(True, "<")
    return bytes(128) + b"DICM" + group + meta + data


def _elements(rng: np.random.Generator, syntax: str, order: str, explicit: bool) -> list[Element]:
    def short(value: int) -> bytes:
        return struct.pack(f"{order}H", value)

    pixels = echo(rng).tobytes()
    coded = syntax in (JPEG, RLE, J2K, JPEG_LS, LOSSLESS)
    items = _items([b"", *jpeg_frames(rng)], "<") if coded else pixels
    vector = b"\\".join([b"40.0"] * FRAMES) + b" "
    return [
        Element(0x00080016, b"UI", b"1.2.840.10008.5.1.4.1.1.3.1\0"),
        Element(0x00080060, b"CS", b"US"),
        Element(0x00181063, b"DS", b"40"),
        Element(0x00181065, b"DS", vector[: len(vector) // 2 * 2]),
        Element(0x00186011, b"SQ", _items([_region(order, explicit)] * int(rng.integers(1, 4)), order)),
        Element(0x00280002, b"US", short(1)),
        Element(0x00280004, b"CS", b"MONOCHROME2 "),
        Element(0x00280008, b"IS", b"%d " % FRAMES),
        Element(0x00280009, b"AT", struct.pack(f"{order}2H", 0x0018, 0x1063)),
        Element(0x00280010, b"US", short(HEIGHT)),
        Element(0x00280011, b"US", short(WIDTH)),
        Element(0x00280100, b"US", short(8)),
        Element(0x00280101, b"US", short(8)),
        Element(0x00280103, b"US", short(0)),
        Element(0x00281050, b"DS", b"128 "),
        Element(0x00281051, b"DS", b"256 "),
        Element(0x7FE00010, b"OB" if coded else b"OW", items, UNDEFINED if coded else None),
    ]


def _region(order: str, explicit: bool) -> bytes:
    """One ultrasound region: all of the picture, calibrated."""
    sides = ((0x00186018, 0), (0x0018601A, 0), (0x0018601C, WIDTH - 1), (0x0018601E, HEIGHT - 1))
    kinds = ((0x00186012, 1), (0x00186014, 1), (0x00186024, 3), (0x00186026, 3))
    elements = [Element(tag, b"US", struct.pack(f"{order}H", value)) for tag, value in kinds]
    elements += [Element(tag, b"UL", struct.pack(f"{order}I", value)) for tag, value in sides]
    elements += [Element(tag, b"FD", struct.pack(f"{order}d", 0.05)) for tag in (0x0018602C, 0x0018602E)]
    return b"".join(one.encoded(explicit, order) for one in sorted(elements, key=lambda one: one.tag))


def _items(values: list[bytes], order: str) -> bytes:
    head = struct.pack(f"{order}2H", 0xFFFE, 0xE000)
    end = struct.pack(f"{order}2HI", 0xFFFE, 0xE0DD, 0)
    padded = (value + b"\0" * (len(value) % 2) for value in values)
    return b"".join(head + struct.pack(f"{order}I", len(value)) + value for value in padded) + end


def _with_fault(elements: list[Element], rng: np.random.Generator, order: str) -> list[Element]:
    """One element changed, left out, doubled, moved or wrapped into sequences."""
    at = int(rng.integers(len(elements)))
    one, others = elements[at], elements[:at] + elements[at + 1 :]
    match int(rng.integers(9)):
        case 0:
            return others
        case 1:
            most = MOST_COPIED // max(1, len(one.value))
            times = min(int(rng.choice([1, 10, 3000])), most)
            return [*elements[: at + 1], *[one] * times, *elements[at + 1 :]]
        case 2:
            return [*others[: (place := int(rng.integers(len(others) + 1)))], one, *others[place:]]
        case 3:
            changed = replace(one, vr=VRS[int(rng.integers(len(VRS)))])
        case 4:
            near = len(one.value) + int(rng.integers(-3, 4))
            changed = replace(one, stated=int(rng.choice([max(0, near), *LENGTHS])))
        case 5:
            number = int(rng.choice(NUMBERS))
            packed = (
                struct.pack(f"{order}H", number)
                if len(one.value) == 2
                else TEXTS[int(rng.integers(len(TEXTS)))]
            )
            changed = replace(one, value=packed)
        case 6:
            separator = b"\\" if one.vr in (b"DS", b"IS", b"CS") else b""
            times = int(rng.choice([2, 100, LARGEST])) // max(1, len(one.value)) + 1
            changed = replace(one, value=separator.join([one.value] * times))
        case 7:
            value = one.encoded(True, order)
            for _ in range(int(rng.choice([1, 3, 200]))):
                value = Element(0x00186011, b"SQ", _items([value], order), UNDEFINED).encoded(True, order)
            changed = replace(one, vr=b"SQ", value=value)
        case _:
            damaged = bytearray(one.value)
            for _ in range(int(rng.integers(1, 20)) if damaged else 0):
                damaged[int(rng.integers(len(damaged)))] = int(rng.integers(256))
            changed = replace(one, value=bytes(damaged))
    return [*elements[:at], changed, *elements[at + 1 :]]
