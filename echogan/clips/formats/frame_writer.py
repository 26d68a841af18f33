"""The frame writer that all plain formats share: frames in, one file or folder out, whole or not at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import numpy as np

from echogan.clips.clip import ClipFile
from echogan.clips.formats.corner_mark import CornerMark, place_mark
from echogan.clips.write_options import WriteOptions, black_outside
from echogan.core.atomic import Unfinished, output_errors
from echogan.core.errors import OutputError
from echogan.core.geometry import Sector


class FrameWriter(ABC):
    """Frames in, one file (or folder of files) out. A context manager; the first frame sets the size.

    Leaving it normally finishes the output and renames it into place; leaving it by an exception
    removes what was written. Frames are uint8 (H, W) or (H, W, 3). Raises OutputError.

    folder     the output is a folder of files
    pictures   the output is for looking at: enhanced frames carry the mark in their pixels
    """

    folder: ClassVar[bool] = False
    pictures: ClassVar[bool] = False

    def __init__(self, path: Path, like: ClipFile, sector: Sector | None, options: WriteOptions) -> None:
        self.path, self.like, self.options = path, like, options
        self.count = 0
        self._shape: tuple[int, ...] = ()
        self._mask = sector.tissue_mask if sector is not None else None
        self._sector, self._mark = sector, None
        if options.blackout and sector is None:
            raise OutputError(
                "Nothing outside the sector can be made black without a sector: find or give one."
            )
        options.check()

    def __enter__(self) -> Self:
        self._unfinished = Unfinished(self.path, self.folder)
        return self

    def write(self, frame: np.ndarray) -> None:
        """Append one frame, black outside the tissue if the options ask for it."""
        self._check(frame)
        if self.options.blackout and self._mask is not None:
            frame = black_outside(frame, self._mask)
        if not self.count:
            self._shape, self._mark = frame.shape, self._place_mark(frame)
        if self._mark is not None:
            frame = self._mark.draw(frame)
        with output_errors(self.path):
            if not self.count:
                self._start(frame)
            self._put(np.ascontiguousarray(frame))
        self.count += 1

    def _place_mark(self, frame: np.ndarray) -> CornerMark | None:
        if not (self.pictures and self.options.mark and self.options.enhancement is not None):
            return None
        mask = self._sector.mask if self._sector is not None else None
        fits = mask is not None and mask.shape == frame.shape[:2]
        return place_mark(frame, mask if fits else None, self.options.strip)

    def _check(self, frame: np.ndarray) -> None:
        if frame.dtype != np.uint8 or not (frame.ndim == 2 or (frame.ndim == 3 and frame.shape[2] == 3)):
            raise OutputError("A frame to write must be uint8, (height, width) or (height, width, 3).")
        if self.count and frame.shape != self._shape:
            raise OutputError(
                f"Frame {self.count} is {frame.shape}, the first one {self._shape}: keep one shape."
            )
        if self.options.blackout and self._mask is not None and frame.shape[:2] != self._mask.shape:
            raise OutputError(f"The sector is for frames of {self._mask.shape}, not {frame.shape[:2]}.")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                if not self.count:
                    raise OutputError(f"No frames came for '{self.path.name}': nothing was written.")
                with output_errors(self.path):
                    self._finish()
                self._unfinished.keep()
        except BaseException:
            self._give_up()
            raise
        if kind is not None:
            self._give_up()

    def _give_up(self) -> None:
        with suppress(Exception):  # closing a half-written file may fail; it is removed anyway
            self._abort()
        self._unfinished.discard()

    @property
    def part(self) -> Path:
        """Where the output grows until it is whole."""
        return self._unfinished.path

    @property
    def fps(self) -> float:
        """The frame rate to write: the one asked for, the clip's, or 1 for a still."""
        return self.options.fps or self.like.fps or 1.0

    @property
    def pixel_ratio(self) -> Fraction:
        """Width of a pixel over its height, as formats store it."""
        return Fraction(self.like.pixel_aspect).limit_denominator(1000)

    @property
    def variable(self) -> bool:
        """True if each frame keeps its own duration."""
        return self.options.fps is None and self.like.durations_ms is not None

    def duration_ms(self, index: int) -> float:
        """How long frame `index` lasts, in milliseconds."""
        durations = self.like.durations_ms
        if durations is not None and self.variable and index < len(durations):
            return durations[index]
        return 1000.0 / self.fps

    @abstractmethod
    def _start(self, frame: np.ndarray) -> None:
        """Open the output at `part` for frames like this first one."""

    @abstractmethod
    def _put(self, frame: np.ndarray) -> None:
        """Append a contiguous frame."""

    @abstractmethod
    def _finish(self) -> None:
        """Complete and close the output."""

    @abstractmethod
    def _abort(self) -> None:
        """Close whatever is open, without completing it."""
