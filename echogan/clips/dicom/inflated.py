"""The data set of a deflated DICOM file, unpacked once into a temporary file, as far as it is needed."""

from __future__ import annotations

import io
import os
import tempfile
import threading
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from echogan.clips.content import check_packed

PIECE = 2**20


class Inflated:
    """Unpacks on demand; many may read at once. The temporary file has no name, and goes with the object."""

    def __init__(self, path: Path, start: int) -> None:
        self._path, self._lock = path, threading.Lock()
        self._packed = path.open("rb")
        self._packed.seek(start)
        self._inflater, self._waiting = zlib.decompressobj(-zlib.MAX_WBITS), b""
        self._file, self._size = tempfile.TemporaryFile(), 0  # noqa: SIM115 - it lives as long as the object

    def open(self, at_most: int) -> BinaryIO:
        """A file with the first `at_most` bytes at least, if there are so many. Raises ClipTooLarge, zlib.error."""
        check_packed(self._path, at_most)
        with self._lock:
            self._unpack(at_most)
        return cast(BinaryIO, io.BufferedReader(_View(self, self._file.fileno()), PIECE))

    def _unpack(self, at_most: int) -> None:
        while self._size < at_most and not self._inflater.eof:
            self._waiting = self._waiting or self._packed.read(2**16)
            if not self._waiting:
                return
            part = self._inflater.decompress(self._waiting, min(at_most - self._size, PIECE))
            self._waiting = self._inflater.unconsumed_tail
            self._file.write(part)
            self._size += len(part)
        self._file.flush()


class _View(io.RawIOBase):
    """A reader with a position of its own."""

    def __init__(self, owner: Inflated, descriptor: int) -> None:
        self._owner, self._descriptor, self._position = owner, descriptor, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position}.get(whence)
        self._position = offset + (os.fstat(self._descriptor).st_size if base is None else base)
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        data = os.pread(self._descriptor, len(buffer), self._position)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
