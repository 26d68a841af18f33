"""KID against its definition, and an extractor that follows from its seed."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from echogan.phantom.acoustics.scan_conversion import FrameSettings
from echogan.phantom.anatomy.heart import VIEWS
from echogan.phantom.clip import PhantomSettings
from echogan.phantom.render import phantom_pair
from eval.measures.kid import ExtractorSettings, extractor, kid, kid_interval, labelled

SMALL = ExtractorSettings(size=32, width=8, steps=2, clips=2, frames=1, batch_size=2)


def sample(shift: float, count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (count, 6))


def test_kid_is_the_unbiased_estimator_term_by_term():
    a, b = sample(0, 5, 0), sample(0.5, 7, 1)
    k = lambda x, y: (float(x @ y) / 6 + 1) ** 3  # noqa: E731
    within_a = [k(x, y) for i, x in enumerate(a) for j, y in enumerate(a) if i != j]
    within_b = [k(x, y) for i, x in enumerate(b) for j, y in enumerate(b) if i != j]
    between = [k(x, y) for x in a for y in b]
    expected = np.mean(within_a) + np.mean(within_b) - 2 * np.mean(between)
    assert kid(a, b) == pytest.approx(expected, rel=1e-12)


def test_kid_is_zero_on_average_for_one_distribution_and_grows_with_the_shift():
    same = [kid(sample(0, 50, 2 * s), sample(0, 50, 2 * s + 1)) for s in range(40)]
    assert abs(np.mean(same)) < 2 * np.std(same) / 40**0.5
    near, far = (kid(sample(shift, 50, 3), sample(0, 50, 4)) for shift in (0.5, 1.0))
    assert 0 < near < far


def test_the_interval_holds_the_value_and_is_repeatable():
    a, b = sample(0.7, 60, 5), sample(0, 60, 6)
    found = kid_interval(a[:, None], b[:, None])
    assert found["low"] < found["mean"] == kid(a, b) < found["high"]
    assert kid_interval(a[:, None], b[:, None]) == found


def test_frames_of_one_clip_do_not_narrow_the_interval():
    a, b = sample(0.7, 60, 5)[:, None], sample(0, 60, 6)[:, None]
    alone, again = kid_interval(a, b), kid_interval(np.tile(a, (1, 4, 1)), np.tile(b, (1, 4, 1)))
    spreads = [found["high"] - found["low"] for found in (again, alone)]
    assert spreads[0] == pytest.approx(spreads[1], rel=0.1)  # four copies add no information


def test_clips_are_labelled_by_look_and_view():
    settings = PhantomSettings(frame=FrameSettings(size=64))
    clips = [phantom_pair(seed, settings, frames=2, view=view) for seed, view in ((1, "A4C"), (2, "PLAX"))]
    frames, looks, views = labelled(clips, 32)
    assert frames.shape == (8, 1, 32, 32)
    assert looks.tolist() == [0, 0, 1, 1, 0, 0, 1, 1]
    assert [VIEWS[k] for k in views] == ["A4C"] * 4 + ["PLAX"] * 4
    shown = F.interpolate(clips[1].degraded[1].float()[None, None] / 127.5 - 1, (32, 32), mode="area")
    assert torch.allclose(frames[7], shown[0])


def test_the_extractor_follows_from_its_seed_and_is_saved(tmp_path):
    made = extractor(SMALL, tmp_path / "one", say=lambda _: None)
    again = extractor(SMALL, tmp_path / "two", say=lambda _: None)
    assert made.sha256 == again.sha256
    assert extractor(SMALL, tmp_path / "one", say=pytest.fail).sha256 == made.sha256
    other = extractor(replace(SMALL, seed=1), tmp_path / "one", say=lambda _: None)
    assert other.sha256 != made.sha256
    frames = np.random.default_rng(0).integers(0, 255, (3, 50, 40), np.uint8)
    features = made(frames)
    assert features.shape == (3, 64)
    assert np.allclose(made(frames[1:2]), features[1:2], atol=1e-6)
