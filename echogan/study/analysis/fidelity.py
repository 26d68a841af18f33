"""Fidelity: how often readers see a structure added, removed or moved, with an interval that counts patients.

The exact binomial interval with the effective sample size: the number of ratings over the design effect of patients
as clusters. Where no event was seen, or all ratings are events, patients are what is counted.
Source: Korn and Graubard, Surv Methodol 24:193 (1998), exact interval with an effective sample size.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from echogan.study.analysis.estimate import LEVEL, Estimate, absent


def event_rate(events: pd.DataFrame, least: int) -> Estimate:
    """The share of ratings with a grade of at least `least`, 1 for any event and 2 for a clinically relevant one."""
    graded = events.dropna(subset="grade")
    if graded.empty:
        return absent("Not graded.")
    seen = (graded["grade"] >= least).astype(float)
    by_patient = seen.groupby(graded["patient"]).agg(["sum", "count"]).to_numpy(float)
    patients, ratings = len(by_patient), len(seen)
    rate = float(seen.mean())
    effective = _effective_size(by_patient, rate)
    count = rate * effective
    outside = (1 - LEVEL) / 2
    low = 0.0 if rate == 0 else float(stats.beta.ppf(outside, count, effective - count + 1))
    high = 1.0 if rate == 1 else float(stats.beta.ppf(1 - outside, count + 1, effective - count))
    note = f"{int(seen.sum())} of {ratings} ratings, {patients} patients."
    return Estimate(rate, low, high, note=note)


def _effective_size(by_patient: np.ndarray, rate: float) -> float:
    """Independent ratings that would be as precise: between 1 and the number of ratings.

    by_patient   float (patients, 2): events and ratings of each patient
    """
    patients, ratings = len(by_patient), by_patient[:, 1].sum()
    if rate in (0.0, 1.0) or patients < 2:
        return float(patients)
    residual = by_patient[:, 0] - rate * by_patient[:, 1]
    variance = patients / (patients - 1) * (residual**2).sum() / ratings**2
    size = rate * (1 - rate) / max(variance, 1e-12)
    # Korn and Graubard's correction: the variance itself is estimated from the patients.
    t_all, t_patients = stats.t.ppf((1 + LEVEL) / 2, [ratings - 1, patients - 1])
    return float(np.clip(size * (t_all / t_patients) ** 2, 1.0, ratings))
