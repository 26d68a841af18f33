"""Power: the type I error without a gain, the noncentral t where it is exact, and sizes that are refused."""

import numpy as np
import pytest
from scipy import stats

from echogan.core.errors import StudyError
from echogan.study.analysis.planner import power
from echogan.study.analysis.simulation import Effects
from echogan.study.analysis.tables import Item

FINE = Item("fine", "Fine scale", -100, 100)


def test_no_gain_has_the_type_one_error():
    (point,) = power(Effects(gain=0.0), [5], [20], studies=400)
    assert 0.02 <= point.power <= 0.09
    assert point.gain == pytest.approx(0)


def test_without_patient_effects_the_power_is_that_of_a_t_test_over_readers():
    effects = Effects(gain=2.0, reader_by_arm=1.5, patient_by_arm=0.0, error=0.5)
    (point,) = power(effects, [6], [40], studies=800, item=FINE)
    deviation = (2 * (1.5**2 + (0.5**2 + 1 / 12) / 40)) ** 0.5
    threshold, shift = stats.t.ppf(0.975, 5), 2.0 / (deviation / 6**0.5)
    expected = stats.nct.sf(threshold, 5, shift) + stats.nct.cdf(-threshold, 5, shift)
    assert point.power == pytest.approx(expected, abs=0.06)


def test_readers_buy_more_power_than_patients():
    points = {(p.readers, p.patients): p for p in power(Effects(gain=0.3), [4, 8], [20, 40], studies=200)}
    assert points[8, 20].power > points[4, 40].power - 0.05
    assert points[8, 40].power > points[4, 20].power
    assert np.isclose(points[4, 20].se, (points[4, 20].power * (1 - points[4, 20].power) / 200) ** 0.5)


@pytest.mark.parametrize(
    ("readers", "patients", "studies"), [(1, 20, 10), (4, 1, 10), (4, 20, 0), (400, 20, 10)]
)
def test_a_size_that_no_study_has_is_refused(readers, patients, studies):
    with pytest.raises(StudyError):
        power(Effects(), [readers], [patients], studies=studies)
