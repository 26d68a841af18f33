"""Visual grading regression: proportional odds of a better rating with enhancement.

logit P(rating <= level) = threshold - arm - reader. Readers are fixed effects; patients are clusters, so that
several ratings of a patient don't count as independent. A check of the primary analysis on the ordinal scale, not a
replacement: it does not speak for new readers. Source: Smedby and Fredrikson, Br J Radiol 83:767 (2010).
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.miscmodels.ordinal_model import OrderedModel

from echogan.study.analysis.estimate import LEVEL, Estimate, absent
from echogan.study.analysis.tables import Item, StudyTables

FARTHEST = 10.0
"""A log odds ratio or a standard error beyond this is of separated ratings, for which there is no estimate."""


def odds_ratio(tables: StudyTables, item: Item) -> Estimate:
    """The odds ratio of a better rating, enhanced over original. `se` is that of its logarithm."""
    main = tables.main(item.name).dropna(subset="value")
    counts = main.groupby("arm")["value"].nunique()
    if len(counts) < 2 or main["value"].nunique() < 2:
        return absent("Only one arm or one level was rated: no odds ratio.")
    if main["patient"].nunique() < 2:
        return absent("One patient: no odds ratio.")
    arm = (main["arm"] == "enhanced").to_numpy(float)
    readers = pd.get_dummies(main["reader"], drop_first=True).to_numpy(float)
    if np.linalg.matrix_rank(np.column_stack([np.ones(len(arm)), arm, readers])) < 2 + readers.shape[1]:
        return absent("Each reader rated one arm: no odds ratio within readers.")
    effect, se = _fit(main, np.column_stack([arm, readers]))
    if se is None or not (abs(effect) < FARTHEST and 0 < se < FARTHEST):
        return absent("The arms' ratings do not overlap, or a level is too rare: no odds ratio.")
    half = float(stats.norm.ppf((1 + LEVEL) / 2)) * se
    low, high = float(np.exp(effect - half)), float(np.exp(effect + half))
    p = float(2 * stats.norm.sf(abs(effect) / se))
    return Estimate(float(np.exp(effect)), low, high, se, None, p, "Proportional odds, patients as clusters.")


def _fit(main: pd.DataFrame, columns: np.ndarray) -> tuple[float, float | None]:
    """The arm's log odds ratio and its standard error; None where the fit has none."""
    levels = pd.Series(pd.Categorical(main["value"], ordered=True))
    groups = pd.factorize(main["patient"])[0]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of a poor fit, which the caller sees from the figures
        try:
            model = OrderedModel(levels, columns, distr="logit")
            fit = model.fit(method="bfgs", disp=False, cov_type="cluster", cov_kwds={"groups": groups})
            effect, se = float(np.asarray(fit.params)[0]), float(np.asarray(fit.bse)[0])
        except (np.linalg.LinAlgError, ValueError, FloatingPointError):
            return 0.0, None
    return effect, se if np.isfinite(effect) and np.isfinite(se) else None
