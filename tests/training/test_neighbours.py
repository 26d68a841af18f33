"""Training with generators that see several frames: what is drawn, exact resume, and where a run may start."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from shard_folders import shard_folder
from toy_clips import ToyClips, toy_data
from toy_run import settings

from echogan.core.errors import TrainingError
from echogan.model.checkpoints.checkpoint import read_checkpoint, save_checkpoint
from echogan.model.checkpoints.checkpoint_config import CheckpointConfig
from echogan.model.networks.frames import centre
from echogan.model.networks.generators import GeneratorConfig, build_generators
from echogan.training.config import TrainingConfig
from echogan.training.data.frame_pool import render_pool
from echogan.training.data.loader import FEW_FRAMES, batches, open_data
from echogan.training.data.shards import open_shards
from echogan.training.data.sources import PhantomSource
from echogan.training.held_out import evaluate, preview, render_held_out
from echogan.training.run_folder import RunFolder
from echogan.training.state import TrainingState
from echogan.training.trainer import open_accelerator, train

SMALL = GeneratorConfig(channels=8, blocks=1)
FIVE = replace(SMALL, frames=5)


@pytest.fixture
def config(tmp_path) -> TrainingConfig:
    return replace(settings(str(tmp_path / "runs"), 4), generator=SMALL, learning_rate=2e-3)


def quiet(text: str) -> None:
    """Say nothing."""


def stopped_after(config: TrainingConfig, steps: int) -> Path:
    """A run that was asked to stop after so many steps."""
    stop = config.run_path / "stop"
    run = train(
        config, toy_data(), lambda text: stop.touch() if text.startswith(f"step {steps - 1}/") else None
    )
    assert RunFolder(run).load_state()[1]["step"] == steps
    return run


def levels(x: torch.Tensor) -> list:
    """The grey level of the first pixel of every frame."""
    return ((x[..., 0, 0] + 1) * 127.5).round().long().tolist()


def test_a_drawn_frame_has_its_own_clips_neighbours_by_time():
    pool = render_pool(ToyClips(), [1, 2, 3], 30, 64)
    clip, frame = (torch.arange(n) for n in pool.frames.shape[:2])
    numbers = (clip[:, None] * 40 + frame)[..., None, None].expand(pool.frames.shape).to(torch.uint8)
    pool = replace(pool, frames=numbers, frame_ms=torch.tensor([20.0, 40.0, 1000.0]))
    pool.lengths[1] = 10
    steps, lengths = [(-8, -3, 0, 3, 8), (-4, -2, 0, 2, 4), (0,) * 5], [30, 10, 30]
    drawn = pool.draw(200, torch.Generator().manual_seed(0), 5)
    for frames, stacks in ((drawn.frames, drawn.stack), (drawn.after, drawn.after_stack)):
        assert stacks is not None
        assert torch.equal(centre(stacks), frames)
        for (number,), seen in zip(levels(frames), levels(stacks), strict=True):
            which, place = divmod(number, 40)
            last = lengths[which] - 1
            assert seen == [which * 40 + min(max(place + step, 0), last) for step in steps[which]]
    assert pool.draw(4, torch.Generator(), 1).stack is None


def test_one_frame_runs_draw_as_ever():
    pool = render_pool(ToyClips("pair"), [1, 2], 5, 64)
    one, five = (pool.draw(9, torch.Generator().manual_seed(4), frames) for frames in (1, 5))
    for name in ("frames", "mask", "after", "labels", "truth"):
        torch.testing.assert_close(getattr(one, name), getattr(five, name), rtol=0, atol=0, equal_nan=True)


def test_a_batch_of_stacks_is_halved_with_its_frames():
    short = TrainingConfig(
        steps=2, size=64, batch_size=3, clips_per_round=2, frames_per_clip=6, steps_per_round=4, workers=0,
        generator=FIVE,
    )  # fmt: skip
    whole = next(batches(short, toy_data(), 0))[1]
    half = next(batches(replace(short, half_size_steps=1), toy_data(), 0))[1]
    for name in ("low", "high", "low_next"):
        stack, small = getattr(whole, f"{name}_stack"), getattr(half, f"{name}_stack")
        assert stack.shape == (3, 5, 64, 64)
        assert torch.equal(centre(stack), getattr(whole, name))
        assert torch.equal(centre(small), getattr(half, name))
        assert torch.equal(small, torch.nn.functional.avg_pool2d(stack, 2))
    one = next(batches(replace(short, generator=SMALL), toy_data(), 0))[1]
    assert one.low_stack is one.high_stack is one.low_next_stack is None
    assert torch.equal(one.low, whole.low)


def test_the_phantom_tells_its_frame_rate():
    clip = PhantomSource("degraded")(3, 2)
    assert 1000 / 60 <= clip.frame_ms <= 1000 / 25
    assert PhantomSource("degraded")(5, 2).frame_ms != clip.frame_ms


def test_a_shard_may_tell_how_long_its_frames_last(tmp_path):
    folder = shard_folder(tmp_path / "a", clips=2)
    assert open_shards(folder).clip(0, 2).frame_ms == 20.0
    path = folder / "shard_0000.npz"
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    other = shard_folder(tmp_path / "b", clips=2)
    np.savez(other / "shard_0000.npz", **arrays, frame_ms=np.array([33.0, np.nan] * len(arrays["frames"])))
    timed = open_shards(other)
    rows = {row: timed.clip(index, 2).frame_ms for index, (_, row) in enumerate(timed.rows)}
    assert {rows[row] for row in rows if row % 2 == 0} == {33.0}
    assert {rows[row] for row in rows if row % 2} <= {20.0}


class Neighbour(torch.nn.Module):
    """Shows the frame at +60 ms."""

    def forward(self, x):
        return x[:, 3:4]


def test_held_out_frames_come_with_their_neighbours():
    seven = TrainingConfig(size=64, frames_per_clip=7, held_out_clips=1, generator=FIVE)
    held_out = render_held_out(seven, ToyClips("pair"))
    alone = render_held_out(replace(seven, generator=SMALL), ToyClips("pair"))
    assert torch.equal(held_out.poor, alone.poor_seen)
    assert torch.equal(held_out.clean, alone.clean_seen)
    shown = preview(Neighbour(), torch.nn.Identity(), held_out)
    clip = ToyClips("pair")(10**9, 7)
    for at, frame in enumerate(
        (0, 3, 6)
    ):  # three frames spread over seven; 60 ms later are three frames of 20 ms
        assert np.array_equal(shown["poor"][at], clip.frames[frame].numpy())
        assert np.array_equal(shown["enhanced"][at], clip.frames[min(frame + 3, 6)].numpy())
        assert np.array_equal(shown["clean_enhanced"][at], clip.truth[min(frame + 3, 6)].numpy())
    assert evaluate(Neighbour(), held_out)["change_poor"] > 1


def test_a_stopped_run_of_several_frames_resumes_with_the_same_bits(config):
    several = replace(config, generator=FIVE, frames_per_clip=6)
    whole = train(replace(several, name="whole"), toy_data(), quiet)
    parts = stopped_after(replace(several, name="parts"), 2)
    train(replace(several, name="parts", resume=True), toy_data(), quiet)
    for file in ("state.safetensors", "checkpoint/model.safetensors"):
        first, second = (load_file(run / file) for run in (whole, parts))
        assert first.keys() == second.keys()
        assert [name for name in first if not torch.equal(first[name], second[name])] == []
    kept = read_checkpoint(whole / "checkpoint")
    assert kept.config.generator.frames == 5
    assert kept.to_low(torch.zeros(1, 1, 64, 64)).shape == (1, 1, 64, 64)


def test_a_run_of_several_frames_starts_from_one_of_one_frame(config):
    first = RunFolder(train(replace(config, name="first"), toy_data(), quiet))
    several = replace(config, generator=FIVE, seed=9)
    before = TrainingState(config, open_accelerator(config))
    before.start_from(first)
    state = TrainingState(several, open_accelerator(config))
    state.start_from(first)
    x = torch.rand(1, 5, 64, 64, generator=torch.Generator().manual_seed(0))
    for name in ("ema_high", "ema_low"):
        seen = x if name == "ema_high" else centre(x)
        torch.testing.assert_close(
            getattr(state, name)(seen), getattr(before, name)(centre(x)), atol=1e-5, rtol=0
        )
    torch.testing.assert_close(state.gan.to_high(x), before.gan.to_high(centre(x)), atol=1e-5, rtol=0)


def test_a_run_starts_from_a_checkpoint_where_its_discriminators_learn_first(config, tmp_path):
    nets = build_generators(SMALL)
    torch.nn.init.normal_(nets[0].heads.weight, 0, 0.3)
    save_checkpoint(tmp_path / "mine", CheckpointConfig("mine", SMALL, license="CC BY 4.0"), *nets)
    mine = read_checkpoint(tmp_path / "mine")
    from_it = replace(
        config, start_from=str(tmp_path / "mine"), generator=FIVE, steps=3, discriminators_first=2
    )
    with pytest.raises(TrainingError, match=r"no discriminators.*--discriminators-first"):
        train(replace(from_it, discriminators_first=0), toy_data(), quiet)
    with pytest.raises(TrainingError, match="built otherwise"):
        train(replace(from_it, generator=replace(FIVE, channels=4)), toy_data(), quiet)
    assert not config.run_path.exists()
    saved = RunFolder(stopped_after(from_it, 2))
    state = TrainingState(from_it, open_accelerator(config))
    state.restore(*saved.load_state())
    x = torch.rand(1, 5, 64, 64, generator=torch.Generator().manual_seed(0))
    for network in (state.gan.to_high, state.ema_high):
        torch.testing.assert_close(network(x), mine.to_high(centre(x)), atol=1e-5, rtol=0)
    torch.testing.assert_close(state.gan.to_low(centre(x)), mine.to_low(centre(x)))
    assert read_checkpoint(saved.checkpoint).config.license == "CC BY 4.0"


def test_a_bundled_checkpoint_is_found_by_its_name(config):
    from echogan.model.checkpoints.checkpoint import BUNDLED

    if not (BUNDLED / "echogan").exists():
        pytest.skip("installed without its checkpoints")
    bundled = read_checkpoint(BUNDLED / "echogan")
    run = replace(config, start_from="echogan", discriminators_first=1, steps=2, batch_size=1)
    with pytest.raises(TrainingError, match="built otherwise"):
        train(run, toy_data(), quiet)
    with pytest.raises(TrainingError, match=r"no saved run in echogan-nowhere, nor a checkpoint"):
        train(replace(run, start_from="echogan-nowhere"), toy_data(), quiet)
    train(replace(run, generator=bundled.config.generator), toy_data(), quiet)


def test_it_is_said_when_clips_are_too_short_for_neighbours():
    few = TrainingConfig(generator=FIVE)
    assert open_data(few).notes == (FEW_FRAMES,)
    assert not open_data(replace(few, frames_per_clip=24)).notes
