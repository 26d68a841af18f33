"""Image metrics inside a mask, and the intervals that belong to them, as pure functions of numpy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from skimage.metrics import structural_similarity


def psnr(image: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB of uint8 (h, w) images over the pixels of a bool mask; peak 255.

    Infinite where the two agree exactly.
    """
    error = np.square(image[mask].astype(np.float64) - truth[mask]).mean()
    return float("inf") if error == 0 else float(10 * np.log10(255.0**2 / error))


def ssim(image: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """Mean structural similarity of uint8 (h, w) images over the pixels of a bool mask.

    Gaussian window of sigma 1.5, as Wang et al., IEEE TIP 13(4), 2004, section III-C.
    """
    result: Any = structural_similarity(
        image, truth, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True
    )
    return float(result[1][mask].mean())


def mean_change(image: np.ndarray, original: np.ndarray, mask: np.ndarray) -> float:
    """Mean absolute difference in grey levels of uint8 arrays over the pixels of a bool mask."""
    return float(np.abs(image[..., mask].astype(np.float64) - original[..., mask]).mean())


def bootstrap_interval(
    values: np.ndarray, seed: int = 0, draws: int = 10_000, level: float = 0.95
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of (n,) values, one per clip.

    Give paired differences for a paired interval. Efron, Annals of Statistics 7(1), 1979.
    """
    values = np.asarray(values, np.float64)
    picks = np.random.default_rng(seed).integers(len(values), size=(draws, len(values)))
    low, high = np.quantile(values[picks].mean(1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
