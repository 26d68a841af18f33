"""Scores of stills after each method, and their means and paired gains by patient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from eval.camus.grade_measures import NAMES, grade_measures
from eval.camus.stills import STRUCTURES, Still
from eval.measures.baselines import Method
from eval.measures.intervals import interval
from eval.measures.metrics import mean_change, psnr, ssim, tone_matched_psnr

IMAGE = {"psnr_db": psnr, "tone_matched_psnr_db": tone_matched_psnr, "ssim": ssim}
Table = dict[str, dict[str, np.ndarray]]
"""Method -> measure -> one value for each still."""
Segmenting = Callable[[Sequence[np.ndarray]], list[np.ndarray]]
"""Images uint8 (h, w) to CAMUS' labels uint8 (h, w)."""
Grading = Callable[[Sequence[np.ndarray]], np.ndarray]
"""Images uint8 (h, w) to P(good) of each."""


def measure(
    images: Sequence[Still],
    methods: dict[str, Method],
    segmenter: Segmenting,
    grader: Grading,
    truth: Sequence[np.ndarray] = (),
) -> Table:
    """The scores of each still after every method; the method "input" leaves the stills as they are.

    The scores are Dice and area error in percent of the segmenter's outlines (each structure and their mean), the
    measures of `eval.camus.grade_measures`, P(good), and the mean change inside the sector in grey levels. With
    `truth`, the clear images, also the metrics in IMAGE.
    """
    table: Table = {}
    for name, method in methods.items():
        shown = [method(still.image[None], still.sector)[0] for still in images]
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
            against = zip(shown, truth, images, strict=True)
            found[metric] = np.array([compute(a, b, still.sector.mask) for a, b, still in against])
        table[name] = found
    return table


def dice(found: np.ndarray, truth: np.ndarray) -> list[float]:
    """Dice of each structure of two label images; NaN for a structure that the truth lacks."""
    scores = []
    for k in range(1, len(STRUCTURES) + 1):
        a, b = found == k, truth == k
        scores.append(2 * float((a & b).sum()) / float(a.sum() + b.sum()) if b.any() else float("nan"))
    return scores


def area_error(found: np.ndarray, truth: np.ndarray) -> list[float]:
    """|found area - true area| of each structure in percent of the true area; NaN where the truth lacks it."""
    errors = []
    for k in range(1, len(STRUCTURES) + 1):
        a, b = float((found == k).sum()), float((truth == k).sum())
        errors.append(100 * abs(a - b) / b if b else float("nan"))
    return errors


def summarise(table: Table, patients: Sequence[str]) -> dict[str, Any]:
    """Method -> measure -> mean by patient, and under "gain" the paired gain over the input."""
    summary: dict[str, Any] = {}
    for row, found in table.items():
        summary[row] = {measure: interval(values, patients) for measure, values in found.items()}
        if row != "input":
            differences = {m: values - table["input"][m] for m, values in found.items()}
            summary[row]["gain"] = {m: interval(values, patients) for m, values in differences.items()}
    return summary


def together(first: Table, second: Table) -> Table:
    """The stills of two tables with the same methods and measures, as one table."""
    return {
        row: {measure: np.concatenate([values, second[row][measure]]) for measure, values in found.items()}
        for row, found in first.items()
    }
