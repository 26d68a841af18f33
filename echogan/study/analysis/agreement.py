"""Agreement between readers, and of readers with themselves on repeated clips.

Sources: ICC(A,1), two-way random, absolute agreement: McGraw and Wong, Psychol Methods 1:30 (1996), tables 4 and 7.
Krippendorff's alpha for ordinal data: Krippendorff, Content Analysis (4th ed. 2018), chapter 12. Quadratic weighted
kappa: Cohen, Psychol Bull 70:213 (1968).
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from echogan.study.analysis.estimate import LEVEL, Estimate, absent

DRAWS = 1000


def icc_a1(ratings: np.ndarray) -> Estimate:
    """ICC(A,1) with its F interval. ratings: float (readers, stimuli); stimuli that a reader lacks are left out."""
    whole = ratings[:, ~np.isnan(ratings).any(0)]
    k, n = whole.shape
    left_out = ratings.shape[1] - n
    note = f"ICC over the {n} clips and arms that all readers rated; {left_out} left out." if left_out else ""
    if k < 2 or n < 2:
        return absent("Fewer than two readers or two stimuli that all of them rated: no ICC.")
    rows, columns, grand = whole.mean(0), whole.mean(1), whole.mean()
    ms_r, ms_c = k * rows.var(ddof=1), n * columns.var(ddof=1)
    ms_e = ((whole - rows - columns[:, None] + grand) ** 2).sum() / ((n - 1) * (k - 1))
    total = ms_r + (k - 1) * ms_e + k * (ms_c - ms_e) / n
    if whole.var() <= 1e-12 or total <= 1e-12:
        return absent("All ratings are equal, so there is nothing to agree on: no ICC.")
    value = float((ms_r - ms_e) / total)
    if ms_e <= 1e-12 * whole.var() or 1 - value < 1e-12:
        return absent("Readers agree but for a constant: no interval.", value)
    a, b = k * value / (n * (1 - value)), 1 + k * value * (n - 1) / (n * (1 - value))
    freedom = (a * ms_c + b * ms_e) ** 2 / ((a * ms_c) ** 2 / (k - 1) + (b * ms_e) ** 2 / ((n - 1) * (k - 1)))
    upper = stats.f.ppf((1 + LEVEL) / 2, n - 1, freedom)
    lower = stats.f.ppf((1 + LEVEL) / 2, freedom, n - 1)
    error = k * ms_c + (k * n - k - n) * ms_e
    low = n * (ms_r - upper * ms_e) / (upper * error + n * ms_r)
    high = n * (lower * ms_r - ms_e) / (error + n * lower * ms_r)
    if not (np.isfinite(low) and np.isfinite(high)):
        return absent("The stimuli differ too little from each other: no interval.", value)
    return Estimate(value, float(low), float(high), note=note)


def krippendorff_alpha(ratings: np.ndarray, levels: np.ndarray) -> float | None:
    """Ordinal alpha; None where nothing varies or no stimulus has two ratings.

    ratings   float (readers, stimuli), NaN where there is none
    levels    the scale in its order
    """
    return _finite(_alpha(_coincidences(ratings, levels).sum(0))[()])


def alpha_with_interval(ratings: np.ndarray, patients: np.ndarray, levels: np.ndarray) -> Estimate:
    """Alpha with a bootstrap interval over patients. `patients` (stimuli,) names the patient of each stimulus."""
    coincidences = _coincidences(ratings, levels)
    value = _finite(_alpha(coincidences.sum(0))[()])
    if value is None:
        return absent("All ratings are equal, or no clip was rated twice: no alpha.")
    names, places = np.unique(patients, return_inverse=True)
    of_patient = np.zeros((len(names), *coincidences.shape[1:]))
    np.add.at(of_patient, places, coincidences)
    drawn = np.random.default_rng(0).multinomial(len(names), np.full(len(names), 1 / len(names)), DRAWS)
    found = _alpha(np.tensordot(drawn.astype(float), of_patient, 1))
    found = found[np.isfinite(found)]
    if len(names) < 2 or len(found) < DRAWS / 2:
        return absent("Too few patients for an interval.", value)
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, float(low), float(high), note="Bootstrap over patients.")


def _coincidences(ratings: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """How often two readers gave a stimulus each pair of levels: float (stimuli, levels, levels)."""
    counts = (ratings[..., None] == levels).sum(0).astype(float)
    pairs = counts[:, :, None] * counts[:, None] - counts[:, None] * np.eye(len(levels))
    return pairs / np.maximum(counts.sum(1) - 1, 1)[:, None, None]


def _alpha(coincidences: np.ndarray) -> np.ndarray:
    """Alpha of sums of coincidences, float (..., levels, levels) to (...); NaN where nothing varies."""
    totals = coincidences.sum(-1)
    column, row = totals[..., :, None], totals[..., None, :]
    below = np.cumsum(totals, -1)
    step = below[..., None, :] - below[..., :, None]
    distance = (np.abs(step) + np.sign(step) * (column - row) / 2) ** 2
    expected = (column * distance * row).sum((-1, -2))
    observed = (coincidences * distance).sum((-1, -2))
    return 1 - (totals.sum(-1) - 1) * observed / np.where(expected > 0, expected, np.nan)


def _finite(value: float | np.ndarray) -> float | None:
    return float(value) if np.isfinite(value) else None


def quadratic_kappa(first: np.ndarray, second: np.ndarray) -> float | None:
    """Cohen's kappa with quadratic weights of two series of ratings; None where nothing varies or none is paired."""
    paired = ~np.isnan(first) & ~np.isnan(second)
    a, b = first[paired], second[paired]
    if not len(a):
        return None
    expected = a.var() + b.var() + (a.mean() - b.mean()) ** 2
    return None if expected <= 1e-12 else float(1 - ((a - b) ** 2).mean() / expected)


def kappa_matrix(ratings: np.ndarray) -> list[list[float | None]]:
    """Quadratic kappa of each pair of readers. ratings: float (readers, stimuli), NaN where there is none."""
    return [[quadratic_kappa(a, b) for b in ratings] for a in ratings]


def within(first: np.ndarray, second: np.ndarray, points: int) -> float | None:
    """The share of paired ratings that differ by at most `points`; None where none is paired."""
    differences = np.abs(first - second)
    differences = differences[~np.isnan(differences)]
    return float((differences <= points).mean()) if len(differences) else None


def pairwise_within(ratings: np.ndarray, points: int) -> float | None:
    """The share of all pairs of ratings of one stimulus by two readers that differ by at most `points`."""
    j, other = np.triu_indices(len(ratings), 1)
    return within(ratings[j], ratings[other], points)
