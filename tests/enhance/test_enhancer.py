"""The enhancer: the overlay contract, strength, batches, cancelling, settings."""

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_checkpoint import Scale, checkpoint, clip_of, fan_sector, speckle, whole_sector

from echogan.core.errors import Cancelled, SectorError, SettingsError
from echogan.core.geometry import Sector
from echogan.core.grey_curve import REFERENCE, GreyCurve, canonical_curve
from echogan.enhance import enhancer as module
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.enhance.put_back import amplified, keep_black, more_removed
from echogan.enhance.working_space import WorkingSpace
from echogan.model.networks.generators import GeneratorConfig, build_generator

torch.set_num_threads(1)


def enhance(frames, sector, model, **settings):
    chunks = list(Enhancer(model, EnhanceSettings(device="cpu", **settings)).stream(clip_of(frames), sector))
    return np.concatenate([chunk.enhanced for chunk in chunks]), chunks


@pytest.fixture(scope="module")
def network():
    """A small real generator with large random heads: it changes every pixel, the black corners too."""
    torch.manual_seed(3)
    generator = build_generator(GeneratorConfig(channels=8, blocks=1))
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter, 0, 0.2)
    return checkpoint(generator, generator)


@pytest.mark.parametrize("color", [False, True])
def test_nothing_changes_outside_the_tissue(network, color: bool):
    frames, sector = speckle(5), fan_sector()
    if color:
        frames = np.stack([frames, frames, np.roll(frames, 9, axis=1)], axis=-1)
    enhanced, _ = enhance(frames, sector, network, batch_size=2)
    assert enhanced.shape == frames.shape
    assert enhanced.dtype == np.uint8
    np.testing.assert_array_equal(enhanced[:, ~sector.tissue_mask], frames[:, ~sector.tissue_mask])
    assert np.abs(enhanced.astype(int) - frames)[:, sector.tissue_mask].mean() > 5


def test_outside_the_sector_the_working_space_keeps_its_input(network):
    _, chunks = enhance(speckle(2), fan_sector(), network)
    mask = WorkingSpace(fan_sector(), 256).mask
    np.testing.assert_array_equal(chunks[0].g[:, ~mask], chunks[0].x[:, ~mask])
    np.testing.assert_array_equal(chunks[0].cycled[:, ~mask], chunks[0].x[:, ~mask])
    assert np.abs(chunks[0].g).max() <= 1


def canonical(network):
    """The same generators, said to expect the canonical grey curve."""
    return replace(network, config=replace(network.config, canonical_grey=True))


def test_a_clip_upside_down_is_enhanced_as_the_upright_one(network):
    """The generators know fans with the apex above; what they make is turned back."""
    frames, sector = speckle(3), fan_sector()
    assert sector.fan is not None
    masks = np.ascontiguousarray(sector.tissue_mask[::-1]), np.ascontiguousarray(sector.overlay_mask[::-1])
    turned = Sector("fan", *masks, 0.95, sector.fan.upside_down(frames.shape[1]))
    upright, chunks = enhance(frames, sector, network)
    below, chunks_below = enhance(np.ascontiguousarray(frames[:, ::-1]), turned, network)
    assert np.abs(below[:, ::-1].astype(int) - upright).max() <= 1  # resampling rounds
    for name in ("x", "g", "cycled"):
        a, b = getattr(chunks[0], name), getattr(chunks_below[0], name)
        np.testing.assert_allclose(b[:, ::-1], a, atol=0.02)
    assert np.abs(upright.astype(int) - frames).mean() > 3


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_generators_see_the_canonical_curve_and_the_result_is_shown_on_the_clips_own(power):
    frames, sector = speckle(6), fan_sector()
    dark = np.rint(255 * (frames / 255) ** power).astype(np.uint8)
    space, seen = WorkingSpace(sector, 256), []

    class Watched(Scale):
        def forward(self, x):
            seen.append(space.unpad(x)[:, 0].numpy())
            return super().forward(x)

    enhanced, chunks = enhance(dark, sector, canonical(checkpoint(Watched(1.0))))
    np.testing.assert_array_equal(enhanced, dark)  # the identity there is the identity here
    assert np.median(seen[0][:, space.tissue]) / 2 + 0.5 == pytest.approx(REFERENCE, abs=0.02)
    displayed = np.median(dark[:, sector.tissue_mask]) / 255
    assert np.median(chunks[0].x[:, space.tissue]) / 2 + 0.5 == pytest.approx(displayed, abs=0.02)


