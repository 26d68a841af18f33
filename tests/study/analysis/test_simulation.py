"""Simulated studies have their stated effects, are marked, and repeat with their seed."""

import numpy as np
import pytest

from echogan.study.analysis.simulation import (
    Effects,
    arm_scores,
    expected_difference,
    graded,
    simulated_study,
)
from echogan.study.analysis.tables import ITEMS, cells


def test_the_gain_and_the_variances_are_those_stated():
    rng = np.random.default_rng(0)
    effects = Effects(gain=0.5, patient=1, reader=0.5, reader_by_arm=0.2, patient_by_arm=0.4, error=0.6)
    scores = np.stack([arm_scores(effects, 8, 30, 1, rng) for _ in range(400)])
    difference = (scores[:, 1] - scores[:, 0])[..., 0]
    assert difference.mean() == pytest.approx(0.5, abs=0.02)
    assert difference.var() == pytest.approx(2 * (0.2**2 + 0.4**2 + 0.6**2), rel=0.03)
    assert scores.var() == pytest.approx(1 + 0.25 + 0.04 + 0.16 + 0.36 + 0.0625, rel=0.05)


def test_ratings_are_levels_of_the_item():
    scores = np.array([-3.0, 2.4, 3.0, 9.0])
    assert list(graded(scores, ITEMS[0])) == [1, 2, 3, 5]
    assert list(graded(scores, ITEMS[4])) == [0, 0, 1, 1]


@pytest.mark.parametrize("item", [ITEMS[0], ITEMS[4]], ids=["numeric", "binary"])
def test_the_expected_difference_is_the_mean_of_many_studies(item):
    rng = np.random.default_rng(1)
    effects = Effects(gain=0.8, level=3.4)
    ratings = np.stack([graded(arm_scores(effects, 4, 10, 1, rng), item) for _ in range(4000)])
    found = (ratings[:, 1] - ratings[:, 0]).mean()
    assert expected_difference(effects, item) == pytest.approx(found, abs=0.012)
    assert expected_difference(Effects(gain=0.0), item) == pytest.approx(0)


def test_a_simulated_study_is_marked_and_repeats_with_its_seed():
    one, again, other = (simulated_study(patients=8, seed=seed) for seed in (1, 1, 2))
    assert one.simulated
    assert "simulated" in one.title
    assert one.ratings.equals(again.ratings)
    assert one.pairs.equals(again.pairs)
    assert not one.ratings.equals(other.ratings)
    assert cells(one, "overall")[2].shape == (2, 6, 8)
    assert set(one.ratings["kind"]) == {"main", "repeat"}
    assert one.ratings["value"].isna().any()
