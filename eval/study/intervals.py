"""The intervals that are compared: the MRMC one, the two checks of it, and the naive one that many papers use."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from echogan.study.analysis.bootstrap import two_way_bootstrap, weighted_mean
from echogan.study.analysis.estimate import LEVEL, Estimate
from echogan.study.analysis.mixed_model import reml_mean
from echogan.study.analysis.mrmc import mrmc_difference

BOOTSTRAP_DRAWS = 500


@dataclass(frozen=True)
class Interval:
    """A way to an interval of the difference, from mean ratings float (2, J, K); NaN bounds where it has none."""

    bounds: Callable[[np.ndarray], tuple[float, float]]
    slow: bool = False


def _bounds(found: Estimate) -> tuple[float, float]:
    low, high = (math.nan if bound is None else bound for bound in (found.low, found.high))
    return low, high


def mrmc(values: np.ndarray) -> tuple[float, float]:
    """The primary analysis."""
    return _bounds(mrmc_difference(values))


def bootstrap(values: np.ndarray) -> tuple[float, float]:
    """The two-way bootstrap; none where no reader read a patient in both arms."""
    paired = _paired(values)
    return _bounds(two_way_bootstrap(weighted_mean(paired), *paired.shape, draws=BOOTSTRAP_DRAWS))


def mixed_model(values: np.ndarray) -> tuple[float, float]:
    """REML; none where no reader read a patient in both arms."""
    return _bounds(reml_mean(_paired(values))[0])


def naive(values: np.ndarray) -> tuple[float, float]:
    """A t test over all reader-patient cells, as if they were independent."""
    paired = values[1] - values[0]
    cells = paired[~np.isnan(paired)]
    if len(cells):
        half = stats.t.ppf((1 + LEVEL) / 2, len(cells) - 1) * cells.std(ddof=1) / len(cells) ** 0.5
        return cells.mean() - half, cells.mean() + half
    arms = [arm[~np.isnan(arm)] for arm in values]
    test = stats.ttest_ind(arms[1], arms[0]).confidence_interval(LEVEL)
    return float(test.low), float(test.high)


def _paired(values: np.ndarray) -> np.ndarray:
    paired = values[1] - values[0]
    rated = ~np.isnan(paired)
    return paired[rated.any(1)][:, rated.any(0)]


INTERVALS = {
    "mrmc": Interval(mrmc),
    "bootstrap": Interval(bootstrap, slow=True),
    "mixed_model": Interval(mixed_model, slow=True),
    "naive": Interval(naive),
}
"""Name in the result -> interval."""
