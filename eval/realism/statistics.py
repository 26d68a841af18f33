"""Image statistics of frames inside the fan: grey levels, speckle along and across the beam, spectrum, coherence.

All frames have one scale (`eval.realism.data`). Speckle correlation is measured along radius and angle of the fan.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

from eval.realism.data import Picture
from eval.realism.two_sample import PATCH, PatchRules, cut_patches

LAG = 2.0  # pixels between the two places whose greys are correlated
GRAIN_MM = 3.0  # Gaussian sigma: coarser structure is anatomy, not speckle
FAST_MM = 1.0  # Gaussian sigma of the high-pass for the frame-to-frame coherence
FEWEST = 50  # pixels that a correlation needs
BANDS = ((0.05, 0.15), (0.15, 0.3), (0.3, 0.5), (0.5, 0.8))  # cycles per millimetre
NAMES = (
    "median grey", "90th percentile", "10th percentile", "lateral autocorrelation", "axial autocorrelation",
    "grain contrast", "grain kurtosis", "spectral slope", *(f"power {low}-{high} /mm" for low, high in BANDS),
)  # fmt: skip


def describe(picture: Picture) -> dict[str, float]:
    """The statistics in NAMES of one frame. Greys are 0 to 255; bands are shares of the total power in dB."""
    inside = picture.mask
    grain = high_pass(picture.grey, inside, GRAIN_MM / picture.mm)
    lateral, axial = autocorrelation(picture, grain, LAG * picture.mm)
    low, middle, high = np.percentile(picture.grey[inside], [10, 50, 90])
    values = [middle, high, low, lateral, axial, grain[inside].std(), _kurtosis(grain, inside, picture.mm)]
    return dict(zip(NAMES, [float(v) for v in (*values, *spectrum_numbers(picture))], strict=True))


def high_pass(image: np.ndarray, inside: np.ndarray, sigma: float) -> np.ndarray:
    """The image (h, w) less its local mean over the pixels inside; 0 outside."""
    weight = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), sigma)
    mean = cv2.GaussianBlur(image * inside, (0, 0), sigma) / np.maximum(weight, 1e-6)
    return np.where(inside, image - mean, 0).astype(np.float32)


def autocorrelation(
    picture: Picture, grain: np.ndarray, lag_mm: float, depth_mm: tuple[float, float] = (0.0, np.inf)
) -> tuple[float, float]:
    """Correlation of the speckle with itself at a lag across the beam (lateral) and along it (axial).

    Both points must lie inside the fan, and the first within `depth_mm`. NaN where no point does.
    """
    inside = picture.mask
    r, theta = picture.fan.polar(*inside.shape)
    chosen = inside & (r * picture.mm >= depth_mm[0]) & (r * picture.mm < depth_mm[1])
    y, x = np.nonzero(chosen)
    radius, angle = r[chosen], np.radians(theta[chosen])
    lag = lag_mm / picture.mm
    results = []
    for new_radius, new_angle in ((radius, angle + lag / radius), (radius + lag, angle)):
        to_x = (picture.fan.apex[0] + new_radius * np.sin(new_angle)).astype(np.float32)
        to_y = (picture.fan.apex[1] + new_radius * np.cos(new_angle)).astype(np.float32)
        results.append(_shifted_correlation(grain, inside, (y, x), (to_y, to_x)))
    return results[0], results[1]


def _shifted_correlation(
    grain: np.ndarray, inside: np.ndarray, here: tuple[np.ndarray, ...], there: tuple[np.ndarray, ...]
) -> float:
    if len(here[0]) < FEWEST:
        return float("nan")
    y, x = (_rows_of(part) for part in there)
    moved = cv2.remap(grain, x, y, cv2.INTER_CUBIC).ravel()[: len(here[0])]
    kept = cv2.remap(inside.astype(np.uint8), x, y, cv2.INTER_NEAREST).ravel()[: len(here[0])] > 0
    if kept.sum() < FEWEST:
        return float("nan")
    return float(np.corrcoef(grain[here][kept], moved[kept])[0, 1])


def _rows_of(values: np.ndarray, width: int = 1024) -> np.ndarray:
    """A long list as rows, since `cv2.remap` takes at most 32,767 per side."""
    rows = -(-len(values) // width)
    return np.pad(values, (0, rows * width - len(values)), constant_values=-1e4).reshape(rows, width)


def _kurtosis(grain: np.ndarray, inside: np.ndarray, mm: float) -> float:
    """Excess kurtosis of the speckle over its local standard deviation."""
    weight = np.maximum(cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 2 * GRAIN_MM / mm), 1e-6)
    spread = np.sqrt(cv2.GaussianBlur(np.square(grain), (0, 0), 2 * GRAIN_MM / mm) / weight)
    share = grain[inside] / np.maximum(spread[inside], 0.5)
    return float(np.mean(share**4) / np.mean(share**2) ** 2 - 3)


def mean_spectrum(pictures: Sequence[Picture], per_picture: int = 8) -> np.ndarray:
    """Mean power spectrum of patches of the frames, (64, 64), with zero frequency in the middle.

    Patches lie inside the fan. Each is centred, windowed (Hann) and scaled to unit energy.
    """
    patches = cut_patches(pictures, PatchRules(per_picture=per_picture, lit_share=0.2)).grey
    if not len(patches):
        return np.full((PATCH, PATCH), np.nan)
    window = np.hanning(PATCH)[:, None] * np.hanning(PATCH)
    centred = patches - patches.mean((1, 2), keepdims=True)
    power = np.abs(np.fft.fftshift(np.fft.fft2(centred * window), axes=(1, 2))) ** 2
    return (power / np.maximum(power.sum((1, 2), keepdims=True), 1e-9)).mean(0)


def radial(spectrum: np.ndarray, mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies in cycles per millimetre and the mean power at each, (31,) both."""
    axis = np.arange(PATCH) - PATCH // 2
    ring = np.hypot(axis[:, None], axis).round().astype(int)
    rings = np.arange(1, PATCH // 2)
    power = np.array([spectrum[ring == k].mean() for k in rings])
    return rings / (PATCH * mm), power


def spectrum_numbers(picture: Picture) -> tuple[float, ...]:
    """Slope of log power over log frequency (0.1 to 0.7 per mm), and the share of power in each of BANDS in dB."""
    frequency, power = radial(mean_spectrum([picture]), picture.mm)
    fitted = (frequency > 0.1) & (frequency < 0.7)
    if not np.isfinite(power).all():
        return (float("nan"),) * (1 + len(BANDS))
    slope = np.polyfit(np.log(frequency[fitted]), np.log(power[fitted] + 1e-12), 1)[0]
    energy = power * frequency
    shares = [energy[(frequency >= low) & (frequency < high)].sum() / energy.sum() for low, high in BANDS]
    return (float(slope), *(float(10 * np.log10(share + 1e-9)) for share in shares))


def histogram(pictures: Sequence[Picture], bins: int = 64) -> np.ndarray:
    """Share of the pixels inside the fan in each of `bins` equal bins of grey; each picture has the same weight."""
    shares = [np.histogram(p.grey[p.mask], bins, (0, 256))[0] / p.mask.sum() for p in pictures]
    return np.mean(shares, 0)


def coherence(pictures: Sequence[Picture]) -> float:
    """Mean correlation of the fine detail of each frame of a clip with that of the next frame."""
    inside = pictures[0].mask
    fine = [high_pass(p.grey, inside, FAST_MM / p.mm)[inside] for p in pictures]
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in pairwise(fine)]))


