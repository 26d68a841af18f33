"""The two-sample test recognises a difference, and finds none where there is none."""

import cv2
import numpy as np
import pytest
import torch

from echogan.core.geometry import Fan
from eval.realism.data import Picture
from eval.realism.two_sample import (
    PATCH,
    Patches,
    PatchRules,
    TwoSampleResult,
    accuracy_interval,
    cut_patches,
    difference,
    match_histograms,
    two_sample,
)


def grain(count: int, sigma: float, seed: int) -> Patches:
    rng = np.random.default_rng(seed)
    white = rng.normal(size=(count, PATCH, PATCH)).astype(np.float32)
    blurred = np.stack([cv2.GaussianBlur(w, (0, 0), sigma) for w in white])
    return Patches(blurred, np.array([f"{seed}-{k // 4}" for k in range(count)]))


def result(first: list[float], second: list[float]) -> TwoSampleResult:
    sides = [{f"{name}{k}": v for k, v in enumerate(side)} for name, side in (("a", first), ("b", second))]
    return TwoSampleResult(sides[0], sides[1], (0.5,), (1, 1))


def test_coarser_speckle_is_recognised():
    assert two_sample(grain(80, 1.0, 0), grain(80, 1.5, 1), splits=1, steps=60).accuracy > 0.9


def test_the_same_speckle_is_not_recognised():
    found = two_sample(grain(80, 1.0, 2), grain(80, 1.0, 3), splits=1, steps=40)
    assert 0.3 < found.accuracy < 0.7
    assert found.patches == (80, 80)
    assert len(found.runs) == 2


def test_the_halves_share_no_patient():
    patches = grain(40, 1.0, 4)
    train, test = patches.halves(0)
    assert not set(train.group) & set(test.group)
    assert len(train.grey) + len(test.grey) == 40
    assert set(test.group) == set(patches.halves(0)[1].group)


def test_every_group_is_classified_by_networks_that_never_saw_it(monkeypatch):
    """A classifier that only recognises its training patches is right about none of the tested ones."""
    heard: list[set[float]] = []

    def learn(first, second, seed, steps):
        heard.append({float(patch.flatten()[0]) for patch in torch.cat([first, second])})
        return None

    def recall(classifier, patches):
        assert not heard[-1] & {float(patch.flatten()[0]) for patch in patches}
        return np.ones(len(patches))

    monkeypatch.setattr("eval.realism.two_sample.train_classifier", learn)
    monkeypatch.setattr("eval.realism.two_sample.logits_of", recall)
    first, second = grain(24, 1.0, 8), grain(32, 1.0, 9)
    found = two_sample(first, second, splits=3)
    assert len(heard) == len(found.runs) == 6
    assert found.first == dict.fromkeys(np.unique(first.group), pytest.approx(1))
    assert found.second == dict.fromkeys(np.unique(second.group), 0)


def test_the_split_depends_on_the_names_alone():
    patches = grain(40, 1.0, 4)
    again = Patches(patches.grey[::-1], patches.group[::-1])
    np.testing.assert_array_equal(patches.in_first_half(3), again.in_first_half(3)[::-1])
    assert (patches.in_first_half(3) != patches.in_first_half(4)).any()


def test_a_grey_curve_changes_nothing_but_crushed_blacks_stay_flat():
    greys = np.random.default_rng(5).permutation(PATCH * PATCH) / 16
    patch = greys.astype(np.float32).reshape(1, PATCH, PATCH)
    np.testing.assert_array_equal(match_histograms(patch), match_histograms(patch**1.5 + 7))
    crushed = match_histograms(np.maximum(patch, 100))
    assert (crushed == crushed.min()).mean() == pytest.approx((patch <= 100).mean())
    assert match_histograms(patch).mean() == pytest.approx(0, abs=1e-3)
    assert match_histograms(patch).std() == pytest.approx(1, abs=1e-2)


def test_patches_lie_inside_the_fan_and_show_tissue():
    fan = Fan((150, 0), -40, 40, 2, 290)
    probe = Picture(np.zeros((300, 301), np.float32), fan, "a")
    lit = Picture(np.where(probe.mask, 50, -1000).astype(np.float32), fan, "lit")
    cut = cut_patches([lit, probe], PatchRules(per_picture=7))
    assert cut.grey.shape == (7, PATCH, PATCH)
    assert cut.grey.min() == 50
    assert set(cut.group) == {"lit"}
    small = Picture(np.full((20, 20), 50, np.float32), Fan((10, 0), -30, 30, 1, 19), "small")
    assert len(cut_patches([small], PatchRules()).grey) == 0


def test_accuracy_gives_both_sources_equal_weight():
    assert result([1, 1, 1, 1], [0]).accuracy == 0.5
    assert accuracy_interval(result([1, 1], [1, 1])) == (1, 1)
    low, high = accuracy_interval(result([0, 1] * 50, [0, 1] * 50))
    assert (low, high) == pytest.approx((0.5 - 1.96 * 0.0354, 0.5 + 1.96 * 0.0354), abs=0.01)


def test_the_difference_pairs_the_real_patients():
    first = list(np.random.default_rng(6).uniform(0, 1, 40))
    ours, theirs = result(first, [0.6] * 20), result([v + 0.1 for v in first], [0.8] * 20)
    found = difference(ours, theirs)
    assert found["mean"] == pytest.approx(-0.15)
    assert (found["low"], found["high"]) == pytest.approx((-0.15, -0.15))  # every patient differs by the same
