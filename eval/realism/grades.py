"""Measures that fall with the expert's grade: the ratio of Poor to Good in CAMUS, and of degraded to clean frames.

Only training patients are used (roles generator and semireal), since the ranges of the degradations were set by them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from echogan.phantom.tissues import Tissue
from eval.camus.grade_measures import LV, MYOCARDIUM, grade_measures, square_copy
from eval.camus.splits import Role
from eval.camus.stills import SIZE, stills
from eval.realism.data import Condition, simulate

ROLES: tuple[Role, ...] = ("generator", "semireal")
MEASURES = ("lateral_correlation", "myocardium_sd", "border_contrast", "high_frequency")
FINE = 1.0  # pixels, Gaussian sigma: finer detail counts as high frequency
RIM = 2  # pixels at the edge of the sector that do not count


def compare_grades(folder: Path, seeds: Sequence[int]) -> dict:
    """Measure -> its mean over patients or hearts in each source, and the two ratios.

    folder  CAMUS' four-chamber stills
    seeds   of the phantom's four-chamber hearts, one frame each
    """
    means = {f"CAMUS {grade}": _mean(_real(folder, grade)) for grade in ("Good", "Poor")}
    conditions: tuple[Condition, ...] = ("clean", "degraded")
    made = [_simulated(seed, conditions) for seed in seeds]
    means |= {f"phantom {condition}": _mean([one[condition] for one in made]) for condition in conditions}
    rows = {}
    for k, name in enumerate(MEASURES):
        row = {source: round(float(values[k]), 4) for source, values in means.items()}
        row["CAMUS ratio"] = round(float(means["CAMUS Poor"][k] / means["CAMUS Good"][k]), 3)
        row["phantom ratio"] = round(float(means["phantom degraded"][k] / means["phantom clean"][k]), 3)
        rows[name] = row
    return rows


def measures(image: np.ndarray, labels: np.ndarray) -> list[float]:
    """MEASURES of an image uint8 (h, w), cropped to its sector, with CAMUS labels uint8 (h, w)."""
    found = grade_measures(image, labels)
    return [found[name] for name in MEASURES[:-1]] + [high_frequency(square_copy(image, labels)[0])]


def high_frequency(image: np.ndarray) -> float:
    """Root mean square of detail finer than FINE pixels in the sector (not black), as a share of the grey range.

    image  uint8 (h, w)
    """
    inside = cv2.erode((image > 0).astype(np.uint8), np.ones((2 * RIM + 1,) * 2, np.uint8)) > 0
    grey = image.astype(np.float32) / 255
    fine = grey - cv2.GaussianBlur(grey, (0, 0), FINE)
    return float(np.sqrt(np.square(fine[inside]).mean())) if inside.any() else float("nan")


def _real(folder: Path, grade: str) -> list[list[float]]:
    patients: dict[str, list[list[float]]] = {}
    for role in ROLES:
        for still in stills(folder, role, grade):
            patients.setdefault(still.patient, []).append(measures(still.image, still.labels))
    return [np.mean(found, 0).tolist() for found in patients.values()]


def _simulated(seed: int, conditions: Sequence[Condition]) -> dict[str, list[float]]:
    clip = simulate(seed, (*conditions, "labels"))
    assert clip.labels is not None
    mask, tissues = clip.sector_mask.numpy(), clip.labels[0].numpy()
    labels = np.zeros_like(tissues)
    # An expert's outline of the cavity includes the papillary muscles.
    labels[np.isin(tissues, (Tissue.LV, Tissue.PAPILLARY))] = LV
    labels[tissues == Tissue.MYOCARDIUM] = MYOCARDIUM
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    size = _shrunk(labels[box].shape)
    truth = cv2.resize(labels[box], size, interpolation=cv2.INTER_NEAREST)
    found = {}
    for condition in conditions:
        frames = clip.clean if condition == "clean" else clip.degraded
        assert frames is not None
        grey = cv2.resize(frames[0].numpy()[box], size, interpolation=cv2.INTER_AREA)
        found[condition] = measures(grey, truth)
    return found


def _shrunk(shape: tuple[int, ...]) -> tuple[int, int]:
    """Width and height with the longer side at SIZE, as for real stills."""
    scale = SIZE / max(shape)
    return round(shape[1] * scale), round(shape[0] * scale)


def _mean(values: list[list[float]]) -> np.ndarray:
    return np.nanmean(values, 0)
