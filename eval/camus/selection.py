"""Gains of networks on CAMUS' selection patients of both views, for choosing among recipes.

No test patient is used. The frozen segmenter and the grade classifier have another seed here than in the evaluation.
No bundled network was trained on these patients.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.camus.frozen_segmenter import FrozenSegmenterSettings, frozen_segmenter
from eval.camus.grade_classifier import ClassifierSettings, grade_classifier
from eval.camus.still_scores import measure
from eval.camus.stills import view_stills
from eval.camus.two_chamber import VIEWS
from eval.measures.baselines import make_methods
from eval.measures.intervals import interval

SEED = 1
GRADES = ("Poor", "Good")
SHOWN = {
    "Dice": ("dice", 100), "myocardium": ("dice myocardium", 100), "border contrast": ("border_contrast", 100),
    "border step": ("border_step", 100), "P(good)": ("p_good", 100), "change": ("change", 1),
}  # fmt: skip
"""Title -> measure and factor. Dice, contrast and P(good) are shown in hundredths, change in grey levels."""


def measure_selection(data: Path, models: Sequence[str]) -> dict[str, Any]:
    """Network -> grade -> title -> gain over the input, of both views together; printed."""
    segmenter = frozen_segmenter(data, FrozenSegmenterSettings(seed=SEED))
    grader = grade_classifier(data, ClassifierSettings(seed=SEED))
    methods, checkpoints = make_methods(models, filters=False)
    names = [checkpoint["name"] for checkpoint in checkpoints]
    found: dict[str, Any] = {name: {} for name in names}
    for grade in GRADES:
        images = [still for view in VIEWS for still in view_stills(data, view, "selection", grade)]
        patients = [still.patient for still in images]
        table = measure(images, methods, segmenter, grader)
        print(f"selection {grade}: {len(images)} stills of {len(set(patients))} patients")
        for name in names:
            found[name][grade] = {
                title: interval(factor * (table[name][m] - table["input"][m]), patients)
                for title, (m, factor) in SHOWN.items()
            }
            gains = (f"{title} {points(gain, 1)}" for title, gain in found[name][grade].items())
            print(f"  {name:20} {'  '.join(gains)}", flush=True)
    return found


def points(found: dict[str, float], factor: float = 100) -> str:
    """A signed value with its interval, times `factor`; by default in hundredths."""
    mean, low, high = (factor * found[key] for key in ("mean", "low", "high"))
    return f"{mean:+.2f} [{low:+.2f}, {high:+.2f}]"
