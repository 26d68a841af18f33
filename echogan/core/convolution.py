"""The convolution of the small networks that need no torch."""

from __future__ import annotations

import numpy as np


def convolved(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, stride: int = 1) -> np.ndarray:
    """3 x 3 convolution with zeros around, (C, ..., h, w) to (D, ..., h / stride, w / stride), rounded up.

    Axes between are those of several images. It is one matrix product.

    kernel, bias   float32 (D, C, 3, 3) and (D,), as torch's Conv2d has them
    """
    *images, height, width = x.shape
    size = (-(-height // stride), -(-width // stride))
    padded = np.zeros((*images, height + 2, width + 2), np.float32)
    padded[..., 1:-1, 1:-1] = x
    taps = np.empty((3, 3, *images, *size), np.float32)
    for row in range(3):
        for column in range(3):
            taps[row, column] = padded[..., row : row + height : stride, column : column + width : stride]
    rows = kernel.transpose(0, 2, 3, 1).reshape(len(kernel), -1)
    found = rows @ taps.reshape(9 * len(x), -1) + bias[:, None]
    return found.reshape(-1, *images[1:], *size)
