"""gCNR, CNR and levels of cavity and wall in hazy clips, and the share of the wall's structure that is kept.

Pure functions of uint8 frames (T, h, w) and of regions, bool (h, w).
"""

from __future__ import annotations

import cv2
import numpy as np

from eval.measures.metrics import gcnr, tone_matched

BINS = 32  # of equal width over 0 to 256
SIGMA = 1.5  # pixels, of the Gaussian window of the SSIM, as Wang et al., 2004
STABILISER = (0.01 * 255) ** 2
"""Both constants of the SSIM. Wang's second one is nine times as large, and would rate a wall of noise at 1/7."""
DARKEST = 0.5  # least grey level of a region, so that the level of a black one stays finite in dB


def region_measures(
    before: np.ndarray, after: np.ndarray, cavity: np.ndarray, wall: np.ndarray
) -> dict[str, float]:
    """The measures of frames after enhancement, some of them relative to the frames before.

    gcnr                 generalised contrast-to-noise ratio of cavity and wall, 0 to 1, over the pixels of all frames
    cnr                  |mean of the wall - mean of the cavity| / root of the sum of their variances
    wall_db, cavity_db   mean grey level of the region after over before, 20 log10
    wall_level_db        mean grey level of the wall after, against white (255), 20 log10
    structure            0 (or slightly less) to 1: see `structure_kept`
    """
    inside = {name: after[:, region].astype(np.float64) for name, region in (("c", cavity), ("w", wall))}
    spread = np.sqrt(inside["c"].var() + inside["w"].var())
    shape = after.shape
    return {
        "gcnr": gcnr(after, np.broadcast_to(cavity, shape), np.broadcast_to(wall, shape), BINS),
        "cnr": float(abs(inside["w"].mean() - inside["c"].mean()) / max(spread, 1e-6)),
        "wall_db": level_db(after, wall) - level_db(before, wall),
        "cavity_db": level_db(after, cavity) - level_db(before, cavity),
        "wall_level_db": level_db(after, wall),
        "structure": structure_kept(before, after, wall),
    }


def level_db(frames: np.ndarray, region: np.ndarray) -> float:
    """The mean grey level of a region against white, in dB: 20 log10(mean / 255)."""
    return float(20 * np.log10(max(DARKEST, float(frames[:, region].mean())) / 255))


def structure_kept(before: np.ndarray, after: np.ndarray, region: np.ndarray) -> float:
    """SSIM of the tone-matched output with the input inside a region, mean over frames.

    The output is tone-matched by the one rising curve for all frames that brings it nearest to the input in least
    squares, so that a change of brightness or contrast alone counts as kept. Means, variances and covariance are taken
    under a Gaussian of SIGMA pixels that ignores pixels outside the region. So neither the edge of a thin wall nor the
    haze removed beside it counts. 1 for the unchanged clip, near 0 for noise in its place.
    """
    matched = tone_matched(after, before, np.broadcast_to(region, after.shape))
    found = [region_ssim(x, y, region) for x, y in zip(matched, before, strict=True)]
    return float(np.mean(found))


def region_ssim(first: np.ndarray, second: np.ndarray, region: np.ndarray) -> float:
    """Mean SSIM of two images (h, w) over a region, bool (h, w); pixels outside it are ignored."""
    share = np.maximum(_blurred(np.ones(region.shape), region), 1e-12)
    x, y = first.astype(np.float64), second.astype(np.float64)
    mean_x, mean_y, square_x, square_y, product = (
        _blurred(image, region) / share for image in (x, y, x * x, y * y, x * y)
    )
    covariance = product - mean_x * mean_y
    variances = np.maximum(square_x - mean_x**2, 0) + np.maximum(square_y - mean_y**2, 0)
    luminance = (2 * mean_x * mean_y + STABILISER) / (mean_x**2 + mean_y**2 + STABILISER)
    structure = (2 * covariance + STABILISER) / (variances + STABILISER)
    return float((luminance * structure)[region].mean())


def _blurred(image: np.ndarray, region: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(image * region, (0, 0), SIGMA, borderType=cv2.BORDER_CONSTANT)
