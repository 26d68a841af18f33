"""Batches are a function of seed and step; hearts are never shared."""

import itertools
import json
import multiprocessing
import os
import pickle
import signal
from dataclasses import replace

import pytest
import torch
from toy_clips import ToyClips

from echogan.phantom.anatomy.heart import VIEWS
from echogan.phantom.render import draw_view, phantom_clip
from echogan.training.config import TrainingConfig
from echogan.training.data import HELD_OUT_SEED, PhantomSource, Rounds, batches, render_bank, to_size

CONFIG = TrainingConfig(
    steps=10, size=64, batch_size=3, clips_per_round=2, frames_per_clip=2, steps_per_round=4, workers=0
)


def drawn(config=CONFIG, first=0, rank=0, world=1):
    return {step: batch for step, batch, _ in batches(config, ToyClips(), first, rank, world)}


def same(a, b):
    return all(torch.equal(getattr(a, n), getattr(b, n)) for n in ("low", "high", "low_mask", "high_mask"))


def test_starting_later_gives_the_same_batches():
    whole = drawn()
    assert list(whole) == list(range(10))
    for first in (3, 4, 9):
        rest = drawn(first=first)
        assert list(rest) == list(range(first, 10))
        assert all(same(rest[step], whole[step]) for step in rest)


def test_a_worker_gives_the_same_batches_and_outlives_signals_to_the_group():
    ahead = batches(replace(CONFIG, workers=1, steps=40), ToyClips(), 0)
    from_worker = dict([next(ahead)[:2]])
    (worker,) = multiprocessing.active_children()
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(worker.pid, number)
    from_worker |= {step: batch for step, batch, _ in ahead}
    whole = drawn(replace(CONFIG, steps=40))
    assert len(from_worker) == len(whole) == 40
    assert all(same(whole[step], from_worker[step]) for step in whole)


def test_another_seed_step_or_rank_gives_other_batches():
    whole, other = drawn(), drawn(replace(CONFIG, seed=1))
    assert not same(whole[0], other[0])
    assert not same(whole[0], whole[1])
    assert not same(drawn(rank=0, world=2)[0], drawn(rank=1, world=2)[0])


def test_the_global_random_state_is_left_alone():
    before = torch.get_rng_state()
    drawn()
    assert torch.equal(before, torch.get_rng_state())


def test_shapes_and_range():
    batch = drawn()[0]
    assert batch.low.shape == batch.high_mask.shape == (3, 1, 64, 64)
    assert batch.low.dtype == torch.float32
    assert batch.low.min() == -1
    assert batch.low.max() <= 1
    assert set(batch.low_mask.unique().tolist()) == {0, 1}
    assert (batch.low[batch.low_mask == 0] == -1).all()  # each frame came with its own mask


def test_no_heart_is_seen_twice_nor_held_out():
    seen = [
        set(Rounds(CONFIG, ToyClips(), rank, 2).seeds(index, side))
        for rank, index, side in itertools.product((0, 1), range(50), (0, 1))
    ]
    assert sum(map(len, seen)) == len(set().union(*seen)) == 2 * 50 * 2 * 2
    late = Rounds(TrainingConfig(seed=100_000, clips_per_round=10_000), ToyClips()).seeds(10**6, 1)
    assert max(late) < HELD_OUT_SEED


def test_poor_frames_are_degraded_and_good_ones_clean():
    low, high = Rounds(CONFIG, ToyClips())[0]
    clean, _ = ToyClips()(1, 2, ("clean",))
    poor, _ = ToyClips()(0, 2, ("degraded",))
    assert torch.equal(high.frames[0], clean["clean"])
    assert torch.equal(low.frames[0], poor["degraded"])


def test_smaller_frames_are_area_averages_and_masks_stay_inside():
    frame = torch.tensor([[[0, 100], [100, 200]]], dtype=torch.uint8).repeat_interleave(8, 1)
    frame = frame.repeat_interleave(8, 2)
    assert to_size(frame, 2).tolist() == [[[0, 100], [100, 200]]]
    mask = torch.zeros(16, 16, dtype=torch.bool)
    mask[:9] = True  # the ninth row is half of a small row
    assert to_size(mask, 8).sum(0).tolist() == [4] * 8


def test_phantom_clips_arrive_as_promised():
    bank = render_bank(PhantomSource(), [11], "degraded", 2, 64)
    assert bank.frames.shape == (1, 2, 64, 64)
    assert bank.frames.dtype == torch.uint8
    assert 0.1 < bank.masks.float().mean() < 0.9
    assert PhantomSource().facts()["phantom"]


def test_only_poor_clips_without_a_clean_twin_are_foreshortened():
    source = PhantomSource(foreshortened=1.0)
    poor, pair = source.settings(("degraded",)), source.settings(("clean", "degraded"))
    assert poor.heart.foreshortening_chance == 1.0
    assert pair.heart.foreshortening_chance == source.settings(("clean",)).heart.foreshortening_chance == 0.0
    apical = next(seed for seed in range(20) if draw_view(seed, poor) == "A4C")
    truth = phantom_clip(apical, poor, 1, want=("degraded",)).truth
    assert 0.12 <= truth["foreshortening"] <= 0.3
    assert phantom_clip(apical, pair, 1, want=("clean",)).truth["foreshortening"] == 0
    given, _ = source(apical, 1, ("degraded",))
    assert torch.equal(given["degraded"], phantom_clip(apical, poor, 1, want=("degraded",)).degraded)


def test_all_views_are_trained_on_and_told():
    facts = PhantomSource().facts()
    assert set(facts["views"]) == set(VIEWS)
    assert all(share > 0 for share in facts["views"].values())
    assert json.loads(json.dumps(facts)) == facts
    drawn = {draw_view(seed, PhantomSource().settings(("degraded",))) for seed in range(60)}
    assert drawn == set(VIEWS)


def test_the_source_crosses_to_a_worker():
    assert pickle.loads(pickle.dumps(PhantomSource("cpu", 0.5))) == PhantomSource("cpu", 0.5)


@pytest.mark.parametrize("frames", [1, 3])
def test_a_bank_draws_every_frame(frames):
    bank = render_bank(ToyClips(), [1, 2], "clean", frames, 64)
    drawn, _ = bank.draw(200, torch.Generator().manual_seed(0))
    assert len({tuple(x.flatten()[1000:1100].tolist()) for x in drawn}) == 2 * frames
