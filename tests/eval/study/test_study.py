"""The benchmark of reader-study intervals: designs read what they say, and shares are counted rightly."""

import numpy as np
import pytest

from echogan.study.analysis.simulation import Effects
from eval.study.designs import DESIGNS
from eval.study.intervals import INTERVALS, mrmc, naive
from eval.study.study import StudySettings, _holds, measure

CROSSED = "crossed, 4 readers, 30 patients"


@pytest.mark.parametrize("name", DESIGNS)
def test_every_design_has_an_interval(name):
    design = DESIGNS[name]
    values = design.ratings(Effects(), np.random.default_rng(0))
    assert values.shape == (2, design.readers, design.patients)
    low, high = mrmc(values)
    assert low < high
    assert naive(values)[0] < naive(values)[1]


def test_nested_designs_leave_the_other_cells_empty():
    rng = np.random.default_rng(0)
    arms = DESIGNS["readers nested in arms, 8 readers, 40 patients"].ratings(Effects(), rng)
    assert np.isnan(arms[1] - arms[0]).all()
    own = DESIGNS["patients nested in readers, 8 readers, 80 patients"].ratings(Effects(), rng)
    assert (~np.isnan(own[0])).sum(0).max() == 1


def test_an_interval_holds_what_it_contains_and_none_misses_nothing():
    bounds = np.array([[0.0, 1.0], [0.6, 1.0], [np.nan, np.nan]])
    assert list(_holds(bounds, 0.5)) == [True, False, True]


def test_a_short_run_counts_each_interval():
    found = measure(DESIGNS[CROSSED], StudySettings(studies=20, slow_studies=10))
    assert set(found["intervals"]) == set(INTERVALS) - {"mixed_model"}
    assert found["intervals"]["bootstrap"]["studies"] == 10
    assert found["intervals"]["mrmc"]["studies"] == 20
    assert found["intervals"]["mrmc"]["coverage"] > 0.7
    assert 0 < found["truth"] < 0.4