def test_the_curve_is_off_by_a_switch_and_for_checkpoints_from_before_it(network):
    clip, sector = clip_of(speckle(3)), fan_sector()
    off = (GreyCurve(), GreyCurve())
    assert Enhancer(network, EnhanceSettings(device="cpu")).curves(clip, sector) == off
    new = canonical(network)
    assert GreyCurve() not in Enhancer(new, EnhanceSettings(device="cpu")).curves(clip, sector)
    assert Enhancer(new, EnhanceSettings(device="cpu", grey_curve=False)).curves(clip, sector) == off


def test_the_levels_that_the_sector_noted_make_the_curve(network):
    clip, sector = clip_of(speckle(3)), replace(fan_sector(), levels=tuple(float(x) for x in range(101)))
    found = Enhancer(canonical(network), EnhanceSettings(device="cpu")).curves(clip, sector)
    assert found == (canonical_curve(sector.levels),) * 2


def test_black_tissue_is_lifted_for_the_generators_alone_where_the_checkpoint_asks_for_it(network):
    clip, sector = clip_of(speckle(3)), replace(fan_sector(), levels=(0.0,) * 30 + tuple(range(71)))
    asking = canonical(network)
    asking = replace(asking, config=replace(asking.config, dark_level=0.1))
    curve, plain = Enhancer(asking, EnhanceSettings(device="cpu")).curves(clip, sector)
    assert (curve, plain) == (canonical_curve(sector.levels, 0.1), canonical_curve(sector.levels))
    assert (curve.lift, plain.lift) == (0.1, 0.0)


def test_what_a_lifted_network_leaves_alone_comes_back_as_it_was():
    bright = speckle(4)
    frames = np.where(bright < np.median(bright), 0, bright).astype(np.uint8)  # faint echoes shown as black
    asking = canonical(checkpoint(Scale(1.0)))
    asking = replace(asking, config=replace(asking.config, dark_level=0.1))
    enhanced, chunks = enhance(frames, fan_sector(), asking)
    assert chunks[0].prepared.curve.lift > 0.05
    np.testing.assert_array_equal(enhanced, frames)


@pytest.mark.parametrize("tint", [(0, 0, 0), (30, 0, -30), (3, -2, 5)])
def test_strength_zero_is_the_identity(network, tint):
    frames = np.clip(speckle(3)[..., None].astype(int) + tint, 0, 255).astype(np.uint8)
    enhanced, _ = enhance(frames, fan_sector(), network, strength=0.0)
    np.testing.assert_array_equal(enhanced, frames)


def test_half_strength_is_half_the_change():
    # to_high adds 0.4 of the range [-1, 1], 51 grey levels, everywhere: nothing to clip, nothing to resample.
    frames, sector = speckle(3) // 2, whole_sector(96, 120)
    full, _ = enhance(frames, sector, checkpoint(Scale(1, 0.4)))
    half, _ = enhance(frames, sector, checkpoint(Scale(1, 0.4)), strength=0.5)
    np.testing.assert_array_equal(full, frames + 51)
    assert set(np.unique(half.astype(int) - frames)) <= {25, 26}


def test_a_change_reaches_the_rim_of_the_fan_undiminished():
    frames, sector = np.full((1, 96, 120), 100, np.uint8), fan_sector()
    enhanced, _ = enhance(frames, sector, checkpoint(Scale(1, 0.4)))
    assert (enhanced[0][sector.tissue_mask] == 151).mean() > 0.995


@pytest.mark.parametrize("size", [(480, 640), (96, 120)])
def test_native_detail_is_kept_by_a_smooth_change(size):
    frames = speckle(1, *size) // 2
    enhanced, _ = enhance(frames, whole_sector(*size), checkpoint(Scale(1, 0.2)), working_size=64)
    np.testing.assert_allclose(enhanced, frames + 25.5, atol=0.51)


def test_a_batch_of_large_frames_is_smaller(network, monkeypatch):
    monkeypatch.setattr(module, "BATCH_PIXELS", 3 * 96 * 120)
    _, chunks = enhance(speckle(5), fan_sector(), network, batch_size=4)
    assert [len(chunk.enhanced) for chunk in chunks] == [3, 2]
    monkeypatch.setattr(module, "BATCH_PIXELS", 1)
    _, chunks = enhance(speckle(2), fan_sector(), network, batch_size=4)
    assert [len(chunk.enhanced) for chunk in chunks] == [1, 1]


def test_batch_size_does_not_matter(network):
    frames, sector = speckle(7), fan_sector()
    one, chunks = enhance(frames, sector, network, batch_size=1)
    many, _ = enhance(frames, sector, network, batch_size=5)
    assert [chunk.start for chunk in chunks] == list(range(7))
    assert np.abs(one.astype(int) - many).max() <= 1


