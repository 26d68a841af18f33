"""Border contrast, speckle correlation and other measures of a still that correlate with the expert's grade.

They use the expert's outlines, on a copy of 224 x 224 pixels with grey levels stretched from 0 to 255, as the public
stills have. `python -m eval grades` gives their correlation with the grade. Only numpy and OpenCV are needed.
"""

from __future__ import annotations

import cv2
import numpy as np

from eval.measures.metrics import gcnr

SIDE = 224  # pixels, height and width
LV, MYOCARDIUM = 1, 2  # CAMUS' labels
BORDER = 5  # pixels on either side of the endocardial border, about 3 mm
SEGMENTS = 12  # number of segments of the border, around the centre of the LV
FEWEST = 4  # pixels on either side that a segment needs for its contrast
LAG = 2  # pixels
GRAIN = 4.0  # sigma in pixels of the Gaussian that separates speckle from the local brightness
NAMES = (
    "border_contrast", "border_step", "lateral_correlation", "axial_correlation", "myocardium_sd", "gcnr",
)  # fmt: skip


def grade_measures(image: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Every measure in NAMES, of an image uint8 (h, w) and its CAMUS labels uint8 (h, w); NaN where it is undefined.

    Correlations lie in [-1, 1] and gCNR in [0, 1]. Contrasts and the standard deviation are shares of the grey range.
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
    """Contrast of the wall against the LV along the endocardial border: the mean absolute and the mean signed one.

    The contrast is the mean grey of the wall less that of the LV, both within BORDER pixels of the border, in each of
    SEGMENTS angular segments around the LV's centre. It is positive where the wall is brighter. `grey` is float (h, w)
    in [0, 1]; the regions are bool (h, w).
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
    """Lateral and axial correlation of the speckle in a region (bool): with itself LAG pixels to the right and below.

    The speckle is the grey less its local mean, over its local standard deviation, so that gain and smooth grey curves
    do not change it. Right and below are across and along the beam in the middle of an apical view.
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
