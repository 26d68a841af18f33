"""The gap in Dice between Good and Poor stills, and the share of it that each method closes."""

from __future__ import annotations

from typing import Any

import numpy as np

from eval.camus.still_scores import Table

LEAST_GAP = 0.01  # Dice, under which a share of the gap has no meaning


def gap_and_share(
    tables: dict[str, Table], patients: dict[str, list[str]], draws: int = 10_000
) -> dict[str, Any]:
    """The segmenter's Dice on Good less its Dice on Poor inputs, and each method's gain on Poor as a share of that gap.

    `tables` and `patients` have the stills of each grade. Intervals are percentile bootstraps over the patients of both
    grades. `decides` is false for a gap under LEAST_GAP.
    """

    def by_patient(values: np.ndarray, grade: str) -> np.ndarray:
        names = np.array(patients[grade])
        return np.array([values[names == name].mean() for name in sorted(set(patients[grade]))])

    good, poor = (by_patient(tables[grade]["input"]["dice"], grade) for grade in ("Good", "Poor"))
    rng = np.random.default_rng(0)
    picks = [rng.integers(len(x), size=(draws, len(x))) for x in (good, poor)]
    gaps = good[picks[0]].mean(1) - poor[picks[1]].mean(1)
    gap = float(good.mean() - poor.mean())
    result: dict[str, Any] = {
        "dice": {"mean": gap, **_limits(gaps)},
        "decides": gap >= LEAST_GAP,
        "share": {},
    }
    for row in tables["Poor"]:
        if row != "input":
            gain = by_patient(tables["Poor"][row]["dice"], "Poor") - poor
            with np.errstate(divide="ignore", invalid="ignore"):
                shares = gain[picks[1]].mean(1) / gaps
            result["share"][row] = {"mean": float(gain.mean()) / gap, **_limits(shares)}
    return result


def _limits(values: np.ndarray) -> dict[str, float]:
    low, high = np.quantile(values[np.isfinite(values)], [0.025, 0.975])
    return {"low": float(low), "high": float(high)}
