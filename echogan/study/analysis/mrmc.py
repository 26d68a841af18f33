"""The multi-reader multi-case (MRMC) difference between two arms, for new readers and new patients.

The estimate is the mean over readers of each reader's difference between the arms. Its variance is the
Obuchowski-Rockette one: what the readers' differences vary by, plus what readers share because they saw the same
patients. Degrees of freedom are those of Hillis.

For J readers with differences d_j, Var = s²(d_j) / J + max(c, 0), where c is the mean error covariance of the
differences of two readers. This is unbiased for any crossing: E[s²] = mean variance - c, so that s² / J + c is the
variance of the mean whatever readers and patients have in common. With all readers reading all patients it is
Hillis' MS(T*R) + J max(Cov2 - Cov3, 0); with patients nested in readers c is 0; with patients nested in arms it is
2 Cov2; blocks of readers with patients of their own lie between.

Sources: Obuchowski and Rockette, Commun Stat Simul Comput 24:285 (1995). Hillis, Stat Med 26:596 (2007), degrees of
freedom. Hillis, Stat Med 33:330 (2014), nested designs.
"""

from __future__ import annotations

import numpy as np

from echogan.study.analysis.estimate import Estimate, absent, number_of, t_interval


def hillis_interval(
    difference: float, between: list[tuple[float, int]], shared: float, note: str = ""
) -> Estimate:
    """The interval of a difference by the Obuchowski-Rockette variance and Hillis' degrees of freedom.

    difference   the mean over readers of enhanced minus original
    between      for each independent sample of J readers: the sample variance of their values over J, and J - 1
    shared       mean error covariance of two readers' values; it counts where it is above 0
    """
    own = sum(variance for variance, _ in between)
    variance = own + max(shared, 0.0)
    if variance <= 1e-15:
        return absent(
            "All readers found the same difference in all patients, so there is no interval.", difference
        )
    spread = sum(v**2 / freedom for v, freedom in between)
    df = variance**2 / spread if spread > 1e-12 * variance**2 else None
    return t_interval(difference, variance**0.5, df, note)


def mrmc_difference(values: np.ndarray) -> Estimate:
    """The difference enhanced minus original with its interval, whatever the crossing.

    values   float (2, J, K): the mean rating of reader j in patient k over the patient's clips, 0 original,
             1 enhanced; NaN where there is none. For a binary item the values are shares, and so is the difference.

    Readers who read patients in both arms are compared within patients, and what they read in one arm only is left
    out, which the note counts. Else readers are compared with themselves over different patients, or, where each
    reader read one arm, with other readers.
    """
    found = ~np.isnan(values)
    paired = values[1] - values[0]
    if (complete := ~np.isnan(paired)).any():
        lost = int((found.any(0) & ~complete).sum())
        note = f"{number_of(lost, 'reader-patient cell')} with one arm only left out." if lost else ""
        return mrmc_mean(paired, note)
    both = found[0].any(1) & found[1].any(1)
    if both.any():
        return _patients_differ(values[:, both])
    if found[0].any() and found[1].any():
        return _readers_differ(values[0], values[1])
    return absent("One of the arms has no ratings.")


def mrmc_mean(values: np.ndarray, note: str = "") -> Estimate:
    """The mean over readers with its interval. values: float (J, K), NaN where a reader has none for a patient.

    For paired differences, or for any score that is 0 where there is no effect. With one reader the interval is over
    patients only.
    """
    values = values[~np.isnan(values).all(1)]
    if not len(values):
        return absent("No ratings.")
    means = np.nanmean(values, 1)
    if len(values) == 1:
        return _one_reader(values[0])
    return hillis_interval(float(means.mean()), [_between(means)], shared_covariance(values), note)


def shared_covariance(values: np.ndarray, others: np.ndarray | None = None) -> float:
    """The mean error covariance of two readers' means, over all pairs of different readers.

    values, others   float (J, K), rows are readers, NaN where there is no value. Without `others`, of `values` itself.

    The covariance over patients is pooled over pairs that share two patients or more; a pair with n in common out of
    n_1 and n_2 has n / (n_1 n_2) of it. Readers who share no patient are independent.
    """
    other = values if others is None else others
    mask, other_mask = (~np.isnan(values)).astype(float), (~np.isnan(other)).astype(float)
    filled, other_filled = np.nan_to_num(values), np.nan_to_num(other)
    common = mask @ other_mask.T
    products = filled @ other_filled.T - (filled @ other_mask.T) * (mask @ other_filled.T) / np.maximum(
        common, 1
    )
    sizes = np.outer(mask.sum(1), other_mask.sum(1))
    different = ~np.eye(len(values), dtype=bool) & (sizes > 0)
    usable = different & (common >= 2)
    if not usable.any():
        return 0.0
    patient = products[usable].sum() / (common[usable] - 1).sum()
    return float(patient * (common[different] / sizes[different]).mean())


def _between(means: np.ndarray) -> tuple[float, int]:
    return float(means.var(ddof=1)) / len(means), len(means) - 1


def _one_reader(values: np.ndarray) -> Estimate:
    values = values[~np.isnan(values)]
    mean = float(values.mean())
    if len(values) < 2 or values.var() <= 1e-15:
        return absent("One reader and no variation between patients, so there is no interval.", mean)
    se = float(values.std(ddof=1)) / len(values) ** 0.5
    return t_interval(mean, se, len(values) - 1, "One reader: the interval is over patients only.")


def _patients_differ(values: np.ndarray) -> Estimate:
    """Each reader read both arms, in different patients. values: float (2, J, K)."""
    means = np.nanmean(values, 2)
    differences = means[1] - means[0]
    if len(differences) < 2:
        return absent(
            "One reader who read different patients in the arms: no interval.", float(differences[0])
        )
    shared = shared_covariance(values[0]) + shared_covariance(values[1])
    shared -= 2 * shared_covariance(values[0], values[1])
    note = "No reader read a patient in both arms: the arms are compared over different patients."
    return hillis_interval(float(differences.mean()), [_between(differences)], shared, note)


def _readers_differ(original: np.ndarray, enhanced: np.ndarray) -> Estimate:
    """Each reader read one arm. Both float (J, K) with the same rows; all-NaN where a reader did not read the arm."""
    means = [np.nanmean(arm[~np.isnan(arm).all(1)], 1) for arm in (original, enhanced)]
    difference = float(means[1].mean() - means[0].mean())
    if min(map(len, means)) < 2:
        return absent(
            "Each arm was read by other readers, and one arm by one reader: no interval.", difference
        )
    own = [shared_covariance(arm[~np.isnan(arm).all(1)]) for arm in (original, enhanced)]
    shared = sum(own) - 2 * shared_covariance(original, enhanced)
    note = "Each reader read one arm: the arms are compared over different readers."
    return hillis_interval(difference, [_between(arm) for arm in means], shared, note)
