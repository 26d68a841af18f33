"""Measures of a still, on the expert's outlines, that follow the expert's grade of image quality.

All are taken on a copy of 224 x 224 pixels whose grey levels are stretched from 0 to 255: so are the public stills on
which they were found to follow the grade (`python -m eval grades` shows how far). Only numpy and OpenCV.
"""

from __future__ import annotations

import cv2
import numpy as np

from eval.measures.metrics import gcnr

SIDE = 224  # pixels, each way
LV, MYOCARDIUM = 1, 2  # CAMUS' labels
BORDER = 5  # pixels on either side of the endocardial border, some 3 mm
SEGMENTS = 12  # of the border, around the middle of the LV
FEWEST = 4  # pixels on either side, without which a segment has no contrast to speak of
LAG = 2  # pixels
GRAIN = 4.0  # sigma in pixels of the Gaussian that parts the speckle from the brightness under it
NAMES = (
    "border_contrast", "border_step", "lateral_correlation", "axial_correlation", "myocardium_sd", "gcnr",
)  # fmt: skip


def grade_measures(image: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Every measure in NAMES of an image uint8 (h, w) and its CAMUS labels uint8 (h, w); NaN where it has no place.

    Correlations lie in [-1, 1], gCNR in [0, 1]; contrasts and the standard deviation are shares of the grey range.
    """
    image, labels = square_copy(image, labels)
    lv, wall = labels == LV, labels == MYOCARDIUM
    if not lv.any() or not wall.any():
        return dict.fromkeys(NAMES, float("nan"))
    grey = image.astype(np.float32) / 255
    contrast, step = border_contrast(grey, lv, wall)
    lateral, axial = speckle_correlation(grey, wall)
    values = (contrast, step, lateral, axial, float(grey[wall].std()), gcnr(image, wall, lv))
    return dict(zip(NAMES, values, strict=True))


def square_copy(image: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The image and its labels at SIDE x SIDE, the image's grey levels stretched from 0 to 255; both uint8."""
    shrinks = min(image.shape) >= SIDE
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    small = cv2.resize(image.astype(np.float32), (SIDE, SIDE), interpolation=way)
    low, high = float(small.min()), float(small.max())
    stretched = (small - low) * (255 / max(high - low, 1e-6))
    shown = cv2.resize(labels, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)
    return np.rint(stretched).astype(np.uint8), shown


def border_contrast(grey: np.ndarray, lv: np.ndarray, wall: np.ndarray) -> tuple[float, float]:
    """Contrast of the wall against the LV along the endocardial border: mean of its size, and mean with its sign.

    In each of SEGMENTS angles around the LV's middle, the mean grey of the wall less that of the LV, both within
    BORDER pixels of the border. The sign is positive where the wall is brighter. `grey` float (h, w) in [0, 1].
    """
    to_wall, to_lv = (
        cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, 5) for region in (wall, lv)
    )
    inner, outer = lv & (to_wall <= BORDER), wall & (to_lv <= BORDER)
    y, x = np.indices(grey.shape)
    middle_y, middle_x = (float(axis.mean()) for axis in np.nonzero(lv))
    turn = (np.arctan2(y - middle_y, x - middle_x) / (2 * np.pi) + 0.5) % 1
    segment = (turn * SEGMENTS).astype(int)
    counts, means = zip(*(_by_segment(grey, segment, side) for side in (inner, outer)), strict=True)
    enough = np.minimum(*counts) >= FEWEST
    if not enough.any():
        return float("nan"), float("nan")
    steps = (means[1] - means[0])[enough]
    return float(np.abs(steps).mean()), float(steps.mean())


def _by_segment(grey: np.ndarray, segment: np.ndarray, region: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of a region (bool) in each segment: the number of pixels and their mean grey."""
    counts = np.bincount(segment[region], minlength=SEGMENTS)
    sums = np.bincount(segment[region], weights=grey[region], minlength=SEGMENTS)
    return counts, sums / np.maximum(counts, 1)


def speckle_correlation(grey: np.ndarray, region: np.ndarray) -> tuple[float, float]:
    """Correlation of the speckle in a region (bool) with itself LAG pixels to the right (lateral) and below (axial).

    The speckle is the grey less its local mean, over its local standard deviation: no grey curve that is smooth in
    place changes it. Right and below are across and along the beam in the middle of an apical view.
    """
    speckle = grey - cv2.GaussianBlur(grey, (0, 0), GRAIN)
    speckle /= np.sqrt(np.maximum(cv2.GaussianBlur(speckle**2, (0, 0), GRAIN), 1e-5))
    lateral = _correlation(speckle[:, :-LAG], speckle[:, LAG:], region[:, :-LAG] & region[:, LAG:])
    axial = _correlation(speckle[:-LAG], speckle[LAG:], region[:-LAG] & region[LAG:])
    return lateral, axial


def _correlation(first: np.ndarray, second: np.ndarray, where: np.ndarray) -> float:
    a, b = first[where], second[where]
    if len(a) < FEWEST or a.std() == 0 or b.std() == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])
