"""Intervals of means, ratios and shares, against known values."""

import numpy as np
import pytest

from eval.measures.intervals import interval, share_interval
from eval.measures.metrics import ratio_of_means


def test_each_patient_counts_once():
    found = interval([1.0, 3.0, 5.0, np.nan], ["ann", "ann", "bob", "cas"])
    assert (found["mean"], found["groups"]) == (3.5, 2)
    assert found["low"] <= found["mean"] <= found["high"]


def test_the_ratio_is_that_of_the_means():
    found = ratio_of_means(np.array([1.0, 3.0]), np.array([2.0, 2.0]))
    assert found["mean"] == 1.0
    assert (found["low"], found["high"]) == (0.5, 1.5)


def test_a_share_has_its_exact_interval():
    found = share_interval([False] * 60)
    assert (found["mean"], found["low"]) == (0, 0)
    assert found["high"] == pytest.approx(1 - 0.025 ** (1 / 60))
