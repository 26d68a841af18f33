"""Known errors without a bad network: shapes painted into the results of a network, and taken out of them.

A network that errs does so in its own way. These errors are nobody's: ellipses from 3 to 16 mm, hard or soft at the
edge, of wall-like speckle where the truth is dark, and of blood where it is bright. Each clip has some.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import cv2
import numpy as np

from echogan.calibration.examples import Example
from echogan.calibration.truth_map import LEAST_SUPPORT, smoothed

SHAPES = 3  # painted into a result, and as many taken out
HALF_AXES = 1.5, 8.0  # of an ellipse, in mm
SOFTNESS = 0.5, 3.0  # sigma of its edge, in pixels
STRENGTH = 0.5, 1.0
DARK, BRIGHT = (
    0.4,
    0.6,
)  # shares of the tissue by the truth's local mean: where shapes are painted, and taken out
BLOOD, WALL = (
    (0.0, 0.2),
    (0.8, 1.0),
)  # shares of the tissue by the result's local mean that lend their speckle
GRAIN = 1.5  # sigma of painted speckle, in pixels
RANGE = 0.05, 0.95  # quantiles of the tissue's local means that its range lies between
LEAST_RANGE = 0.05  # in grey range


def painted(examples: Iterable[Example], seed: int = 0) -> Iterator[Example]:
    """Each example painted over, the same in all frames. `cycled` and `translate` stay those of its own result."""
    for number, one in enumerate(examples):
        yield _painted(one, np.random.default_rng([seed, number]))


def _painted(one: Example, rng: np.random.Generator) -> Example:
    middle, level = one.g[one.middle], smoothed(one.clear, one.tissue)
    low, high = np.quantile(level[one.tissue], (DARK, BRIGHT))
    supported = one.tissue & (one.support >= LEAST_SUPPORT)
    added, gone = (_shapes(supported & place, one.mm, rng) for place in (level < low, level > high))
    wall, blood = (speckle(middle, one.tissue, rng, share) for share in (WALL, BLOOD))
    g = one.g + added * (np.maximum(wall, one.g) - one.g)
    g = (g + gone * (np.minimum(blood, g) - g)).astype(np.float32)
    levels = np.quantile(smoothed(middle, one.tissue)[one.tissue], RANGE)
    change = smoothed(g[one.middle] - middle, one.tissue) / max(levels[1] - levels[0], LEAST_RANGE)
    return replace(one, g=g, lesion=one.tissue & (gone > 0), change=change.astype(np.float32))


def _shapes(where: np.ndarray, mm: float, rng: np.random.Generator) -> np.ndarray:
    """The share of each pixel (h, w) that SHAPES ellipses cover, float32; their centres lie where a mask is."""
    share = np.zeros(where.shape, np.float32)
    centres = np.argwhere(where)
    for row, column in rng.permutation(centres)[:SHAPES]:
        axes, angle = rng.uniform(*HALF_AXES, 2) / mm, rng.uniform(0, 180)
        shape = np.zeros(where.shape, np.uint8)
        size = tuple(max(1, round(axis)) for axis in axes)
        cv2.ellipse(shape, (int(column), int(row)), size, angle, 0, 360, 1, -1)  # pyright: ignore[reportCallIssue, reportArgumentType]
        soft = cv2.GaussianBlur(shape.astype(np.float32), (0, 0), rng.uniform(*SOFTNESS))
        share = np.maximum(share, soft * np.float32(rng.uniform(*STRENGTH)))
    return share


def speckle(
    image: np.ndarray, tissue: np.ndarray, rng: np.random.Generator, share: tuple[float, float]
) -> np.ndarray:
    """Speckle float32 (h, w) in [0, 1] of the mean and spread of a share of places in an image, by local mean.

    image, tissue   float (h, w) in [0, 1], and bool
    share           (0.8, 1) for that of the brightest fifth of the tissue
    """
    level = smoothed(image, tissue)
    low, high = np.quantile(level[tissue], share)
    values = image[tissue & (level >= low) & (level <= high)]
    noise = cv2.GaussianBlur(rng.normal(size=image.shape), (0, 0), GRAIN)
    return np.clip(values.mean() + values.std() * noise / noise.std(), 0, 1).astype(np.float32)
