"""The MRMC difference: published examples to the printed digits, closed forms, nested and incomplete designs."""

import numpy as np
import pytest
import van_dyke
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from echogan.study.analysis.mrmc import hillis_interval, mrmc_difference, mrmc_mean, shared_covariance

# Reader AUCs and results that the MRMCaov user guide prints for the data of Van Dyke, cine minus spin echo.
AUC = np.array(
    [
        [0.9196457, 0.8587762, 0.9038647, 0.9731079, 0.8297907],
        [0.9478261, 0.9053140, 0.9217391, 0.9993559, 0.9299517],
    ]
)


def pseudovalues(ratings: np.ndarray) -> np.ndarray:
    """Jackknife pseudovalues (2, J, K) of the AUC; their mean is the AUC (Dorfman, Berbaum and Metz 1992)."""
    healthy = np.arange(ratings.shape[-1]) < van_dyke.HEALTHY

    def auc(kept: np.ndarray) -> np.ndarray:
        ill, well = ratings[..., kept & ~healthy, None], ratings[..., None, kept & healthy]
        return ((ill > well) + (ill == well) / 2).mean((-1, -2))

    n = ratings.shape[-1]
    whole = auc(np.ones(n, bool))
    without = np.stack([auc(np.arange(n) != k) for k in range(n)], -1)
    return n * whole[..., None] - (n - 1) * without


@pytest.mark.parametrize(
    ("shared", "se", "df", "low", "high", "p"),
    [
        (2 * (0.0003395265 - 0.0002358497), 0.0206825, 15.06611, -0.0002665519, 0.0878671960, 0.05123303),
        (0.0, 0.01484629, 4, 0.00258042, 0.08502022, 0.04195875),
        (2 * 0.0003455973, 0.03019283, 68.42325, -0.01644178, 0.10404242, 0.1514363),
    ],
    ids=["crossed", "cases nested in readers", "cases nested in tests"],
)
def test_the_interval_has_the_printed_digits_of_mrmcaov(shared, se, df, low, high, p):
    d = AUC[1] - AUC[0]
    found = hillis_interval(d.mean(), [(d.var(ddof=1) / 5, 4)], shared)
    assert found.value == pytest.approx(0.04380032, abs=5e-8)
    assert found.se == pytest.approx(se, abs=5e-8)
    assert found.df == pytest.approx(df, abs=2e-3)  # the AUCs are printed to seven digits
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-6), pytest.approx(high, abs=1e-6))
    assert found.p == pytest.approx(p, abs=2e-6)


def test_a_binary_item_from_the_ratings_has_the_printed_digits_of_mrmcaov():
    sensitive = (van_dyke.ratings()[..., van_dyke.HEALTHY :] >= 3).astype(float)
    found = mrmc_difference(sensitive)
    assert found.value == pytest.approx(0.09777778, abs=5e-9)
    assert found.se == pytest.approx(0.03780451, abs=5e-9)
    assert found.df == pytest.approx(15.71732, abs=5e-6)
    assert (found.low, found.high) == (pytest.approx(0.0175185, abs=5e-8), pytest.approx(0.1780371, abs=1e-7))
    assert found.p == pytest.approx(0.02008822, abs=5e-9)
    assert shared_covariance(sensitive[0]) == pytest.approx(0.001646465, abs=5e-10)
    assert shared_covariance(sensitive[1]) == pytest.approx(0.000382716, abs=5e-10)


def test_numeric_scores_have_the_printed_covariances_and_designs_of_mrmcaov():
    values = pseudovalues(van_dyke.ratings())
    readers, patients = values.shape[1:]
    assert values.mean(-1) == pytest.approx(AUC, abs=5e-8)
    assert shared_covariance(values[1] - values[0]) / 2 == pytest.approx(
        0.0003440748 - 0.0002390284, abs=2e-10
    )

    in_readers = np.full((2, readers, readers * patients), np.nan)
    for j in range(readers):
        in_readers[:, j, j * patients : (j + 1) * patients] = values[:, j]
    nested = mrmc_difference(in_readers)
    assert (nested.se, nested.df) == (pytest.approx(0.01484629, abs=5e-9), pytest.approx(4))

    in_arms = np.full((2, readers, 2 * patients), np.nan)
    in_arms[0, :, :patients], in_arms[1, :, patients:] = values
    split = mrmc_difference(in_arms)
    # The guide's jackknife runs over 228 cases here: 0.0003440748 is its Cov2 for 114.
    assert split.se == pytest.approx((0.4 * (0.0005510306 + 5 * 0.0003440748)) ** 0.5, abs=5e-8)
    assert "different patients" in split.note


