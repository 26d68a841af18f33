"""Kept walls: less is removed where a wall is hidden, all else is as before, however the clip is cut into batches."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_checkpoint import Scale, checkpoint, clip_of, fan_sector, speckle

from echogan.clips.sector.find_sector import grey_levels
from echogan.core.grey_curve import AS_DISPLAYED, canonical_curve
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.enhance.keep_walls import KeptWalls, KeptWallsInOrder
from echogan.enhance.put_back import keep_walls
from echogan.model.checkpoints.checkpoint import DEFAULT
from echogan.model.checkpoints.hub import load_checkpoint
from echogan.model.networks.segmenter import Wall
from echogan.phantom.clip import PhantomSettings
from echogan.phantom.render import phantom_clip
from echogan.training.segmenter.data import wall_classes

CPU = torch.device("cpu")
FIRST_SEED = 1_997_500_000  # hearts that the walls' network was not trained on


def test_a_share_of_what_is_removed_comes_back_and_what_is_added_stays():
    x = np.zeros((1, 2, 2), np.float32)
    g = np.array([[[-0.4, -0.4], [0.4, 0.4]]], np.float32)
    kept = np.array([[[0.25, 0.0], [0.25, 1.0]]], np.float32)
    assert keep_walls(x, g, kept) == pytest.approx(np.array([[[-0.3, -0.4], [0.4, 0.4]]]))


@pytest.mark.parametrize(("count", "step"), [(11, 3), (9, 1), (7, 4), (1, 3), (3, 5)])
@pytest.mark.parametrize("batch", [1, 2, 4, 20])
def test_maps_between_two_frames_are_linear_whatever_the_batches(count: int, step: int, batch: int):
    asked: list[float] = []

    def look(frames: np.ndarray) -> np.ndarray:
        asked.extend(frames[:, 0, 0])
        return frames**2

    numbers = np.arange(count, dtype=np.float32)
    clip = np.broadcast_to(numbers[:, None, None], (count, 2, 3))
    in_order, maps = KeptWallsInOrder(look, step), []
    for start in range(0, count, batch):
        end, first = min(count, start + batch), max(0, start - step)
        maps.append(in_order(clip[first : end + step], first, range(start, end)))
    keys = numbers[::step]
    expected = np.interp(numbers, keys, keys**2)  # which holds the last value too
    assert np.concatenate(maps)[:, 1, 2] == pytest.approx(expected)
    assert sorted(asked) == keys.tolist()  # each once


def test_walls_in_drop_out_are_kept_and_cavities_and_shown_walls_hardly():
    of: dict[int, list[float]] = {kind: [] for kind in Wall}
    for seed in range(FIRST_SEED, FIRST_SEED + 6):
        clip = phantom_clip(seed, PhantomSettings(), 1, want=("degraded", "labels", "support"))
        frames, tissue = clip.degraded.numpy(), clip.sector_mask.numpy()
        x = 2 * frames.astype(np.float32) / 255 - 1
        kept = KeptWalls(0.8, tissue, canonical_curve(grey_levels(frames, tissue)), 1, CPU)(x)
        assert kept.shape == x.shape
        assert (kept[:, ~tissue] == 0).all()
        assert kept.min() >= 0
        assert kept.max() <= 0.8
        classes = wall_classes(clip.labels, clip.support)[0].numpy()
        for kind in Wall:
            of[kind] += kept[0][tissue & (classes == kind)].tolist()
    assert np.mean(of[Wall.HIDDEN]) > 4 * max(np.mean(of[kind]) for kind in Wall if kind != Wall.HIDDEN)


def test_a_fan_that_opens_upwards_is_seen_with_its_apex_above():
    rows, columns = np.mgrid[:96, :120]
    tissue = np.abs(columns - 60) < 6 + rows / 2
    x = (speckle(2).astype(np.float32) / 127.5 - 1) * tissue
    upright = KeptWalls(1.0, tissue, AS_DISPLAYED, 1, CPU)(x)
    turned = KeptWalls(1.0, tissue[::-1], AS_DISPLAYED, -1, CPU)(np.ascontiguousarray(x[:, ::-1]))
    assert np.array_equal(turned[:, ::-1], upright)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_enhancer_keeps_the_share_that_its_checkpoint_asks_for(batch_size: int):
    model = checkpoint(Scale(0.5))
    keeping = replace(model, config=replace(model.config, keep_walls=0.5))
    settings = EnhanceSettings(device="cpu", batch_size=batch_size)
    clip = clip_of(speckle(5))
    plain, less = (list(Enhancer(one, settings).stream(clip, fan_sector())) for one in (model, keeping))
    for before, after in zip(plain, less, strict=True):
        walls = after.prepared.walls
        expected = keep_walls(before.x, before.g, walls(before.x))
        assert np.abs(expected - before.g).max() > 1e-4  # some wall is suspected
        assert np.array_equal(after.g, expected)
        assert np.array_equal(after.cycled, after.to_low(after.g, after.x))
        assert np.array_equal(after.to_high(after.seen), after.g)


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_a_network_of_several_frames_has_its_walls_looked_for_as_far_apart_as_its_neighbours(batch_size: int):
    default = load_checkpoint(DEFAULT)
    models = [replace(default, config=replace(default.config, keep_walls=share)) for share in (0.0, 1.0)]
    settings = EnhanceSettings(device="cpu", backend="torch", batch_size=batch_size)
    clip = clip_of(speckle(8), fps=50)  # neighbours 60 ms away: 3 frames
    plain, less = (list(Enhancer(one, settings).stream(clip, fan_sector())) for one in models)
    x, g, found = (
        np.concatenate(parts)
        for parts in zip(*((a.x, a.g, b.g) for a, b in zip(plain, less, strict=True)), strict=True)
    )
    keys = less[0].prepared.walls(x[::3])
    share = np.array([0, 1 / 3, 2 / 3, 0, 1 / 3, 2 / 3, 0, 0], np.float32)[:, None, None]
    before, after = keys[[0, 0, 0, 1, 1, 1, 2, 2]], keys[[0, 1, 1, 1, 2, 2, 2, 2]]
    wanted = keep_walls(x, g, before + share * (after - before))
    assert np.abs(wanted - g).max() > 0.01
    assert found == pytest.approx(wanted, abs=1e-5)


def test_without_the_wish_nothing_is_looked_for():
    enhancer = Enhancer(checkpoint(Scale(0.5)), EnhanceSettings(device="cpu"))
    assert enhancer.prepare(clip_of(speckle(1)), fan_sector()).walls is None