def test_same_input_same_output(network):
    frames, sector = speckle(3), fan_sector()
    first, second = (enhance(frames, sector, network)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_progress_counts_frames(network):
    counted = []
    enhancer = Enhancer(network, EnhanceSettings(device="cpu", batch_size=3))
    list(enhancer.stream(clip_of(speckle(7)), fan_sector(), lambda *now: counted.append(now)))
    assert counted == [(3, 7), (6, 7), (7, 7)]


def test_cancel_stops_before_the_next_batch(network):
    cancel = threading.Event()
    enhancer = Enhancer(network, EnhanceSettings(device="cpu", batch_size=2))
    chunks = enhancer.stream(clip_of(speckle(6)), fan_sector(), cancel=cancel)
    assert next(chunks).start == 0
    cancel.set()
    with pytest.raises(Cancelled):
        next(chunks)


def test_frames_are_decoded_as_they_are_needed(network):
    taken = []
    frames = speckle(9)
    clip = clip_of(frames)
    object.__setattr__(clip, "decode", lambda: (taken.append(i) or frame for i, frame in enumerate(frames)))
    next(Enhancer(network, EnhanceSettings(device="cpu", batch_size=2)).stream(clip, fan_sector()))
    assert taken == [0, 1]


@pytest.mark.parametrize(
    "setting",
    [
        {"strength": 1.1},
        {"strength": -0.1},
        {"strength": float("nan")},
        {"batch_size": 0},
        {"working_size": 8},
    ],
)
def test_a_setting_out_of_range_is_refused(network, setting):
    with pytest.raises(SettingsError, match=rf"{next(iter(setting))} is .*; give a (whole )?number from"):
        Enhancer(network, EnhanceSettings(**setting))


def test_a_sector_that_does_not_fit_is_refused(network):
    enhancer = Enhancer(network, EnhanceSettings(device="cpu"))
    with pytest.raises(SectorError, match="120 x 96"):
        enhancer.stream(clip_of(speckle(1, 50, 50)), fan_sector())


def test_the_checkpoint_stays_where_it_is_and_is_not_trained(network):
    before = [parameter.clone() for parameter in network.to_high.parameters()]
    enhance(speckle(1), fan_sector(), network)
    for old, new in zip(before, network.to_high.parameters(), strict=True):
        assert torch.equal(old, new)
        assert new.grad is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA: equality with the CPU not measured")
def test_cuda_equals_cpu(network):
    frames, sector = speckle(4), fan_sector()
    here, _ = enhance(frames, sector, network)
    model = Enhancer(network, EnhanceSettings(device="cuda"))
    began = time.perf_counter()
    there = np.concatenate([chunk.enhanced for chunk in model.stream(clip_of(frames), sector)])
    print(f"{len(frames) / (time.perf_counter() - began):.1f} frames per second on CUDA")
    assert np.abs(here.astype(int) - there).max() <= 2


def test_a_checkpoints_gain_multiplies_its_change():
    rng = np.random.default_rng(0)
    x, g = rng.uniform(-1, 1, (2, 2, 8, 8)).astype(np.float32)
    assert amplified(x, g, 1.0) is g
    twice = amplified(x, g, 2.0)
    inside = np.abs(x + 2 * (g - x)) < 1
    assert np.allclose((twice - x)[inside], 2 * (g - x)[inside], atol=1e-6)
    assert np.abs(twice).max() <= 1


def test_the_enhancer_applies_the_gain_of_its_checkpoint():
    model = checkpoint(Scale(0.9))
    stronger = replace(model, config=replace(model.config, gain=1.5))
    once, more = (enhance(speckle(3), fan_sector(), one)[1][0] for one in (model, stronger))
    assert np.abs(once.g - once.x).max() > 0.01
    assert np.allclose(more.g - more.x, 1.5 * (once.g - once.x), atol=1e-5)


def test_the_enhancer_removes_more_haze_where_its_checkpoint_asks_for_it():
    model = checkpoint(Scale(0.5))
    asking = replace(model, config=replace(model.config, haze_gain=0.5))
    once, more = (enhance(speckle(3), fan_sector(), one)[1][0] for one in (model, asking))
    levels = more.prepared.levels
    wanted = keep_black(once.x, more_removed(once.x, once.g, 0.5, levels), levels.black)
    assert np.abs(wanted - once.g).max() > 0.01
    assert np.allclose(more.g, wanted, atol=1e-6)
