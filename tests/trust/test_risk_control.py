"""Conformal risk control: the formula by hand, and the promise on fresh clips of the same kind."""

import numpy as np
import pytest

from echogan.trust.risk_control import bounded_risk, flag_threshold, miss_threshold

GRID = np.linspace(0, 1, 101)


def missed_below(scores):
    return (scores[:, None, :] < GRID[:, None]).mean(-1)


def flagged_from(scores):
    return (scores[:, None, :] >= GRID[:, None]).mean(-1)


def test_the_bound_adds_one_clip_on_which_all_is_lost():
    assert bounded_risk(np.array([[0.0, 0.5], [0.0, 0.1], [0.0, 0.0]])) == pytest.approx([1 / 4, 1.6 / 4])


def test_the_highest_threshold_that_keeps_the_misses_and_the_lowest_that_keeps_the_flags():
    losses = np.tile([0.0, 0.05, 0.2, 0.9], (99, 1))
    grid = np.array([0.0, 0.3, 0.6, 0.9])
    assert miss_threshold(losses, grid, 0.10) == 0.3  # (99 x 0.05 + 1) / 100 = 0.0595
    assert miss_threshold(losses, grid, 0.05) == 0.0
    assert flag_threshold(losses[:, ::-1], grid, 0.10) == 0.6
    assert flag_threshold(losses[:, ::-1], grid, 0.005) is None


def test_few_clips_promise_nothing():
    perfect = np.zeros((8, 3))
    assert miss_threshold(perfect, np.array([0.1, 0.5, 0.9]), 0.1) is None  # 1 / 9 > 0.1
    assert miss_threshold(np.zeros((9, 3)), np.array([0.1, 0.5, 0.9]), 0.1) == 0.9


@pytest.mark.parametrize(("find", "loss"), [(miss_threshold, missed_below), (flag_threshold, flagged_from)])
def test_fresh_clips_lose_no_more_than_promised_on_average(find, loss):
    rng, alpha, lost = np.random.default_rng(4), 0.1, []
    for _ in range(300):
        # Each clip has its own level, so its pixels are far from independent.
        scores = np.clip(rng.normal(0.5, 0.2, (80, 1)) + rng.normal(0, 0.1, (80, 40)), 0, 1)
        threshold = find(loss(scores[:60]), GRID, alpha)
        lost.append(loss(scores[60:])[:, np.searchsorted(GRID, threshold)].mean())
    assert np.mean(lost) <= alpha + 2 * np.std(lost) / len(lost) ** 0.5
    assert np.mean(lost) >= 0.6 * alpha  # it is no more careful than it must be
