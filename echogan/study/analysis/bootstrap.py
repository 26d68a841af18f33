"""The two-way bootstrap interval: readers and patients are drawn anew, each with replacement.

It needs no model of the ratings. It counts the error between readers and patients more than once, which makes up
for the few readers. Source: Gallas, Bandos, Samuelson and Wagner, Commun Stat Theory Methods 38:2586 (2009).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from echogan.study.analysis.estimate import LEVEL, Estimate, absent

DRAWS = 2000


def two_way_bootstrap(
    statistic: Callable[[np.ndarray, np.ndarray], np.ndarray],
    readers: int,
    patients: int,
    draws: int = DRAWS,
    seed: int = 0,
) -> Estimate:
    """The percentile interval of a statistic.

    statistic   from how often readers float (B, J) and patients float (B, K) count, to float (B,); NaN where a draw
                has nothing to compare, which is left out
    """
    rng = np.random.default_rng(seed)
    value = float(statistic(np.ones((1, readers)), np.ones((1, patients)))[0])
    if np.isnan(value):
        return absent("Nothing to compare.")
    if readers < 2 or patients < 2:
        return absent("The bootstrap needs two readers and two patients.", value)
    drawn = [rng.multinomial(n, np.full(n, 1 / n), draws).astype(float) for n in (readers, patients)]
    found = statistic(*drawn)
    found = found[~np.isnan(found)]
    if len(found) < draws / 2:
        return absent("Most bootstrap draws have nothing to compare: no interval.", value)
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, float(low), float(high), float(found.std()), note="Two-way bootstrap.")


def weighted_mean(values: np.ndarray) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The statistic of a mean over readers of their means over patients. values: float (J, K), NaN where none."""
    filled, mask = np.nan_to_num(values), (~np.isnan(values)).astype(float)

    def statistic(readers: np.ndarray, patients: np.ndarray) -> np.ndarray:
        counts = patients @ mask.T
        return reader_mean(patients @ filled.T / np.where(counts > 0, counts, np.nan), readers)

    return statistic


def reader_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weighted mean over readers. Both float (B, J); values that are NaN are left out; NaN where all are."""
    weights = weights * ~np.isnan(values)
    total = weights.sum(1)
    return (np.nan_to_num(values) * weights).sum(1) / np.where(total > 0, total, np.nan)