def percentiles(values: Sequence[float] | np.ndarray) -> dict[str, float]:
    """10th, 50th and 90th percentile, without NaN."""
    found = np.nanpercentile(np.asarray(values, np.float64), [10, 50, 90])
    return {name: round(float(v), 4) for name, v in zip(("p10", "p50", "p90"), found, strict=True)}


def compare_statistics(samples: dict[str, list[Picture]], real: str, ours: str, *others: str) -> dict:
    """The percentiles of each statistic over patients of real frames, and over seeds of simulated ones.

    `real`, `ours` and `others` are names of samples; others without samples are left out. `inside` says whether the
    median of `ours` lies between the 10th and 90th percentile of `real`.
    """
    tables = {name: _by_group(samples[name]) for name in (real, ours, *others) if name in samples}
    rows = {}
    for index, statistic in enumerate(NAMES):
        row: dict = {name: percentiles(table[:, index]) for name, table in tables.items()}
        row["inside"] = row[real]["p10"] <= row[ours]["p50"] <= row[real]["p90"]
        rows[statistic] = row
    return rows


def _by_group(pictures: Sequence[Picture]) -> np.ndarray:
    """Statistics (groups, names): the mean over the frames of each patient or seed."""
    groups: dict[str, list[list[float]]] = {}
    for picture in pictures:
        groups.setdefault(picture.group, []).append(list(describe(picture).values()))
    return np.array([np.mean(rows, 0) for rows in groups.values()])
