"""Scores of stills before and after enhancement, and their means and paired gains by patient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from eval.camus.grade_measures import NAMES, grade_measures
from eval.camus.stills import STRUCTURES, Still
from eval.measures.baselines import Row, interval
from eval.measures.metrics import mean_change, psnr, ssim, tone_matched_psnr

IMAGE = {"psnr_db": psnr, "tone_matched_psnr_db": tone_matched_psnr, "ssim": ssim}
Table = dict[str, dict[str, np.ndarray]]
"""Row -> measure -> one value for each still."""
Segmenting = Callable[[Sequence[np.ndarray]], list[np.ndarray]]
"""Images uint8 (h, w) to CAMUS' labels uint8 (h, w)."""
Grading = Callable[[Sequence[np.ndarray]], np.ndarray]
"""Images uint8 (h, w) to P(good), one each."""


def measure(
    images: Sequence[Still],
    rows: dict[str, Row],
    segmenter: Segmenting,
    grader: Grading,
    truth: Sequence[np.ndarray] = (),
) -> Table:
    """Every row's scores of each still, before (row "input") and after; with `truth`, clear images, nearness to it.

    Dice and area error in percent (each structure and their mean) of what `segmenter` outlines, the measures of
    `eval.camus.grade_measures`, P(good), and the mean change inside the sector in grey levels.
    """
    table: Table = {}
    for name, treat in rows.items():
        shown = [treat(still.image[None], still.sector)[0] for still in images]
        pairs = list(zip(segmenter(shown), (still.labels for still in images), strict=True))
        scores, errors = (np.array([f(a, b) for a, b in pairs]) for f in (dice, area_error))
        found = {"dice": np.nanmean(scores, 1), "area_error": np.nanmean(errors, 1)}
        for k, structure in enumerate(STRUCTURES):
            found |= {f"dice {structure}": scores[:, k], f"area_error {structure}": errors[:, k]}
        rated = [grade_measures(image, still.labels) for image, still in zip(shown, images, strict=True)]
        found |= {measure: np.array([one[measure] for one in rated]) for measure in NAMES}
        found["p_good"] = grader(shown)
        changes = (mean_change(a, s.image, s.sector.mask) for a, s in zip(shown, images, strict=True))
        found["change"] = np.array(list(changes))
        for metric, compute in IMAGE.items() if truth else ():
            near = zip(shown, truth, images, strict=True)
            found[metric] = np.array([compute(a, b, still.sector.mask) for a, b, still in near])
        table[name] = found
    return table


def dice(found: np.ndarray, truth: np.ndarray) -> list[float]:
    """Dice of each structure of two label images; NaN where the truth has none of it."""
    scores = []
    for k in range(1, len(STRUCTURES) + 1):
        a, b = found == k, truth == k
        scores.append(2 * float((a & b).sum()) / float(a.sum() + b.sum()) if b.any() else float("nan"))
    return scores


def area_error(found: np.ndarray, truth: np.ndarray) -> list[float]:
    """|found area - true area| of each structure in percent of the true one; NaN where the truth has none."""
    errors = []
    for k in range(1, len(STRUCTURES) + 1):
        a, b = float((found == k).sum()), float((truth == k).sum())
        errors.append(100 * abs(a - b) / b if b else float("nan"))
    return errors


def summarise(table: Table, patients: Sequence[str]) -> dict[str, Any]:
    """Of each row and measure the mean by patient, and the paired gain over the input."""
    done: dict[str, Any] = {}
    for row, found in table.items():
        done[row] = {measure: interval(values, patients) for measure, values in found.items()}
        if row != "input":
            differences = {m: values - table["input"][m] for m, values in found.items()}
            done[row]["gain"] = {m: interval(values, patients) for m, values in differences.items()}
    return done


def together(first: Table, second: Table) -> Table:
    """The stills of two tables with the same rows and measures, one after the other."""
    return {
        row: {measure: np.concatenate([values, second[row][measure]]) for measure, values in found.items()}
        for row, found in first.items()
    }
