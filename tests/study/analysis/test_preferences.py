"""Preferences of pairs with known shares, and a side that is preferred whatever is on it."""

import numpy as np
import pytest
from rating_tables import pair_rows

from echogan.study.analysis.mrmc import mrmc_mean
from echogan.study.analysis.preferences import preferences
from echogan.study.analysis.tables import study_tables


def found_in(values: np.ndarray, sides: np.ndarray):
    return preferences(study_tables([], pair_rows(values, sides)).pairs)


def test_shares_of_wins_and_ties():
    values = np.array([[3, 1, 0, -2, 2], [1, 0, 0, -1, 1]])
    found = found_in(values, np.arange(10).reshape(2, 5) % 2 == 0)
    assert found["net_preference"].value == pytest.approx((5 - 2) / 10)
    assert found["win_probability"].value == pytest.approx((5 + 3 / 2) / 10)
    assert found["mean_score"].value == pytest.approx(values.mean())
    expected = mrmc_mean(np.sign(values).astype(float))
    assert found["net_preference"] == expected
    assert found["win_probability"].low == pytest.approx((1 + expected.low) / 2)


def test_readers_who_always_take_the_left_show_a_side_bias_and_no_preference():
    sides = np.indices((4, 10)).sum(0) % 2 == 0
    found = found_in(np.where(sides, 1, -1), sides)
    assert found["side_bias"].value == 1
    assert found["net_preference"].value == pytest.approx(0)


def test_no_pairs_and_all_ties():
    assert (
        preferences(
            study_tables([], [], [{"reader": 1, "patient": 1, "clip": 1, "item": "added", "grade": 0}]).pairs
        )
        == {}
    )
    ties = found_in(np.zeros((3, 4)), np.ones((3, 4), bool))
    assert ties["win_probability"].value == 0.5
    assert ties["win_probability"].low is None
    assert "no interval" in ties["win_probability"].note
