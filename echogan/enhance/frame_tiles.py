"""Frames as lossless chunk files that a page can fetch while they are still being made: eight PNG images a file.

A stream is a folder. Its files are named by the index of their first frame: 000000.tiles, 000008.tiles, ... A file is
the bytes EGT1, a uint32 count n, n uint32 lengths in bytes (all little-endian), and n PNG files one after the other.
Only the last file may hold fewer than eight. Files appear whole. A frame in colour whose channels are equal is stored
as grey: it takes a third of the time and of the space.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from echogan.core.atomic import write_whole
from echogan.core.errors import OutputError

PER_CHUNK = 8
MAGIC = b"EGT1"
# Higher levels take several times as long and save a tenth; to try every filter takes twice as long and saves 5 %.
PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP)


class TileWriter:
    """Writes a stream into a folder, which is made if it is not there.

    `ready` is the number of frames that can be read. Frames wait until their file is complete; `finish` writes the
    last file. Raises OutputError where the disk is full.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.ready = folder, 0
        self._waiting: list[bytes] = []
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, image: np.ndarray) -> None:
        """The next frame: uint8 (H, W) or RGB (H, W, 3)."""
        self._waiting.append(png(image))
        if len(self._waiting) == PER_CHUNK:
            self._write()

    def finish(self) -> None:
        """Write what still waits. Nothing can be added after it."""
        if self._waiting:
            self._write()

    def _write(self) -> None:
        images = self._waiting
        head = MAGIC + struct.pack(f"<{len(images) + 1}I", len(images), *map(len, images))
        write_whole(chunk_path(self.folder, self.ready), head + b"".join(images))
        self.ready += len(images)
        self._waiting = []


class TileReader:
    """Reads a stream in order, as far as it has been written. Raises OutputError for a file that is not a chunk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __iter__(self) -> Iterator[np.ndarray]:
        """Every frame, uint8 (H, W), or RGB (H, W, 3) where it has colour."""
        start = 0
        while (path := chunk_path(self.folder, start)).exists():
            images = chunk_images(path.read_bytes())
            for image in images:
                yield image_of(image)
            start += len(images)
            if len(images) < PER_CHUNK:
                return


def chunk_path(folder: Path, start: int) -> Path:
    """The file of the frames from `start` on."""
    return folder / f"{start:06d}.tiles"


def chunk_images(data: bytes) -> list[bytes]:
    """The PNG files of a chunk file. Raises OutputError."""
    try:
        (count,) = struct.unpack_from("<I", data, len(MAGIC))
        lengths = struct.unpack_from(f"<{count}I", data, len(MAGIC) + 4)
    except struct.error:
        count, lengths = 0, ()
    place = len(MAGIC) + 4 + 4 * count
    if not data.startswith(MAGIC) or not lengths or place + sum(lengths) != len(data):
        raise OutputError("A file of the stored result is damaged. Enhance the clip again.")
    images = []
    for length in lengths:
        images.append(data[place : place + length])
        place += length
    return images


def png(image: np.ndarray) -> bytes:
    """A frame, uint8 (H, W) or RGB (H, W, 3), as a PNG file, written quickly; one in colour without any as grey."""
    if image.ndim == 3 and is_grey(image):
        image = image[..., 0]
    stored = image[..., ::-1] if image.ndim == 3 else image
    done, data = cv2.imencode(".png", stored, PNG)
    assert done, "every uint8 image can be a PNG"
    return data.tobytes()


def is_grey(image: np.ndarray) -> bool:
    """Whether the three channels of (H, W, 3) are equal."""
    return np.array_equal(image[..., 0], image[..., 1]) and np.array_equal(image[..., 0], image[..., 2])


def image_of(data: bytes) -> np.ndarray:
    """The frame in a PNG file of ours: uint8 (H, W) or RGB (H, W, 3). Raises OutputError."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise OutputError("A file of the stored result is damaged. Enhance the clip again.")
    return image[..., ::-1] if image.ndim == 3 else image
