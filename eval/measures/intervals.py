"""Means, ratios and shares with their 95 % intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import binomtest

from eval.measures.metrics import bootstrap_interval


def interval(values: Sequence[float] | np.ndarray, groups: Sequence[str] | None = None) -> dict[str, float]:
    """The mean of values (n,) with its bootstrap interval, and the number of groups.

    `groups` names the patient or clip of each value. Each group counts once, by the mean of its values. NaN is left
    out.
    """
    values = np.asarray(values, float)
    if groups is not None:
        names = np.asarray(groups)
        means = [np.nanmean(values[names == name]) if np.isfinite(values[names == name]).any() else np.nan
                 for name in sorted(set(groups))]  # fmt: skip
        values = np.array(means)
    values = values[np.isfinite(values)]
    low, high = bootstrap_interval(values)
    return {"mean": float(values.mean()), "low": low, "high": high, "groups": len(values)}


def share_interval(found: Sequence[bool]) -> dict[str, float]:
    """The count of true values, of how many, and their share with its exact interval (Clopper & Pearson, 1934)."""
    count, of = int(np.sum(found)), len(found)
    exact = binomtest(count, of).proportion_ci(method="exact")
    return {"count": count, "of": of, "mean": count / of, "low": float(exact.low), "high": float(exact.high)}
