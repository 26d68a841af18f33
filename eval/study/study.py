"""Type I error and coverage of the reader-study analysis: simulated studies with known truth, analysed as real ones.

python -m eval study                   all designs, eval/results/study.json
python -m eval study --studies 100     quick
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from echogan.core.settings import number
from echogan.core.version import __version__
from echogan.study.analysis.simulation import Effects, expected_difference
from eval.command import begin, write
from eval.paths import RESULTS
from eval.study.designs import DESIGNS, Design
from eval.study.intervals import INTERVALS

GAIN = 0.4


@dataclass(frozen=True)
class StudySettings:
    """Simulate reader studies and count how often the intervals hold."""

    studies: int = number(2000, "simulated studies for each design, without and with a gain", 10, 100_000)
    slow_studies: int = number(300, "of these, with the bootstrap and the mixed model", 10, 100_000)
    out: Path = field(default=RESULTS / "study.json")
    """JSON file to write"""


def main(settings: StudySettings) -> None:
    """Simulate all designs and write the result."""
    result: dict[str, Any] = {
        "studies": settings.studies,
        "slow_studies": settings.slow_studies,
        "effects": asdict(Effects(gain=GAIN)),
        "version": __version__,
        "rows": {},
    }
    for name, design in DESIGNS.items():
        result["rows"][name] = row = measure(design, settings)
        shown = ", ".join(f"{i} {m['type_1']:.3f} {m['coverage']:.3f}" for i, m in row["intervals"].items())
        print(f"{name}: type I error and coverage: {shown}", flush=True)
    write(result, settings.out, settings, lambda found: found["rows"])


def measure(design: Design, settings: StudySettings) -> dict[str, Any]:
    """Of one design, for each interval: the type I error, the coverage of the true difference, and the power."""
    truth = expected_difference(Effects(gain=GAIN), design.item)
    without, with_gain = (_bounds(design, gain, settings, seed) for seed, gain in enumerate((0.0, GAIN)))
    intervals = {
        name: {
            "studies": len(without[name]),
            "without_interval": share(np.asarray(np.isnan(with_gain[name]).any(1))),
            "type_1": share(~_holds(without[name], 0.0)),
            "coverage": share(_holds(with_gain[name], truth)),
            "power": share(~_holds(with_gain[name], 0.0)),
        }
        for name in with_gain
        if not np.isnan(with_gain[name]).all()  # the method has no answer in this design
    }
    return {"readers": design.readers, "patients": design.patients, "truth": truth, "intervals": intervals}


def _bounds(design: Design, gain: float, settings: StudySettings, seed: int) -> dict[str, np.ndarray]:
    """The intervals of all simulated studies: float (studies, 2) for each kind; NaN where a study has none."""
    rng = np.random.default_rng([seed, design.readers, design.patients])
    used = {name: interval for name, interval in INTERVALS.items() if name != "mixed_model" or design.mixed}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in used}
    for i in range(settings.studies):
        values = design.ratings(Effects(gain=gain), rng)
        for name, interval in used.items():
            if not interval.slow or i < settings.slow_studies:
                found[name].append(interval.bounds(values))
    return {name: np.array(bounds) for name, bounds in found.items()}


def _holds(bounds: np.ndarray, value: float) -> np.ndarray:
    """Whether the value is inside. A study without an interval claims nothing, so it does not miss the value."""
    return np.asarray((bounds[:, 0] <= value) & (bounds[:, 1] >= value) | np.isnan(bounds[:, 0]))


def share(true: np.ndarray) -> float:
    """The share of trues, rounded as printed."""
    return round(float(true.mean()), 4)


if __name__ == "__main__":
    begin(main, StudySettings)
