"""Write a derived DICOM ultrasound object, streamed to disk, without the patient's identity by default."""

from __future__ import annotations

import io
import shutil
import struct
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from pydicom.dataset import Dataset

from echogan.clips.clip import ClipFile
from echogan.clips.dicom.encoder import jpeg_ls
from echogan.clips.dicom.header import keep_quiet
from echogan.clips.dicom.object import build_object, read_source
from echogan.clips.formats.frame_writer import FrameWriter
from echogan.clips.write_options import WriteOptions
from echogan.core.errors import OutputError
from echogan.core.geometry import Sector

# Uncompressed, Pixel Data's length is a 32-bit even number, its largest value reserved (PS3.5, 7.1). Compressed it has
# no such limit, but archives and viewers decompress: a clip that would not fit then is not written either.
MAX_PIXEL_BYTES = 2**32 - 2
LARGEST_OFFSET = 2**32 - 1  # of the basic offset table (PS3.5, A.4), which may be empty
ITEM, DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"


def fits_dicom(clip: ClipFile, frames: int | None = None, channels: int | None = None) -> bool:
    """Whether one DICOM file can hold a clip, decompressed too; with its own frames and channels, or those given."""
    frames = clip.frames if frames is None else frames
    channels = (3 if clip.color else 1) if channels is None else channels
    return frames * clip.height * clip.width * channels <= MAX_PIXEL_BYTES


class DicomWriter(FrameWriter):
    """Frames in, one ultrasound object out: JPEG-LS without loss, RGB or MONOCHROME2, 8 bits, a fragment a frame.

    Without `keep_identity` the header is rebuilt, and pixels outside the sector's tissue are black. Raises
    OutputError if the sector is then unknown, or if the frames would exceed DICOM's 4 GiB when decompressed.
    """

    def __init__(
        self, path: Path, like: ClipFile, sector: Sector | None, options: WriteOptions | None = None
    ) -> None:
        options = options or WriteOptions()
        if sector is None and not options.keep_identity:
            raise OutputError(
                "Without a sector, text burnt into the picture would stay in the DICOM file: "
                "find or give the sector, or keep the identity on purpose."
            )
        super().__init__(
            path, like, sector, replace(options, blackout=options.blackout or not options.keep_identity)
        )
        self._sector = sector
        self._refuse_if_too_large(like.frames, channels=3 if like.color else 1)
        self._source = read_source(like, options.keep_identity)

    def _refuse_if_too_large(self, frames: int, channels: int) -> None:
        if not fits_dicom(self.like, frames, channels):
            raise OutputError(
                "The clip is too long for one DICOM file (4 GiB): cut it, or write .mp4 instead."
            )

    def _head(self, frames: int, offsets: list[int]) -> bytes:
        """The whole file up to the first fragment, ending with the basic offset table."""
        keep_quiet()
        made = build_object(self.like, self._source, self._sector, self.options, self._color, frames)
        table = struct.pack(f"<{len(offsets)}I", *offsets)
        return _encode(made) + ITEM + struct.pack("<I", len(table)) + table

    def _start(self, frame: np.ndarray) -> None:
        if frame.shape[:2] != (self.like.height, self.like.width):
            raise OutputError(
                "The frames to write differ in size from the input's: give frames of the same size."
            )
        self._color = frame.ndim == 3
        self._refuse_if_too_large(self.like.frames, frame.shape[2] if self._color else 1)
        head = self._head(self.like.frames, [0] * self.like.frames)
        self._offsets: list[int] = []
        self._pixels_at = len(head)
        self._file: BinaryIO = self.part.open("w+b")
        self._file.write(head)

    def _put(self, frame: np.ndarray) -> None:
        self._offsets.append(self._file.tell() - self._pixels_at)
        coded = jpeg_ls(frame)
        self._file.write(ITEM + struct.pack("<I", len(coded)))
        self._file.write(coded)

    def _finish(self) -> None:
        with self._file:
            self._file.write(DELIMITER)
            if self.count == self.like.frames and self._offsets[-1] <= LARGEST_OFFSET:
                self._file.seek(self._pixels_at - 4 * self.count)
                self._file.write(struct.pack(f"<{self.count}I", *self._offsets))
            else:
                self._correct_head()

    def _correct_head(self) -> None:
        """Rewrite the header and move the pixels: a video's own count can be wrong, or the table has to be empty."""
        self._refuse_if_too_large(self.count, 3 if self._color else 1)
        head = self._head(self.count, self._offsets if self._offsets[-1] <= LARGEST_OFFSET else [])
        pixels = self.part.with_suffix(".pixels")
        try:
            with pixels.open("w+b") as aside:
                self._file.seek(self._pixels_at)
                shutil.copyfileobj(self._file, aside, 2**20)
                aside.seek(0)
                self._file.seek(0)
                self._file.truncate()
                self._file.write(head)
                shutil.copyfileobj(aside, self._file, 2**20)
        finally:
            pixels.unlink(missing_ok=True)

    def _abort(self) -> None:
        self._file.close()


def _encode(made: Dataset) -> bytes:
    """The object as a file, ending with the header of encapsulated Pixel Data (Explicit VR Little Endian, OB)."""
    buffer = io.BytesIO()
    made.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue() + struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF)
