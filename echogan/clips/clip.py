"""A clip in memory, a clip on disk, and the limits that keep a hostile file from filling the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from echogan.core.settings import check_settings, number

ClipKind = Literal["dicom", "video", "gif", "image", "nifti", "metaimage"]

SQUARE = 0.01  # sides that differ by less are equal: scanners round their pixel sizes
SHAPES = 0.2, 5.0  # pixels of other shapes are a mistake in the file


@dataclass(frozen=True)
class ClipLimits:
    """How much a file may hold before it is refused (ClipTooLarge)."""

    max_pixels_per_frame: int = number(8_300_000, "refuse clips with more pixels in one frame", 1)
    max_frames: int = number(20_000, "refuse clips with more frames", 1)
    max_decoded_bytes: int = number(32 * 2**30, "refuse clips whose frames decode to more bytes", 1)
    max_side: int = number(8192, "refuse clips whose frames are wider or higher, in pixels", 1)
    max_side_ratio: int = number(16, "refuse clips whose longer side is more times the shorter one", 1)

    def check(self) -> None:
        """Raise SettingsError unless every limit lets at least something through."""
        check_settings(self)


@dataclass(frozen=True)
class ClipFile:
    """A clip on disk: its facts, and its frames on demand.

    frames      number of frames that `iter_frames` yields
    fps         frames per second, the mean rate if frame durations differ; None for a still
    durations_ms  one duration per frame where they differ, else None
    spacing_mm  (row, column) size of a pixel in millimetres, None if unknown
    color       True where frames are (H, W, 3), False where they are (H, W)
    regions     for DICOM: bounding boxes (top, left, bottom, right) of 2-D tissue regions, clipped to the image
    strips      for DICOM: what other regions show (as "M-mode") and their boxes, likewise
    rescaled    for DICOM: a region reaches outside the image, so the image was scaled and the boxes are wrong
    warnings    sentences for the reader: what was guessed or repaired
    pixel_aspect  width of a pixel over its height, as shown; 1 where pixels are square or their shape is unknown
    """

    path: Path
    kind: ClipKind
    frames: int
    height: int
    width: int
    fps: float | None
    color: bool
    decode: Callable[[], Iterator[np.ndarray]] = field(repr=False)
    durations_ms: tuple[float, ...] | None = None
    spacing_mm: tuple[float, float] | None = None
    regions: tuple[tuple[int, int, int, int], ...] = ()
    strips: tuple[tuple[str, tuple[int, int, int, int]], ...] = ()
    rescaled: bool = False
    warnings: tuple[str, ...] = ()
    pixel_aspect: float = 1.0

    def iter_frames(self) -> Iterator[np.ndarray]:
        """Yield every frame in order, uint8 (H, W) or (H, W, 3), decoding as it goes. Raises UnreadableClip."""
        return self.decode()

    def sample(self, count: int) -> np.ndarray:
        """At most `count` frames spread evenly over the clip, uint8 (n, H, W) or (n, H, W, 3)."""
        wanted = set(np.linspace(0, self.frames - 1, min(count, self.frames)).round().astype(int).tolist())
        return np.stack([frame for i, frame in enumerate(self.iter_frames()) if i in wanted])

    def read(self) -> Clip:
        """The whole clip in memory. For short clips: the Enhancer streams instead."""
        return Clip(np.stack(list(self.iter_frames())), self.fps, self.spacing_mm)


@dataclass(frozen=True)
class Clip:
    """Frames in memory: uint8 (T, H, W) grey or (T, H, W, 3); fps None for a still; spacing_mm (row, column)."""

    frames: np.ndarray
    fps: float | None = None
    spacing_mm: tuple[float, float] | None = None


def pixel_shape(width: float, height: float) -> float:
    """Width of a pixel over its height; 1 where it is nearly square, or where the sides make no sense."""
    if not (width > 0 and height > 0 and SHAPES[0] <= width / height <= SHAPES[1]):
        return 1.0
    return 1.0 if abs(width / height - 1) < SQUARE else width / height


def grey(frames: np.ndarray) -> np.ndarray:
    """Luma of uint8 frames (..., 3) by ITU-R BT.601, rounded; grey frames (T, H, W) or (H, W) pass unchanged.

    A frame whose channels are equal keeps its values exactly.
    """
    if frames.shape[-1] != 3:
        return frames
    return np.rint(frames.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)).astype(np.uint8)
