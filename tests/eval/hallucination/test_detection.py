"""Detection measures against SciPy, plain loops and closed forms."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from eval.hallucination.detection import (
    auroc,
    average_precision,
    pixel_detection,
    region_detection,
    regions,
)


def counts(scores, wrong):
    """Counts of both classes for each distinct score, rising."""
    values = np.unique(scores)
    return tuple(np.array([(scores[side] == v).sum() for v in values]) for side in (wrong, ~wrong))


def drawn(ties):
    rng = np.random.default_rng(3)
    wrong = rng.random(400) < 0.2
    scores = rng.normal(size=400) + wrong
    return (np.round(scores, 1) if ties else scores), wrong


@pytest.mark.parametrize("ties", [False, True])
def test_auroc_is_that_of_the_mann_whitney_statistic(ties):
    scores, wrong = drawn(ties)
    statistic = mannwhitneyu(scores[wrong], scores[~wrong]).statistic
    assert auroc(*counts(scores, wrong)) == pytest.approx(statistic / (wrong.sum() * (~wrong).sum()))


@pytest.mark.parametrize("ties", [False, True])
def test_average_precision_is_the_sum_over_thresholds(ties):
    scores, wrong = drawn(ties)
    total, recall = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        flagged = scores >= threshold
        reached = (flagged & wrong).sum() / wrong.sum()
        total += (reached - recall) * (flagged & wrong).sum() / flagged.sum()
        recall = reached
    assert average_precision(*counts(scores, wrong)) == pytest.approx(total)


def frames(count=12, lift=0.0):
    """Noise with a square that is wrong in every second frame, brighter by `lift`."""
    rng, square = np.random.default_rng(1), np.zeros((64, 64), bool)
    square[20:30, 20:30] = True
    wrong = [square if k % 2 else np.zeros_like(square) for k in range(count)]
    scores = [rng.normal(size=(64, 64)) + lift * one for one in wrong]
    return scores, wrong, [~one for one in wrong], [k // 2 for k in range(count)]


def test_pixels_of_equal_scores_are_at_chance_and_of_separate_ones_perfect():
    chance = pixel_detection(*frames())
    assert chance["auroc"]["mean"] == pytest.approx(
        0.5, abs=0.036
    )  # three standard errors of 600 wrong pixels
    assert chance["auroc"]["low"] < chance["auroc"]["mean"] < chance["auroc"]["high"]
    assert chance["auprc"]["mean"] == pytest.approx(chance["base_rate"], rel=0.3)
    assert chance["base_rate"] == pytest.approx(100 / 4096 / 2)
    sure = pixel_detection(*frames(lift=20))
    assert sure["auroc"]["mean"] == pytest.approx(1, abs=0.001)


def test_the_bins_change_the_auroc_by_less_than_their_width():
    scores, wrong, faithful, groups = frames(lift=1)
    values, truth = np.concatenate([s.ravel() for s in scores]), np.concatenate([w.ravel() for w in wrong])
    exact = mannwhitneyu(values[truth], values[~truth]).statistic / (truth.sum() * (~truth).sum())
    assert pixel_detection(scores, wrong, faithful, groups)["auroc"]["mean"] == pytest.approx(exact, abs=1e-3)


def test_pixels_of_neither_class_do_not_count():
    scores, wrong, faithful, groups = frames(lift=1)
    other = np.zeros((64, 64), bool)
    other[:10] = True
    cut = [one & ~other for one in faithful]
    changed = [np.where(other, 99.0, score) for score in scores]
    assert pixel_detection(changed, wrong, cut, groups) == pixel_detection(scores, wrong, cut, groups)


def test_nothing_wrong_is_nothing_to_detect():
    scores, _, faithful, groups = frames()
    none = [np.zeros((64, 64), bool)] * len(scores)
    assert pixel_detection(scores, none, faithful, groups) is None
    assert region_detection(scores, none, faithful, groups) is None


def test_a_region_is_found_where_half_of_it_passes_the_threshold_of_the_faithful():
    # Half of a normal distribution lies above its mean, so the square is found as its mean passes the threshold.
    below, above = (region_detection(*frames(lift=lift)) for lift in (0.8, 2.0))  # 95 %: 1.64, 99 %: 2.33
    assert below["regions"] == above["regions"] == 6
    assert below["found_at_5%"]["mean"] == 0
    assert above["found_at_5%"]["mean"] == 1
    assert above["found_at_1%"]["mean"] == 0
    assert region_detection(*frames(lift=3.5))["found_at_1%"]["mean"] == 1


def test_regions_are_connected_and_not_specks():
    mask = np.zeros((64, 64), bool)
    mask[5:9, 5:9] = mask[9:13, 9:13] = True  # they touch at a corner
    mask[30:36, 30:36] = True
    mask[50, 50] = True
    assert sorted(part.sum() for part in regions(mask)) == [32, 36]
