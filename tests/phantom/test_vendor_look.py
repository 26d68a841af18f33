"""Vendor looks against closed forms: the curve, the filters, persistence, levels; and a pair stays a pair."""

import json
import math
from dataclasses import fields, replace

import pytest
import torch

from echogan.core.errors import EchoGANError
from echogan.phantom.artefacts.vendor_look import (
    VendorLook,
    VendorLookSettings,
    draw_look,
    grey_curve,
    show,
)
from echogan.phantom.draw import Draw

SETTINGS = VendorLookSettings()
PARTS = [f.name.removesuffix("_chance") for f in fields(SETTINGS) if f.name.endswith("_chance")]
TOLD_BY = {name: f"{name}_db" if name == "dynamic_range" else name for name in PARTS} | {
    "resampling": "resampling_px"
}


def only(*names: str) -> VendorLookSettings:
    return replace(SETTINGS, **{f"{name}_chance": float(name in names) for name in PARTS})


@pytest.fixture(scope="module")
def mask() -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(96), torch.arange(120), indexing="ij")
    return (x - 60).abs() < 0.7 * y


@pytest.fixture(scope="module")
def clip(mask) -> torch.Tensor:
    noise = torch.randint(0, 256, (4, 96, 120), generator=torch.Generator().manual_seed(0))
    return (noise * mask).to(torch.uint8)


def test_every_setting_says_what_it_is_and_starts_within_its_limits():
    for setting in fields(VendorLookSettings):
        assert setting.metadata["help"]
        value = getattr(SETTINGS, setting.name)
        low, high = value if isinstance(value, tuple) else (value, value)
        assert setting.metadata["min"] <= low <= high <= setting.metadata["max"], setting.name


@pytest.mark.parametrize("name", PARTS)
def test_each_part_has_a_switch_and_keeps_its_strength_in_company(name):
    alone, everything = draw_look(Draw(3), only(name)), draw_look(Draw(3), only(*PARTS))
    told = {part for part in PARTS if getattr(alone, TOLD_BY[part]) is not None}
    assert told == {name}
    assert getattr(alone, TOLD_BY[name]) == getattr(everything, TOLD_BY[name])


def test_draws_keep_to_the_ranges_and_reach_both_ends():
    looks = [draw_look(Draw(seed), only(*PARTS)) for seed in range(300)]
    for name in PARTS:
        low, high = getattr(SETTINGS, TOLD_BY[name])
        values = [getattr(look, TOLD_BY[name]) for look in looks]
        assert low <= min(values) < low + 0.1 * (high - low), name
        assert high - 0.1 * (high - low) < max(values) <= high, name
    # Evenly in the logarithm: half of all powers lie below 1.
    assert sum((look.power or 0) < 1 for look in looks) / 300 == pytest.approx(0.5, abs=0.1)


def test_a_look_is_plain_json():
    look = draw_look(Draw(5), only(*PARTS))
    assert VendorLook(**json.loads(json.dumps(look.to_json()))) == look


def test_no_look_changes_nothing(clip, mask):
    assert torch.equal(show(clip, mask, VendorLook()), clip)


@pytest.mark.parametrize("power", [0.5, 1.7])
def test_power_is_a_power(clip, mask, power):
    expected = 255 * (clip.double() / 255) ** power
    assert (show(clip, mask, VendorLook(power=power)).double() - expected).abs().max() <= 0.51


def test_a_narrower_range_is_steeper_and_a_wider_one_flatter():
    step = 1 / 255
    for wide in (40.0, 60.0, 90.0):
        curve = grey_curve(VendorLook(dynamic_range_db=wide)).double()
        assert (curve[150] - curve[120]).item() == pytest.approx(30 * step * 60 / wide, abs=1e-5)
        assert (curve[127] + curve[128]).item() == pytest.approx(1, abs=1e-5)
    same = grey_curve(VendorLook(dynamic_range_db=60.0))
    assert torch.allclose(same, torch.linspace(0, 1, 256), atol=1e-6)


def test_reject_blackens_what_is_faint_and_keeps_white():
    curve = grey_curve(VendorLook(reject=0.1))
    assert (curve[:26] == 0).all()
    assert curve[26] > 0
    assert curve[-1] == pytest.approx(1)


