"""Small files that ask for much: each was within the limits on pixels and frames."""

import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
from dicom_samples import moving, region, save, ultrasound
from pydicom import uid


def png(path: Path, width: int, height: int) -> Path:
    """A black picture of this size."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width + 1) * height))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return path


def many_values(path: Path, tag: int, size: int) -> Path:
    """A clip with a tag of so many bytes of ones, in implicit VR, which has room for that, and times in a vector."""
    dataset = ultrasound(moving(), FrameTime=None, FrameIncrementPointer=0x00181065)
    whole = save(dataset, path, uid.ImplicitVRLittleEndian).read_bytes()
    head = struct.pack("<2H", tag >> 16, tag & 0xFFFF)
    before = (
        whole.index(struct.pack("<2H", 0x0028, 0x0002))
        if tag < 0x00280002
        else whole.index(b"\xe0\x7f\x10\x00")
    )
    value = b"1\\" * (size // 2)
    path.write_bytes(whole[:before] + head + struct.pack("<I", len(value)) + value + whole[before:])
    return path


def many_regions(path: Path, count: int) -> Path:
    """A clip with so many ultrasound regions."""
    dataset = ultrasound(moving(), SequenceOfUltrasoundRegions=[region((0, 0, 23, 31))])
    whole = save(dataset, path, uid.ImplicitVRLittleEndian).read_bytes()
    at = whole.index(struct.pack("<2H", 0x0018, 0x6011))
    size = struct.unpack_from("<I", whole, at + 4)[0]
    item = whole[at + 8 : at + 8 + size]
    head = whole[at : at + 4] + struct.pack("<I", 0xFFFFFFFF)
    end = struct.pack("<2HI", 0xFFFE, 0xE0DD, 0)
    path.write_bytes(whole[:at] + head + item * count + end + whole[at + 8 + size :])
    return path


def many_pages(path: Path, count: int) -> Path:
    """A TIFF whose one picture is followed by so many directories."""
    entries = ((256, 16), (257, 16), (258, 8), (259, 1), (262, 1), (273, 8), (278, 16), (279, 256))
    pages, size = [], 2 + 12 * len(entries) + 4
    for page in range(count):
        following = 0 if page == count - 1 else 264 + size * (page + 1)
        fields = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
        pages.append(struct.pack("<H", len(entries)) + fields + struct.pack("<I", following))
    path.write_bytes(b"II*\0" + struct.pack("<I", 264) + bytes(range(256)) + b"".join(pages))
    return path


def deflated_zeros(path: Path, frames: int) -> Path:
    """A deflated clip of black frames, 1024 x 1024: a thousandth of what it unpacks to."""
    dataset = ultrasound(np.zeros((1, 1024, 1024), np.uint8), NumberOfFrames=frames)
    dataset.PixelData = bytes(1024 * 1024 * frames)
    return save(dataset, path, uid.DeflatedExplicitVRLittleEndian)


def many_small_bombs(path: Path, count: int, size: int) -> Path:
    """A zip of files of zeros."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for index in range(count):
            out.writestr(f"{index}.png", bytes(size))
    return path


def overlapping(path: Path, count: int, size: int) -> Path:
    """A zip whose table names the same packed bytes again and again."""
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("0.png", bytes(size))
        first = out.infolist()[0]
        for index in range(1, count):
            entry = zipfile.ZipInfo(f"{index}.png")
            entry.header_offset, entry.CRC = first.header_offset, first.CRC
            entry.compress_size = entry.file_size = size
            out.filelist.append(entry)
            out.NameToInfo[entry.filename] = entry
    return path
