"""The network that marks the imaged sector from a clip's statistics over time.

A small U-Net (`echogan.clips.sector.unet`), trained on simulated fans alone by `python -m eval fan_network`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from echogan.clips.sector.unet import probability

SIDE = 96  # pixels of the square that the frame is shrunk into
CHANNELS = 6  # highest, mean and spread over time, what is usable, row, column
WIDTHS = (16, 24, 40, 64, 64)  # channels at 48, 24, 12, 6 and 3 pixels
WEIGHTS = Path(__file__).with_name("fan_network.safetensors")


@dataclass(frozen=True)
class Square:
    """How a part of the frame lies in the network's square.

    box            the part of the frame: top, left, bottom, right; ends exclusive
    scale          pixels of the square to one of the frame
    rows, columns  the slices of the square that the part fills
    """

    box: tuple[int, int, int, int]
    scale: float
    rows: slice
    columns: slice

    @classmethod
    def around(cls, box: tuple[int, int, int, int], side: int = SIDE) -> Square:
        """The square of `side` pixels around a box (top, left, bottom, right; ends exclusive) of the frame."""
        top, left, bottom, right = box
        scale = side / max(bottom - top, right - left)
        tall, wide = (max(1, round((end - start) * scale)) for start, end in ((top, bottom), (left, right)))
        row, column = (side - tall) // 2, (side - wide) // 2
        return cls(box, scale, slice(row, row + tall), slice(column, column + wide))

    @property
    def y(self) -> np.ndarray:
        """The row in the frame of each row's centre, float32 (h, 1)."""
        return _centres(self.box[0], self.box[2], self.rows.stop - self.rows.start)[:, None]

    @property
    def x(self) -> np.ndarray:
        """The column in the frame of each column's centre, float32 (1, w)."""
        return _centres(self.box[1], self.box[3], self.columns.stop - self.columns.start)[None]

    def shrink(self, image: np.ndarray) -> np.ndarray:
        """The mean of `image` (H, W), which is the part alone, over each pixel of the square: float32 (h, w)."""
        size = (self.columns.stop - self.columns.start, self.rows.stop - self.rows.start)
        return cv2.resize(image.astype(np.float32), size, interpolation=cv2.INTER_AREA)


def _centres(start: int, end: int, count: int) -> np.ndarray:
    """The centres of `count` equal parts of the pixels from `start` to `end` (exclusive), float32 (count,)."""
    return ((np.arange(count) + 0.5) * (end - start) / count - 0.5 + start).astype(np.float32)


def network_input(
    high: np.ndarray, mean: np.ndarray, std: np.ndarray, usable: np.ndarray, square: Square
) -> np.ndarray:
    """float32 (CHANNELS, SIDE, SIDE), about 0 to 1, from a part's statistics (H, W) in grey levels above background.

    Logarithms, because pixels hardly brighter than the background are evidence for tissue too. `usable` is bool; 0
    around the part.
    """
    maps = np.zeros((CHANNELS, SIDE, SIDE), np.float32)
    window = maps[:, square.rows, square.columns]
    for channel, level in zip(window, (high, mean, std), strict=False):
        channel[:] = np.log1p(np.maximum(square.shrink(np.where(usable, level, 0)), 0)) / np.log(256)
    window[3] = square.shrink(usable)
    window[4] = np.linspace(0, 1, window.shape[1], dtype=np.float32)[:, None]
    window[5] = np.linspace(-1, 1, window.shape[2], dtype=np.float32)[None]
    return maps


def sector_probability(maps: np.ndarray) -> np.ndarray:
    """The network's probability that each pixel is imaged tissue, float32 (SIDE, SIDE), from `network_input`."""
    return probability(maps, WIDTHS, WEIGHTS)