@pytest.mark.parametrize("seed", range(12))
def test_every_curve_rises_from_black(seed):
    curve = grey_curve(draw_look(Draw(seed), only("power", "dynamic_range", "reject")))
    assert curve[0] == 0
    assert (curve.diff() >= 0).all()
    assert curve.max() <= 1


def test_the_speckle_filter_smooths_speckle_and_keeps_an_edge():
    inside = torch.ones(80, 80, dtype=torch.bool)
    grain = 10 * Draw(1).normal(1, 80, 80)
    step = torch.where(torch.arange(80) < 40, 60.0, 180.0).expand(1, 80, 80)
    shown = show(
        (step + grain).round().clamp(0, 255).to(torch.uint8), inside, VendorLook(speckle_filter=0.08)
    )
    shown = shown.float()
    assert shown[0, :, :30].std() < 0.5 * grain[0, :, :30].std()
    # A Gaussian of the filter's own reach would take the two columns beside the edge 45 levels nearer each other.
    kept = shown[0, :, 40].mean() - shown[0, :, 39].mean()
    blurred = 120 * math.erf(0.5 / (1.6 * math.sqrt(2)))
    assert kept > 2 * blurred


def test_a_flat_sector_stays_flat_up_to_its_rim(mask):
    flat = (100 * mask).to(torch.uint8)[None]
    for look in (
        VendorLook(speckle_filter=0.1),
        VendorLook(edge=0.8, edge_px=2.0),
        VendorLook(resampling_px=60),
    ):
        assert (show(flat, mask, look).int() - flat.int()).abs().max() <= 2, look


def test_edge_enhancement_adds_its_share_of_a_wave():
    wave = 0.5 + 0.2 * torch.sin(2 * math.pi * torch.arange(128) / 8)
    frames = (255 * wave).round().to(torch.uint8).expand(1, 128, 128)
    shown = show(frames, torch.ones(128, 128, dtype=torch.bool), VendorLook(edge=0.5, edge_px=1.2))
    left = math.exp(-0.5 * (2 * math.pi / 8 * 1.2) ** 2)
    expected = 0.2 * (1 + 0.5 * (1 - left))
    middle = shown[0, 64, 32:96].float() / 255
    assert float(middle.std() * math.sqrt(2)) == pytest.approx(expected, rel=0.02)


def test_persistence_fades_as_powers_of_its_share():
    frames = torch.zeros(5, 8, 8, dtype=torch.uint8)
    frames[0] = 192
    shown = show(frames, torch.ones(8, 8, dtype=torch.bool), VendorLook(persistence=0.5))
    assert shown[:, 4, 4].tolist() == [192, 96, 48, 24, 12]


def test_few_levels_are_few_and_even(clip, mask):
    found = show(clip, mask, VendorLook(levels=16)).unique()
    assert found.tolist() == [17 * k for k in range(16)]


def test_small_files_lose_fine_detail_and_large_ones_nothing(clip, mask):
    assert torch.equal(show(clip, mask, VendorLook(resampling_px=1000)), clip)
    small = show(clip, mask, VendorLook(resampling_px=60)).float()
    assert small[:, mask].std() < 0.7 * clip.float()[:, mask].std()


@pytest.mark.parametrize("seed", range(6))
def test_black_outside_stays_black_and_one_seed_gives_one_clip(clip, mask, seed):
    looks = [draw_look(Draw(seed), only(*PARTS)) for _ in range(2)]
    first, second = (show(clip, mask, look) for look in looks)
    assert first.dtype == torch.uint8
    assert (first[:, ~mask] == 0).all()
    assert torch.equal(first, second)


def test_where_truth_and_poor_clip_agree_they_still_do(clip, mask):
    """A pair under one look: what is the same in both stays so, away from where they differ."""
    truth = clip.clone()
    truth[:, :40] = 0
    look = draw_look(Draw(2), replace(only(*PARTS), resampling_chance=0))
    poor, clear = show(clip, mask, look), show(truth, mask, look)
    assert not torch.equal(poor, clear)
    assert torch.equal(poor[:, 60:], clear[:, 60:])


def test_frames_of_another_kind_are_refused(clip, mask):
    with pytest.raises(EchoGANError, match="uint8"):
        show(clip.float(), mask, VendorLook())
    with pytest.raises(EchoGANError, match="mask of their size"):
        show(clip, mask[:-1], VendorLook())
