"""The training of the trace network: its truth is what is drawn, and an example and its truth vary alike."""

import numpy as np
import torch

from echogan.clips.sector.trace import CHANNELS, SIDE
from eval.fans.hard_fans import HardFan
from eval.fans.trace_network import beat, example, objective, varied


def drawn() -> HardFan:
    """A thin bright line over an empty frame, the trace, and a thick bar, which is none."""
    trace = np.zeros((300, 600), bool)
    trace[200, 50:550] = True
    frame = np.where(trace, 200, 0).astype(np.uint8)
    frame[40:90, 100:300] = 200
    return HardFan(np.stack([frame, frame]), np.ones_like(trace), trace, "fan")


def test_the_truth_lies_where_the_maps_show_a_line():
    maps, truth = example(drawn(), np.random.default_rng(0))
    assert maps.shape == (CHANNELS, SIDE, SIDE)
    line = maps[1] > 0.8
    assert line[truth > 0].all()
    assert 0 < truth.sum() < 4 * SIDE
    bar = np.s_[85:98, 55:115]
    assert (maps[0][bar] > 0.9).all()
    assert (maps[1][bar] < 0.1).all()


def test_a_clip_without_a_trace_has_none_in_its_truth():
    hard = drawn()
    without = HardFan(hard.frames, hard.truth, None, hard.shape)
    assert not example(without, np.random.default_rng(0))[1].any()


def test_an_example_and_its_truth_vary_alike():
    maps, truth = example(drawn(), np.random.default_rng(0))
    given, truths = varied(np.stack([maps] * 20), np.stack([truth] * 20), np.random.default_rng(1))
    for one, where in zip(given, truths, strict=True):
        assert (one[1][where > 0] > 0.8).all()
        assert torch.equal(one[6].abs(), torch.from_numpy(maps[6]).abs())
    assert len(given[:, 0].amax((1, 2)).unique()) > 5, "the light varies"


def test_a_beat_is_the_same_in_every_frame_and_differs_from_clip_to_clip():
    phase = np.linspace(0, 1, 200)
    one = beat(np.random.default_rng(0))
    assert np.array_equal(one(phase), one(phase))
    assert not np.array_equal(one(phase), beat(np.random.default_rng(1))(phase))
    assert 0.5 < np.abs(one(phase)).max() < 1.5


def test_a_missed_stroke_costs_more_than_a_false_one():
    truth = torch.zeros(1, 32, 32)
    truth[:, 16] = 1
    right = 16 * truth - 8
    missed, false = right.clone(), right.clone()
    missed[:, 16, :8] = -8
    false[:, 3, :8] = 8
    costs = [objective(logits, truth, torch.zeros(1)).item() for logits in (right, false, missed)]
    assert costs == sorted(costs)
    assert costs[0] < 0.05
