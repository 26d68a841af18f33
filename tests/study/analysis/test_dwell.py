"""Reading times: the stated ratio is found, quantiles and medians are those of the times, and what is left out."""

import json

import numpy as np
import pytest

from echogan.study.analysis.analysis import analyse, as_json
from echogan.study.analysis.dwell import SHARES, dwell
from echogan.study.analysis.figures import dwell as figure
from echogan.study.analysis.simulation import FASTER, simulated_study
from echogan.study.analysis.tables import ARMS, study_tables

EVENT = [{"reader": "R0", "patient": "P0", "clip": "P0-1", "item": "added", "grade": 0}]


def times(seconds: np.ndarray, part: str = "single", arms: tuple[str, ...] = ARMS, kind: str = "main"):
    """Rows of times (arms, readers, patients); an arm a session, patients in their order."""
    return [
        {"reader": f"R{j}", "patient": f"P{k}", "clip": f"P{k}-1", "arm": arms[a], "part": part, "session": a + 1,
         "position": k, "kind": kind, "seconds": seconds[a, j, k]}
        for a, j, k in np.ndindex(*seconds.shape)
    ]  # fmt: skip


def found(rows):
    return dwell(study_tables([], [], EVENT, times=rows).times)


def test_the_ratio_is_that_of_the_times():
    rng = np.random.default_rng(0)
    original = np.exp(rng.normal(3, 0.4, (5, 20)))
    wobble = np.exp(rng.normal(0, 0.01, (5, 20)))
    result = found(times(np.stack([original, 0.8 * original * wobble])))
    assert result.ratio.value == pytest.approx(0.8, rel=0.01)
    assert result.ratio.low < result.ratio.value < result.ratio.high < 0.82
    assert result.median("original") == pytest.approx(np.median(original))
    assert result.quantiles["original"] == pytest.approx(np.quantile(original, SHARES))


def test_the_course_is_the_median_of_each_tenth():
    seconds = np.tile(np.arange(1.0, 21.0), (2, 1, 1))
    course = found(times(seconds)).course
    assert course == {"R0": [1.5 + 2 * tenth for tenth in range(10)]}
    assert found(times(seconds[..., :2])).course["R0"] == [1.0, *[None] * 4, 2.0, *[None] * 4]


def test_pairs_have_times_but_no_ratio_and_repeats_count_in_the_course_alone():
    pairs = found(times(np.full((1, 2, 3), 9.0), "pair", ("both",)))
    assert pairs.ratio.value is None
    assert "one picture" in pairs.ratio.note
    assert pairs.median("both") == 9
    rows = times(np.full((2, 2, 3), 9.0)) + times(np.full((2, 2, 3), 99.0), kind="repeat")
    assert found(rows).median("enhanced") == 9
    assert found(rows).course["R0"][0] == 54


def test_nothing_timed_is_nothing_shown_and_odd_times_are_no_nan():
    assert found([]) is None
    assert found(times(np.zeros((2, 2, 2)))) is None
    for seconds in (np.full((2, 1, 1), 5.0), np.full((2, 2, 2), 5.0), np.full((1, 2, 2), 5.0)):
        rows = times(seconds)
        assert "NaN" not in as_json(analyse(study_tables([], [], EVENT, times=rows)))
        figure(found(rows), False)


def test_the_demo_states_a_ratio_and_json_holds_it():
    study = simulated_study(readers=6, patients=20, clips=1, seed=1)
    result = dwell(study.times)
    assert result.ratio.low < FASTER < result.ratio.high
    assert json.dumps(result.course)
