"""Correlation of image measures with the expert's grade, on all graded CAMUS stills: means by grade, Spearman's rho.

    python -m eval grades        writes eval/results/grades.json

The stills are not enhanced. The table shows how Good and Poor stills differ, which is what an enhancement or a
simulator has to reach. The constants of `eval.camus.grade_measures` were chosen on these two-chamber stills, so the
rank correlations are slightly too high there. Intervals are bootstraps by patient. CAMUS: Leclerc et al., IEEE TMI
38(9), 2019. Without its stills beside the project nothing is measured.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.stats import rankdata

from eval.camus.grade_measures import NAMES, grade_measures
from eval.command import begin, write
from eval.measures.intervals import interval
from eval.measures.metrics import bootstrap_interval
from eval.paths import CAMUS, RESULTS

GRADES = ("Poor", "Medium", "Good")  # from worst to best
FOLDERS = {"2CH": CAMUS.with_name("camus2ch"), "4CH": CAMUS}
DRAWS = 1000


@dataclass(frozen=True)
class GradesSettings:
    """The folders of the stills, and where the result goes."""

    two: Path = field(default=FOLDERS["2CH"], metadata={"help": "folder of the two-chamber stills"})
    four: Path = field(default=FOLDERS["4CH"], metadata={"help": "folder of the four-chamber stills"})
    out: Path | None = field(
        default=None, metadata={"help": "JSON to write, instead of that in eval/results"}
    )


def main(settings: GradesSettings) -> None:
    """Measure both views, print and write."""
    folders = {"2CH": settings.two, "4CH": settings.four}
    if missing := [str(folder) for folder in folders.values() if not (folder / "index.csv").is_file()]:
        print(f"No CAMUS stills in {', '.join(missing)}: the grades are not measured.")
        return
    result: dict[str, Any] = {"views": {view: measure(folder) for view, folder in folders.items()}}
    for view, found in result["views"].items():
        print(f"{view}: " + ", ".join(f"{n} {grade}" for grade, n in found["stills"].items()))
        for name, row in found["measures"].items():
            means = "  ".join(f"{grade} {row[grade]['mean']:.3f}" for grade in reversed(GRADES))
            rho = row["rho"]
            print(f"  {name:20} {means}  rho {rho['mean']:+.2f} [{rho['low']:+.2f}, {rho['high']:+.2f}]")
    write(result, settings.out or RESULTS / "grades.json", settings, measured)


def measured(result: dict[str, Any]) -> list[str]:
    """Every view and measure of a result."""
    return [f"{view} {name}" for view, found in result["views"].items() for name in found["measures"]]


def measure(folder: Path) -> dict[str, Any]:
    """Of every measure, its mean by grade and Spearman's rho with the grade, over all stills of a folder."""
    with (folder / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = [
        grade_measures(*(_layer(folder / kind / row["file"]) for kind in ("images", "masks"))) for row in rows
    ]
    grade = np.array([GRADES.index(row["quality"]) for row in rows])
    patient = np.array([row["patient"] for row in rows])
    measures = {name: np.array([one[name] for one in found]) for name in NAMES}
    return {
        "stills": {name: int((grade == k).sum()) for k, name in enumerate(GRADES)},
        "measures": {name: by_grade(values, grade, patient) for name, values in measures.items()},
    }


def _layer(path: Path) -> np.ndarray:
    """An image or its labels, uint8 (h, w)."""
    return np.array(Image.open(path).convert("L"))


def by_grade(values: np.ndarray, grade: np.ndarray, patient: np.ndarray) -> dict[str, Any]:
    """The mean of each grade, and Spearman's rho of values and grades, with intervals by patient."""
    kept = np.isfinite(values)
    values, grade, patient = values[kept], grade[kept], patient[kept]
    row: dict[str, Any] = {
        name: interval(values[grade == k], patient[grade == k].tolist()) for k, name in enumerate(GRADES)
    }
    stills = [np.flatnonzero(patient == name) for name in np.unique(patient)]

    def rho(patients: np.ndarray) -> float:
        drawn = np.concatenate([stills[i] for i in patients])
        return spearman(values[drawn], grade[drawn])

    low, high = bootstrap_interval(np.arange(len(stills)), of=rho, vectorized=False, draws=DRAWS)
    return row | {"rho": {"mean": spearman(values, grade), "low": low, "high": high}}


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation."""
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


if __name__ == "__main__":
    begin(main, GradesSettings)