def test_a_balanced_study_has_the_analysis_of_variance():
    rng = np.random.default_rng(1)
    d = rng.normal(0, 1, (5, 20)) + rng.normal(0, 0.5, (5, 1)) + rng.normal(0, 0.7, (1, 20))
    grand, rows, columns = d.mean(), d.mean(1), d.mean(0)
    ms_r = 20 * rows.var(ddof=1)
    ms_c = 5 * columns.var(ddof=1)
    ms_e = ((d - rows[:, None] - columns + grand) ** 2).sum() / (4 * 19)
    found = mrmc_mean(d)
    variance = (ms_r + max(ms_c - ms_e, 0)) / 100
    assert found.se == pytest.approx(variance**0.5)
    assert found.df == pytest.approx((ms_r + max(ms_c - ms_e, 0)) ** 2 / (ms_r**2 / 4))


def test_the_variance_is_right_on_average_in_blocks_and_with_gaps():
    rng = np.random.default_rng(2)
    kept = rng.random((6, 24)) < 0.6
    kept[:3, 12:] = kept[3:, :12] = False  # two blocks of readers with patients of their own
    kept[np.arange(6), np.arange(6) * 4] = True
    means, variances = [], []
    for _ in range(4000):
        d = rng.normal(0, 1, (6, 24)) + rng.normal(0, 0.3, (6, 1)) + rng.normal(0, 1, (1, 24))
        d[~kept] = np.nan
        reader = np.nanmean(d, 1)
        means.append(reader.mean())
        variances.append(reader.var(ddof=1) / 6 + shared_covariance(d))
    assert np.mean(variances) == pytest.approx(np.var(means), rel=0.06)  # 2.2 % is one standard error


def test_readers_who_read_one_arm_each_are_compared_with_each_other():
    rng = np.random.default_rng(3)
    values = np.full((2, 8, 30), np.nan)
    patient = rng.normal(0, 1, 30)
    values[0, :4] = patient + rng.normal(0, 0.5, (4, 30))
    values[1, 4:] = patient + 0.5 + rng.normal(0, 0.5, (4, 30))
    found = mrmc_difference(values)
    assert found.low < 0.5 < found.high
    assert found.se < 0.2  # the patients are shared, so what they vary by does not count
    assert "different readers" in found.note
    welch = stats.ttest_ind(values[1, 4:].mean(1), values[0, :4].mean(1), equal_var=False)
    assert found.p == pytest.approx(welch.pvalue, abs=0.05)


def test_half_read_cells_are_left_out_and_counted():
    values = np.random.default_rng(4).normal(0, 1, (2, 3, 10))
    whole = mrmc_difference(values[..., :9])
    values[0, :, 9] = np.nan
    found = mrmc_difference(values)
    assert found.value == pytest.approx(whole.value)
    assert found.note == "3 reader-patient cells with one arm only left out."


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (np.full((2, 3, 4), np.nan), "One of the arms has no ratings."),
        (np.stack([np.ones((3, 4)), np.full((3, 4), 2.0)]), "same difference in all patients"),
        (np.ones((2, 1, 4)), "One reader and no variation"),
        (np.stack([np.ones((3, 4)), np.full((3, 4), np.nan)]), "One of the arms has no ratings."),
    ],
    ids=["empty", "constant", "one reader", "one arm"],
)
def test_what_cannot_be_estimated_is_a_sentence(values, sentence):
    found = mrmc_difference(values)
    assert sentence in found.note
    assert found.low is None


@given(
    arrays.arrays(
        float,
        st.tuples(st.just(2), st.integers(1, 5), st.integers(1, 6)),
        elements=st.sampled_from([np.nan, 1.0, 2.0, 3.0, 4.0, 5.0]),
    )
)
def test_any_crossing_gives_a_number_or_a_sentence(values):
    found = mrmc_difference(values)  # Estimate refuses NaN
    assert found.note or (found.low is not None and found.low <= found.value <= found.high)
