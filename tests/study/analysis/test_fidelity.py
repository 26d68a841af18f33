"""Event rates: the exact interval of independent patients, wider with clusters, and none seen."""

import numpy as np
import pytest
from rating_tables import fidelity_rows
from statsmodels.stats.proportion import proportion_confint

from echogan.study.analysis.fidelity import event_rate
from echogan.study.analysis.tables import study_tables


def rate(grades: np.ndarray, least: int = 1):
    return event_rate(study_tables([], [], fidelity_rows(grades)).fidelity, least)


def test_one_rating_a_patient_is_nearly_clopper_pearson():
    found = rate(np.arange(60)[None] % 6 == 0)
    assert found.value == pytest.approx(1 / 6)
    assert (found.low, found.high) == pytest.approx(proportion_confint(10, 60, method="beta"), abs=0.004)


def test_readers_who_see_the_same_event_add_nothing():
    once = np.arange(60)[None] % 6 == 0
    alone, together = rate(once), rate(np.repeat(once, 5, 0))
    assert together.value == pytest.approx(alone.value)
    assert together.high == pytest.approx(alone.high, abs=0.01)
    apart = rate(np.arange(300).reshape(5, 60) % 6 == 0)
    assert apart.high <= together.high


def test_no_event_in_thirty_patients_has_the_exact_upper_bound():
    found = rate(np.zeros((6, 30)))
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 30))
    assert found.note == "0 of 180 ratings, 30 patients."


def test_relevant_events_are_fewer():
    grades = np.array([[0, 1, 2, 0], [0, 0, 1, 0]])
    assert rate(grades, 1).value == pytest.approx(3 / 8)
    assert rate(grades, 2).value == pytest.approx(1 / 8)
    everywhere = rate(np.full((2, 4), 2), 2)
    assert (everywhere.value, everywhere.high) == (1, 1)


def test_the_interval_covers_with_clustered_events():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        risk = rng.beta(0.5, 4.5, 40)  # mean 0.1, differing between patients
        found = rate(rng.random((5, 40)) < risk)
        covered += found.low <= 0.1 <= found.high
    assert 0.93 <= covered / 400 <= 0.995
