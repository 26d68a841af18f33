"""Clips under a look and on the canonical grey curve: pairs stay pairs, and nothing outside the sector changes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from echogan.core.grey_curve import REFERENCE, VISIBLE, GreyCurve
from echogan.phantom.artefacts.vendor_look import VendorLookSettings
from echogan.training.data.display_look import CURVE_SPREAD, Shown, grey_levels, on_curve
from echogan.training.data.sources import UNKNOWN, TrainingClip


@dataclass(frozen=True)
class Noise:
    """Clips of smooth noise, the truth half as bright; `power` darkens both."""

    power: float = 1.0

    def __call__(self, seed: int, frames: int) -> TrainingClip:
        grey = torch.rand(frames, 64, 64, generator=torch.Generator().manual_seed(seed)) * 0.8
        mask = torch.zeros(64, 64, dtype=torch.bool)
        mask[8:56, 8:56] = True

        def stored(x: torch.Tensor) -> torch.Tensor:
            return (255 * x**self.power * mask).round().to(torch.uint8)

        return TrainingClip(stored(grey), mask, UNKNOWN, stored(grey / 2))

    def facts(self) -> dict[str, Any]:
        return {"noise": True}


def visible_median(clip: TrainingClip) -> float:
    inside = clip.frames[:, clip.mask].float() / 255
    return float(inside[inside > VISIBLE].median())


def test_without_look_and_curve_a_clip_is_itself():
    clip, same = Noise()(3, 2), Shown(Noise(), 0.0, canonical=False)(3, 2)
    assert torch.equal(clip.frames, same.frames)
    assert torch.equal(clip.truth, same.truth)


@pytest.mark.parametrize("power", [0.6, 1.0, 1.8])
def test_the_canonical_median_is_reached_whatever_the_power(power):
    medians = [visible_median(Shown(Noise(power), 0.0, canonical=True)(seed, 2)) for seed in range(12)]
    assert np.mean(medians) == pytest.approx(REFERENCE, abs=0.03)
    # Beside it by no more than the spread: m^(1 +- spread).
    low, high = (REFERENCE ** float(np.exp(s * CURVE_SPREAD)) for s in (1, -1))
    assert all(low - 0.02 <= median <= high + 0.02 for median in medians)


def test_frames_and_truth_go_by_one_and_the_same_curve():
    plain, clip = Noise()(5, 2), Shown(Noise(), 0.0, canonical=True)(5, 2)
    table: dict[int, int] = {}
    for before, after in ((plain.frames, clip.frames), (plain.truth, clip.truth)):
        pairs = zip(
            before[:, clip.mask].flatten().tolist(), after[:, clip.mask].flatten().tolist(), strict=True
        )
        for x, y in pairs:
            assert table.setdefault(x, y) == y


def test_a_look_is_drawn_by_the_seed_and_stays_inside_the_sector():
    shown = Shown(Noise(), 1.0, canonical=True)
    first, again, other = shown(7, 3), shown(7, 3), shown(9, 3)
    assert torch.equal(first.frames, again.frames)
    assert not torch.equal(first.frames, other.frames)
    assert not first.frames[:, ~first.mask].any()
    assert shown.facts() == {"noise": True, "looks": 1.0, "canonical_grey": True}


def test_levels_are_the_percentiles_inside_the_mask():
    frames, mask = (
        torch.arange(0, 256, dtype=torch.uint8).view(1, 16, 16),
        torch.ones(16, 16, dtype=torch.bool),
    )
    assert grey_levels(frames, mask) == pytest.approx(np.percentile(np.arange(256), np.arange(101)), abs=1)
    assert grey_levels(frames, ~mask) == []


def test_on_a_curve_what_is_outside_stays():
    frames, mask = torch.full((1, 4, 4), 100, dtype=torch.uint8), torch.zeros(4, 4, dtype=torch.bool)
    mask[0] = True
    out = on_curve(frames, mask, GreyCurve(2.0))
    assert (out[0, 1:] == 100).all()
    assert int(out[0, 0, 0]) == round(
        255 * GreyCurve(2.0).to_canonical(100 / 127.5 - 1 + np.zeros(1))[0] / 2 + 127.5
    )


def test_black_tissue_is_lifted_to_the_dark_level_in_frames_and_truth():
    lifted = Shown(Noise(3.0), 0.0, canonical=True, dark_level=0.1)
    for seed in range(6):
        clip = lifted(seed, 2)
        darkest = np.percentile(clip.frames[:, clip.mask], 5) / 255
        assert darkest == pytest.approx(0.1, abs=0.02)
        assert int(clip.truth[:, clip.mask].min()) >= int(clip.frames[:, clip.mask].min()) > 0
        assert not clip.frames[:, ~clip.mask].any()


def test_stricter_looks_show_more_of_a_clip_as_black():
    def black(most: float) -> float:
        looks = VendorLookSettings(reject_chance=1.0, reject=(0.0, most))
        clips = [Shown(Noise(), 1.0, canonical=False, looks=looks)(seed, 2) for seed in range(8)]
        return float(np.mean([(clip.frames[:, clip.mask] == 0).float().mean() for clip in clips]))

    assert black(0.4) > black(0.05) + 0.05
