"""The two-way bootstrap: its mean and spread, gaps, and too little data."""

import numpy as np
import pytest

from echogan.study.analysis.bootstrap import two_way_bootstrap, weighted_mean


def test_the_value_is_the_mean_over_readers_and_the_spread_that_of_both_samples():
    rng = np.random.default_rng(0)
    d = rng.normal(0, 1, (8, 1)) + rng.normal(0, 1, (1, 50))  # no error: readers and patients only
    found = two_way_bootstrap(weighted_mean(d), 8, 50, draws=4000)
    assert found.value == pytest.approx(d.mean())
    assert found.se == pytest.approx((d.mean(1).var() / 8 + d.mean(0).var() / 50) ** 0.5, rel=0.05)
    assert found.low < found.value < found.high


def test_gaps_are_left_out():
    d = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, 5.0]])
    assert two_way_bootstrap(weighted_mean(d), 2, 3).value == pytest.approx((2 + 5) / 2)


def test_the_same_seed_gives_the_same_interval():
    d = np.random.default_rng(1).normal(0, 1, (4, 10))
    assert two_way_bootstrap(weighted_mean(d), 4, 10) == two_way_bootstrap(weighted_mean(d), 4, 10)


@pytest.mark.parametrize(
    ("d", "sentence"),
    [
        (np.full((3, 3), np.nan), "Nothing to compare"),
        (np.ones((1, 9)), "two readers and two patients"),
        (np.ones((3, 1)), "two readers and two patients"),
    ],
)
def test_too_little_is_a_sentence(d, sentence):
    found = two_way_bootstrap(weighted_mean(d), *d.shape)
    assert sentence in found.note
    assert found.low is None
