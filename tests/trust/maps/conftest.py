"""A sector with speckle in it."""

import cv2
import numpy as np
import pytest
from discs import SIZE


@pytest.fixture
def tissue() -> np.ndarray:
    rows, columns = np.mgrid[:SIZE, :SIZE]
    return (np.abs(columns - SIZE / 2) < 0.8 * rows) & (np.hypot(rows, columns - SIZE / 2) < 0.97 * SIZE)


@pytest.fixture
def speckle(tissue):
    """speckle(n): frames of independent speckle around 0.4, float32 (n, h, w), black outside the tissue."""

    def make(n: int, seed: int = 0) -> np.ndarray:
        noise = np.random.default_rng(seed).normal(size=(n, SIZE, SIZE)).astype(np.float32)
        blurred = np.stack([cv2.GaussianBlur(frame, (0, 0), 1.5) for frame in noise])
        return np.where(tissue, np.clip(0.4 + 0.5 * blurred, 0, 1), 0).astype(np.float32)

    return make
