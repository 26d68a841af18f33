"""Image metrics inside a mask, and bootstrap intervals: pure functions of numpy arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats
from scipy.optimize import isotonic_regression
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


def tone_matched(image: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """`image` after the rising tone curve that brings it nearest to `truth` inside the mask: float64 (h, w).

    The remaining difference is in structure, not in brightness or contrast. The curve is isotonic least squares over
    the grey levels of uint8 (h, w) images (pool adjacent violators: Barlow & Brunk, JASA 67, 1972).
    """
    count = np.bincount(image[mask], minlength=256).astype(np.float64)
    mean = np.bincount(image[mask], truth[mask], minlength=256) / np.maximum(count, 1)
    present = count > 0
    rising = isotonic_regression(mean[present], weights=count[present]).x
    return np.interp(np.arange(256), np.flatnonzero(present), rising)[image]


def tone_matched_psnr(image: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """PSNR in dB after `tone_matched`."""
    return psnr(tone_matched(image, truth, mask), truth, mask)


def gcnr(image: np.ndarray, first: np.ndarray, second: np.ndarray, bins: int = 64) -> float:
    """Generalised contrast-to-noise ratio of two regions (bool masks) of a uint8 image, 0 to 1.

    It is 1 less the overlap of their histograms in `bins` equal bins over 0 to 256. No tone curve that keeps grey
    levels distinct can raise it (Rodriguez-Molares et al., IEEE TUFFC 67(4), 2020).
    """
    shares = [np.histogram(image[region], bins, (0, 256))[0] / region.sum() for region in (first, second)]
    return float(1 - np.minimum(*shares).sum())


def speckle_snr(image: np.ndarray, region: np.ndarray, patch: int = 8) -> float:
    """Speckle SNR: mean over standard deviation of small patches inside a region (bool); the median over patches.

    It is taken of grey levels, so it compares treatments of one image; it is not the 1.91 of a linear envelope.
    Higher is smoother. NaN where no patch fits.
    """
    h, w = (side - side % patch for side in image.shape)
    tiles, inside = (
        x[:h, :w].reshape(h // patch, patch, w // patch, patch).swapaxes(1, 2).reshape(-1, patch * patch)
        for x in (image.astype(np.float64), region)
    )
    tiles = tiles[inside.all(1)]
    spread = tiles.std(1)
    return (
        float(np.median(tiles.mean(1)[spread > 0] / spread[spread > 0]))
        if (spread > 0).any()
        else float("nan")
    )


def mean_change(image: np.ndarray, original: np.ndarray, mask: np.ndarray) -> float:
    """Mean absolute difference in grey levels of uint8 arrays over the pixels of a bool mask."""
    return float(np.abs(image[..., mask].astype(np.float64) - original[..., mask]).mean())


def bootstrap_interval(
    *samples: np.ndarray,
    of: Callable[..., Any] = np.mean,
    paired: bool = False,
    vectorized: bool = True,
    draws: int = 10_000,
    level: float = 0.95,
) -> tuple[float, float]:
    """Percentile bootstrap interval of a statistic of samples (n,), one value per clip or patient; the same each time.

    `of(*samples)` is their mean unless another is given; where `vectorized` it takes an `axis`. Samples are drawn
    each for itself, or with `paired`, of one length, together; give paired differences for a paired interval of a
    mean. Efron, Annals of Statistics 7(1), 1979.
    """
    arrays = [np.asarray(sample) for sample in samples]
    drawn_from = [
        np.repeat(a, 2) if len(a) == 1 else a for a in arrays
    ]  # SciPy wants two; one alone never varies
    found = stats.bootstrap(
        drawn_from, of, n_resamples=draws, confidence_level=level, method="percentile",
        paired=paired, vectorized=vectorized, rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    return float(found.low), float(found.high)


def ratio_of_means(over: np.ndarray, under: np.ndarray) -> dict[str, float]:
    """Ratio of the means of paired values (n,), with its 95 % interval."""

    def ratio(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
        return a.mean(axis) / b.mean(axis)

    low, high = bootstrap_interval(over, under, of=ratio, paired=True)
    return {"mean": float(ratio(over, under)), "low": low, "high": high}
