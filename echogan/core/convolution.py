"""The convolution of the small networks that need no torch."""

from __future__ import annotations

import numpy as np


def convolved(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, stride: int = 1) -> np.ndarray:
    """3 x 3 convolution with zeros around, (C, h, w) to (D, h / stride, w / stride), rounded up: nine matrix products.

    kernel, bias   float32 (D, C, 3, 3) and (D,), as torch's Conv2d has them
    """
    _, height, width = x.shape
    tall, wide = -(-height // stride), -(-width // stride)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    out = np.repeat(bias[:, None], tall * wide, 1)
    for row in range(3):
        for column in range(3):
            part = padded[:, row : row + height : stride, column : column + width : stride]
            out += kernel[:, :, row, column] @ part.reshape(len(x), -1)
    return out.reshape(-1, tall, wide)
