"""Agreement against pingouin, krippendorff and scikit-learn, and what happens where nothing varies."""

import krippendorff
import numpy as np
import pandas as pd
import pingouin
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import cohen_kappa_score

from echogan.study.analysis.agreement import (
    alpha_with_interval,
    icc_a1,
    kappa_matrix,
    krippendorff_alpha,
    pairwise_within,
    quadratic_kappa,
    within,
)

LEVELS = np.arange(1, 6)
GRADES = arrays.arrays(
    float,
    st.tuples(st.integers(1, 4), st.integers(1, 6)),
    elements=st.sampled_from([np.nan, 1.0, 2.0, 3.0, 4.0, 5.0]),
)


def drawn(seed: int, readers: int = 5, stimuli: int = 40) -> np.ndarray:
    rng = np.random.default_rng(seed)
    latent = (
        rng.normal(3, 1, stimuli) + rng.normal(0, 0.3, (readers, 1)) + rng.normal(0, 0.7, (readers, stimuli))
    )
    return np.clip(np.round(latent), 1, 5)


@pytest.mark.parametrize("seed", range(4))
def test_icc_is_that_of_pingouin(monkeypatch, seed: int):
    monkeypatch.setitem(pingouin.options, "round.column.CI95", 9)
    ratings = drawn(seed, readers=3 + seed)
    reader, stimulus = np.indices(ratings.shape)
    table = pd.DataFrame({"reader": reader.ravel(), "stimulus": stimulus.ravel(), "value": ratings.ravel()})
    row = pingouin.intraclass_corr(table, "stimulus", "reader", "value").set_index("Type").loc["ICC(A,1)"]
    found = icc_a1(ratings)
    assert found.value == pytest.approx(row["ICC"], abs=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(row["CI95"]), abs=1e-8)


@pytest.mark.parametrize("seed", range(4))
def test_alpha_is_that_of_krippendorff_with_gaps_and_missing_levels(seed: int):
    ratings = drawn(seed)
    ratings[np.random.default_rng(seed).random(ratings.shape) < 0.3] = np.nan
    if seed % 2:
        ratings[ratings == 3] = np.nan  # a level that nobody gave
    expected = krippendorff.alpha(ratings, level_of_measurement="ordinal")
    assert krippendorff_alpha(ratings, LEVELS) == pytest.approx(expected, abs=1e-12)
    patients = np.repeat(np.arange(20), 2)
    found = alpha_with_interval(ratings, patients, LEVELS)
    assert found.low < found.value < found.high


@pytest.mark.parametrize("seed", range(4))
def test_kappa_is_that_of_scikit_learn(seed: int):
    a, b = drawn(seed, readers=2)
    assert quadratic_kappa(a, b) == pytest.approx(cohen_kappa_score(a, b, weights="quadratic"), abs=1e-12)
    a[:5] = np.nan
    assert quadratic_kappa(a, b) == pytest.approx(
        cohen_kappa_score(a[5:], b[5:], weights="quadratic"), abs=1e-12
    )


def test_exact_and_near_agreement_are_shares_of_pairs():
    ratings = np.array([[1, 2, 3, np.nan], [1, 3, 5, 4], [2, 3, 4, 4.0]])
    assert pairwise_within(ratings, 0) == pytest.approx(3 / 10)
    assert pairwise_within(ratings, 1) == pytest.approx(9 / 10)
    assert within(np.array([np.nan]), np.array([1.0]), 0) is None


def test_readers_who_differ_by_a_constant_have_no_interval():
    ratings = np.array([[1, 2, 3, 4.0], [2, 3, 4, 5.0]])
    found = icc_a1(ratings)
    assert found.value == pytest.approx(5 / 3 / (5 / 3 + 1 / 2))
    assert found.low is None
    assert "constant" in found.note


def test_stimuli_of_equal_means_have_no_interval():
    found = icc_a1(np.array([[2, 1], [1, 2], [1, 1.0]]))
    assert found.value is not None
    assert found.low is None
    assert "no interval" in found.note


@given(GRADES)
def test_any_ratings_give_numbers_or_sentences(ratings: np.ndarray):
    found = icc_a1(ratings)
    assert found.low is not None or found.note
    alpha = krippendorff_alpha(ratings, LEVELS)
    assert alpha is None or np.isfinite(alpha)
    assert all(k is None or -1 - 1e-9 <= k <= 1 + 1e-9 for row in kappa_matrix(ratings) for k in row)
