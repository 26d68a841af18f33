"""Promises of a calibration on losses that are drawn."""

import numpy as np
import pytest

from echogan.calibration.calibrate import THRESHOLDS, Losses
from eval.hallucination.promises import SPLITS, at_thresholds, of_error, splits, value_at


def step(at):
    """All is missed above a threshold, and all is flagged up to it."""
    return Losses((at < THRESHOLDS).astype(float), (at >= THRESHOLDS).astype(float))


def test_a_loss_is_read_at_its_threshold():
    loss = np.arange(len(THRESHOLDS), dtype=float)
    assert value_at(loss, THRESHOLDS[7]) == 7
    assert value_at(loss, 1.0) == len(THRESHOLDS) - 1


def test_means_are_over_clips_and_misses_over_those_with_errors():
    found = [step(0.2), step(0.6), Losses(None, np.zeros(len(THRESHOLDS)))]
    amber = THRESHOLDS[np.searchsorted(THRESHOLDS, 0.4)]
    at = at_thresholds(found, amber, 0.9)
    assert (at["clips"], at["with_errors"]) == (3, 2)
    assert at["missed_at_amber"]["mean"] == pytest.approx(0.5)
    assert at["flagged_at_amber"]["mean"] == pytest.approx(1 / 3)
    assert at["flagged_at_red"]["mean"] == 0


def test_other_splits_keep_the_promise_on_average():
    rng = np.random.default_rng(0)
    pool = [
        Losses(step(0.5 + 0.4 * rng.random()).missed, step(0.01 * rng.random()).flagged) for _ in range(300)
    ]
    found = splits(pool, 200)
    assert len(found["missed_at_amber"]) == SPLITS
    assert np.mean(found["missed_at_amber"]) <= 0.11
    assert np.mean(found["flagged_at_red"]) <= 0.011


def test_one_kind_of_error_alone_counts_the_clips_that_have_it():
    both = Losses(
        step(0.5).missed, step(0.3).flagged, {"swapped": step(0.2).missed, "painted": step(0.9).missed}
    )
    painted_alone = Losses(step(0.9).missed, step(0.3).flagged, {"painted": step(0.9).missed})
    found = at_thresholds(of_error([both, painted_alone], "swapped"), 0.5, 0.8)
    assert (found["clips"], found["with_errors"]) == (2, 1)
    assert found["missed_at_amber"]["mean"] == 1
