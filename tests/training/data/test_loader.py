"""Batches are a function of seed and step; hearts are never shared."""

import itertools
import multiprocessing
import os
import signal
from dataclasses import asdict, replace

import pytest
import torch
from shard_folders import shard_folder
from toy_clips import ToyClips, toy_data

from echogan.core.errors import TrainingError
from echogan.model.losses.contrast_losses import LESION, SURROUNDINGS
from echogan.phantom.artefacts.vendor_look import VendorLookSettings
from echogan.phantom.render import Phantom, draw_view
from echogan.training.config import TrainingConfig, check_same
from echogan.training.data.loader import HELD_OUT_SEED, Rounds, batches, open_data

CONFIG = TrainingConfig(
    steps=10, size=64, batch_size=3, clips_per_round=2, frames_per_clip=2, steps_per_round=4, workers=0
)


def drawn(config=CONFIG, first=0, rank=0, world=1):
    return {step: batch for step, batch, _ in batches(config, toy_data(), first, rank, world)}


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
    ahead = batches(replace(CONFIG, workers=1, steps=40), toy_data(), 0)
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
        set(Rounds(CONFIG, toy_data(), rank, 2).seeds(index, side))
        for rank, index, side in itertools.product((0, 1), range(50), (0, 1))
    ]
    assert sum(map(len, seen)) == len(set().union(*seen)) == 2 * 50 * 2 * 2
    late = Rounds(TrainingConfig(seed=100_000, clips_per_round=10_000), toy_data()).seeds(10**6, 1)
    assert max(late) < HELD_OUT_SEED


def test_poor_frames_are_degraded_and_good_ones_clean():
    low, high = Rounds(CONFIG, toy_data())[0]
    assert torch.equal(high.frames[0], ToyClips("clear")(1, 2).frames)
    assert torch.equal(low.frames[0], ToyClips("degraded")(0, 2).frames)


def test_the_first_steps_see_the_whole_frame_at_half_size():
    config = replace(CONFIG, half_size_steps=4)
    whole, drawn_ = drawn(), drawn(config)
    assert drawn_[3].low.shape == (3, 1, 32, 32)
    assert drawn_[3].low_next.shape == drawn_[3].high_mask.shape == (3, 1, 32, 32)
    torch.testing.assert_close(drawn_[3].low[0, 0, 10, 12], whole[3].low[0, 0, 20:22, 24:26].mean())
    assert (drawn_[3].low[drawn_[3].low_mask == 0] == -1).float().mean() > 0.8  # only the rim is mixed
    assert set(drawn_[3].low_mask.unique().tolist()) == {0, 1}
    assert same(drawn_[4], whole[4])


def test_ordinary_clips_come_as_often_as_their_share():
    data = open_data(replace(CONFIG, ordinary_share=0.25))
    parts = data.facts()["high"]["mixture"]
    assert [(part["look"], part["share"]) for part in parts] == [
        ("the best windows", 0.75),
        ("ordinary windows", 0.25),
    ]
    assert "mixture" not in open_data(CONFIG).facts()["high"]


def test_both_domains_are_shown_with_the_dark_level_and_the_blacks_asked_for():
    data = open_data(replace(CONFIG, dark_level=0.1, reject_share=0.6, reject=0.3))
    for source in (data.low, data.high, data.held_out):
        assert source.dark_level == 0.1
        assert (source.looks.reject_chance, source.looks.reject) == (0.6, (0.0, 0.3))
    assert open_data(CONFIG).low.looks == VendorLookSettings()


@pytest.mark.parametrize(("high", "wanted"), [(-1.0, 0.4), (0.0, 0.0), (0.9, 0.9)])
def test_each_domain_is_told_its_own_share_of_lesions(high, wanted):
    data = open_data(replace(CONFIG, lesion_share=0.4, lesion_share_high=high, ordinary_share=0.5))
    assert data.facts()["low"]["lesions"] == 0.4
    assert [part["lesions"] for part in data.facts()["high"]["mixture"]] == [wanted, wanted]


@pytest.mark.parametrize("shares", [(1.0, 0.0), (0.0, 1.0)])
def test_clips_have_lesions_in_the_domain_that_asks_for_them(shares):
    low, high = shares
    data = open_data(replace(CONFIG, lesion_share=low, lesion_share_high=high))
    for source, share in zip((data.low, data.high), shares, strict=True):
        settings = source.source.settings()
        drawn = [Phantom(draw_view(seed, settings), seed, settings, 1).lesion for seed in range(4)]
        assert sum(lesion is not None for lesion in drawn) == 4 * share


def test_pairs_say_where_their_lesion_is_only_if_a_term_asks():
    weights = replace(CONFIG.loss, paired=1.0)
    plain = open_data(replace(CONFIG, loss=weights, lesion_share=1.0)).low(0, 1)
    asked = open_data(replace(CONFIG, loss=replace(weights, lesion=1.0), lesion_share=1.0)).low(0, 1)
    assert plain.lesions is None
    assert asked.lesions.shape == asked.frames.shape
    assert set(asked.lesions.unique().tolist()) == {0, LESION, SURROUNDINGS}
    assert torch.equal(plain.frames, asked.frames)


def test_at_half_size_a_lesion_stays_in_its_place():
    config = replace(CONFIG, half_size_steps=4, lesion_share=1.0, loss=replace(CONFIG.loss, lesion=1.0))
    _, halved, _ = next(iter(batches(config, open_data(config), 0)))
    _, whole, _ = next(iter(batches(replace(config, half_size_steps=0), open_data(config), 0)))
    assert torch.equal(halved.low_lesions, whole.low_lesions[..., ::2, ::2])


def test_a_run_begun_without_a_share_for_good_clips_goes_on_as_it_was():
    config = replace(CONFIG, lesion_share=0.3)
    before = asdict(config)
    del before["lesion_share_high"]
    check_same(config, before)
    data, same = open_data(config), open_data(replace(config, lesion_share_high=0.3))
    assert repr(data) == repr(same)
    with pytest.raises(TrainingError, match="lesion_share_high"):
        check_same(replace(config, lesion_share_high=0.0), before)


def test_a_damaged_shard_is_told_in_its_own_sentence_from_a_worker_too(tmp_path):
    high = shard_folder(tmp_path / "high", clips=4)
    config = replace(CONFIG, high=str(high), phantom_share=0.5, workers=1, steps=4)
    data = open_data(config)
    (high / "shard_0000.npz").write_bytes(b"cut off")
    with pytest.raises(TrainingError) as caught:
        next(batches(config, data, 0))
    assert str(caught.value).endswith("is missing or damaged. Run python -m echogan curate again.")
    assert "Traceback" not in str(caught.value)


def test_it_is_said_when_simulated_hearts_choose_for_recorded_clips(tmp_path):
    without = replace(CONFIG, high=str(shard_folder(tmp_path / "a")), phantom_share=0.5)
    assert "simulated hearts alone choose" in open_data(without).notes[0]
    kept = replace(without, high=str(shard_folder(tmp_path / "b", splits=("train", "val"))))
    assert not open_data(kept).notes
    assert not open_data(CONFIG).notes
