"""Bang's index against counts by hand, its bounds, and studies in which it cannot be estimated."""

import numpy as np
import pytest

from echogan.study.analysis.blinding import blinding
from echogan.study.analysis.mrmc import mrmc_mean
from echogan.study.analysis.tables import ARMS, study_tables

EVENT = [{"reader": "R0", "patient": "P0", "clip": "P0-1", "item": "added", "grade": 0}]


def found(words: dict[str, np.ndarray]):
    """Guesses by arm: arrays (readers, patients) of o, e or - for "cannot assess"; None for no guess."""
    meaning = {"o": "original", "e": "enhanced", "-": ""}
    rows = [
        {"reader": f"R{j}", "patient": f"P{k}", "clip": f"P{k}-1", "arm": arm, "guess": meaning[table[j, k]]}
        for arm, table in words.items()
        for j, k in np.ndindex(*table.shape)
    ]
    return blinding(study_tables([], [], EVENT, rows).guesses)


def table(*lines: str) -> np.ndarray:
    return np.array([list(line) for line in lines])


def test_the_index_is_right_less_wrong_over_all():
    result = found({"original": table("ooe-", "oooe"), "enhanced": table("eoo-", "-eoe")})
    assert result["original"].index.value == pytest.approx((5 - 2) / 8)
    assert result["original"].guessed == {"original": 5, "enhanced": 2, "unsure": 1}
    assert result["enhanced"].index.value == pytest.approx((3 - 3) / 8)
    scores = np.array([[1, 1, -1, 0], [1, 1, 1, -1]], float)
    assert result["original"].index == mrmc_mean(scores)


def test_who_calls_everything_enhanced_is_not_unblinded():
    """The sum of the arms is 0, although each index is at an end of its range."""
    result = found({arm: table("eee", "eee") for arm in ARMS})
    assert [result[arm].index.value for arm in ARMS] == [-1, 1]
    assert result["enhanced"].index.low is None
    assert "guessed alike" in result["enhanced"].index.note


def test_random_guesses_have_an_interval_over_zero():
    rng = np.random.default_rng(4)
    outside = 0
    for _ in range(100):
        index = found({"enhanced": rng.choice(["o", "e"], (6, 10))})["enhanced"].index
        outside += not index.low <= 0 <= index.high
    assert outside <= 12  # five are expected


def test_an_arm_without_guesses_is_left_out():
    assert set(found({"original": table("o")})) == {"original"}
    assert found({}) == {}
