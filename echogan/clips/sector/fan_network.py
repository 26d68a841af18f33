"""The network that marks the imaged sector from a clip's statistics over time; in numpy, so clips need no torch.

A small U-Net (Ronneberger et al., MICCAI 2015), trained on simulated fans alone by `python -m eval fan_network`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from safetensors.numpy import load_file

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
    return 1 / (1 + np.exp(-np.clip(forward(maps, _weights()), -30, 30)))


@lru_cache(maxsize=1)
def _weights() -> dict[str, np.ndarray]:
    return {name: array.astype(np.float32) for name, array in load_file(WEIGHTS).items()}


def forward(maps: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    """Logits, float32 (SIDE, SIDE): `eval.fans.network` has the same in torch, and a test compares them."""
    x, skips = _unshuffle(maps), []
    for level in range(len(WIDTHS)):
        if level:
            skips.append(x)
            x = x.reshape(len(x), x.shape[1] // 2, 2, x.shape[2] // 2, 2).max((2, 4))
        for half in "ab":
            x = np.maximum(_convolved(x, weights, f"down{level}{half}"), 0)
    for level in reversed(range(len(WIDTHS) - 1)):
        x = np.concatenate([x.repeat(2, 1).repeat(2, 2), skips[level]])
        x = np.maximum(_convolved(x, weights, f"up{level}"), 0)
    return _shuffle(_convolved(x, weights, "out"))


def _convolved(x: np.ndarray, weights: dict[str, np.ndarray], name: str) -> np.ndarray:
    """3 x 3 convolution with zeros around, (C, h, w) to (D, h, w): nine matrix products, one for each tap."""
    kernel, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    _, height, width = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    out = np.repeat(bias[:, None], height * width, 1)
    for row in range(3):
        for column in range(3):
            part = padded[:, row : row + height, column : column + width].reshape(len(x), -1)
            out += kernel[:, :, row, column] @ part
    return out.reshape(-1, height, width)


def _unshuffle(x: np.ndarray) -> np.ndarray:
    """(C, h, w) to (4 C, h / 2, w / 2), as torch's pixel_unshuffle orders them."""
    channels, height, width = x.shape
    blocks = x.reshape(channels, height // 2, 2, width // 2, 2).transpose(0, 2, 4, 1, 3)
    return blocks.reshape(4 * channels, height // 2, width // 2)


def _shuffle(x: np.ndarray) -> np.ndarray:
    """(4, h, w) to (2 h, 2 w), as torch's pixel_shuffle orders them."""
    _, height, width = x.shape
    return x.reshape(2, 2, height, width).transpose(2, 0, 3, 1).reshape(2 * height, 2 * width)
