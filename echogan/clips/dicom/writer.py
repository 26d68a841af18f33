"""Write a derived DICOM ultrasound multi-frame object, streamed to disk, without the patient's identity by default."""

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
from echogan.clips.dicom.header import keep_quiet
from echogan.clips.dicom.object import build_object, read_source
from echogan.clips.formats.frame_writer import FrameWriter
from echogan.clips.write_options import WriteOptions
from echogan.core.errors import OutputError
from echogan.core.geometry import Sector

# Pixel Data's length is a 32-bit even number, its largest value reserved (PS3.5, 7.1).
MAX_PIXEL_BYTES = 2**32 - 2


def fits_dicom(clip: ClipFile, frames: int | None = None, channels: int | None = None) -> bool:
    """Whether one DICOM file can hold a clip with its own number of frames and channels, or with those given."""
    frames = clip.frames if frames is None else frames
    channels = (3 if clip.color else 1) if channels is None else channels
    return frames * clip.height * clip.width * channels <= MAX_PIXEL_BYTES


class DicomWriter(FrameWriter):
    """Frames in, one Ultrasound Multi-frame object out: Explicit VR Little Endian, RGB or MONOCHROME2, 8 bits.

    Without `keep_identity` the header is rebuilt, and pixels outside the sector's tissue are black. Raises
    OutputError if the sector is then unknown, or if the object would exceed DICOM's 4 GiB.
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

    def _header(self, frames: int) -> bytes:
        """The whole file up to the first pixel."""
        keep_quiet()
        made = build_object(self.like, self._source, self._sector, self.options, self._color, frames)
        return _encode(made, self._frame_bytes * frames)

    def _start(self, frame: np.ndarray) -> None:
        if frame.shape[:2] != (self.like.height, self.like.width):
            raise OutputError(
                "The frames to write differ in size from the input's: give frames of the same size."
            )
        self._color, self._frame_bytes = frame.ndim == 3, frame.nbytes
        self._refuse_if_too_large(self.like.frames, frame.shape[2] if self._color else 1)
        header = self._header(self.like.frames)
        self._pixels_at = len(header)
        self._file: BinaryIO = self.part.open("w+b")
        self._file.write(header)

    def _put(self, frame: np.ndarray) -> None:
        self._file.write(frame.data)

    def _finish(self) -> None:
        with self._file:
            if self.count != self.like.frames:
                self._correct_count()
            self._file.write(b"\0" * (self._frame_bytes * self.count % 2))

    def _correct_count(self) -> None:
        """Correct the number of frames (a video's own count can be wrong): rewrite the header and move the pixels."""
        self._refuse_if_too_large(self.count, 3 if self._color else 1)
        pixels = self.part.with_suffix(".pixels")
        try:
            with pixels.open("w+b") as aside:
                self._file.seek(self._pixels_at)
                shutil.copyfileobj(self._file, aside, 2**20)
                aside.seek(0)
                self._file.seek(0)
                self._file.truncate()
                self._file.write(self._header(self.count))
                shutil.copyfileobj(aside, self._file, 2**20)
        finally:
            pixels.unlink(missing_ok=True)

    def _abort(self) -> None:
        self._file.close()


def _encode(made: Dataset, pixel_bytes: int) -> bytes:
    """The object as a file, ending with the header of Pixel Data (Explicit VR Little Endian, OB)."""
    buffer = io.BytesIO()
    made.save_as(buffer, enforce_file_format=True)
    pixel_data = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, pixel_bytes + pixel_bytes % 2)
    return buffer.getvalue() + pixel_data
