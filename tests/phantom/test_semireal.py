"""Real frames made poor: nothing outside the fan changes, nothing is lost without artefacts, each one acts."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from echogan.core.errors import EchoGANError, SectorError
from echogan.core.geometry import Fan, Sector, SectorKind
from echogan.phantom.artefacts.degradation import (
    ARTEFACTS,
    Degradation,
    DegradationSettings,
    Shadow,
    draw_degradation,
    only,
    shows_tissue,
)
from echogan.phantom.artefacts.semireal import SEMI_REAL, degrade_frames
from echogan.phantom.draw import Draw, blur

FAN = Fan((110.0, 12.0), -40.0, 35.0, 4.0, 190.0)
SIZE = (208, 232)
INSIDE = torch.from_numpy(FAN.mask(*SIZE))


def clip(frames: int = 3) -> torch.Tensor:
    """A moving echo of two brightnesses in a fan, with text beside it."""
    draw = Draw(1)
    speckle = blur(draw.normal(2 * frames, 1, *SIZE), 1.0, 1.5).view(frames, 2, *SIZE).square().sum(1)
    x = torch.arange(SIZE[1])
    level = 10 * torch.log10(speckle / speckle.mean() + 1e-3) - 12 * ((x > 80) & (x < 130))
    grey = (110 + level * 4).clamp(5, 255) * INSIDE
    grey[:, 5:15, 200:225] = 230
    return grey.to(torch.uint8)


def sector_of(fan: Fan | None, kind: SectorKind = "fan") -> Sector:
    tissue = INSIDE.numpy().copy()
    overlay = np.zeros(SIZE, bool)
    overlay[100:110, 100:120] = True
    return Sector(kind, tissue & ~overlay, overlay, 1.0, fan)


def levels(frames: torch.Tensor, where: torch.Tensor) -> float:
    return float(frames.float()[:, where].mean())


@pytest.fixture(scope="module")
def polar() -> tuple[torch.Tensor, torch.Tensor]:
    r, theta = FAN.polar(*SIZE)
    return torch.from_numpy(r), torch.from_numpy(theta)


@pytest.mark.parametrize("name", [*ARTEFACTS, "all"])
def test_everything_outside_the_fan_stays_bit_for_bit(name):
    names = ARTEFACTS if name == "all" else (name,)
    degradation = draw_degradation(Draw(2), only(SEMI_REAL, *names))
    frames = clip()
    kept = frames.clone()
    out = degrade_frames(frames, FAN, degradation)
    assert out.frames.dtype == torch.uint8
    assert torch.equal(out.frames[:, ~INSIDE], frames[:, ~INSIDE])
    assert (out.support[:, ~INSIDE] == 0).all()
    assert out.support.min() >= 0
    assert out.support.max() <= 1
    assert torch.equal(frames, kept)


@pytest.mark.parametrize("name", ARTEFACTS)
def test_each_artefact_changes_the_tissue(name):
    """Two seeds each: faint streaks, or a dynamic range of 60 dB, may change next to nothing."""
    frames, changes = clip(), []
    for seed in (1, 15):
        degradation = draw_degradation(Draw(seed), only(SEMI_REAL, name))
        out = degrade_frames(frames, FAN, degradation).frames
        changes.append(float((out.float() - frames.float()).abs()[:, INSIDE].mean()))
    assert max(changes) > 0.5


def test_without_artefacts_the_frames_come_back():
    frames = clip()
    out = degrade_frames(frames, FAN, Degradation())
    difference = (out.frames.float() - frames.float()).abs()[:, INSIDE]
    assert difference.mean() < 1
    assert difference.quantile(0.99) < 4
    assert out.support[:, INSIDE].min() > 0.98


def test_overlay_inside_the_fan_stays():
    frames, sector = clip(), sector_of(FAN)
    out = degrade_frames(frames, sector, Degradation(haze_db=0.0, gain_db=-8.0))
    overlay = torch.from_numpy(sector.overlay_mask)
    assert torch.equal(out.frames[:, overlay], frames[:, overlay])
    assert not torch.equal(out.frames, frames)


def test_one_seed_gives_one_result():
    degradation = draw_degradation(Draw(5), only(SEMI_REAL, "haze", "noise", "drop_out", "aberration"))
    one, two, other = (degrade_frames(clip(), FAN, degradation, seed=s).frames for s in (3, 3, 4))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_shadow_is_dark_from_its_depth_on_and_has_no_support(polar):
    r, theta = polar
    shadow = Shadow(centre=0.2, half_width=0.25, loss_db=30, from_cm=4)
    frames = clip()
    out = degrade_frames(frames, FAN, Degradation(shadows=(shadow,)))
    middle = (theta + 2.5) / 37.5
    deep = INSIDE & ((middle - 0.2).abs() < 0.12) & (r > 90)
    beside = INSIDE & ((middle - 0.2).abs() > 0.45)
    assert levels(out.frames, deep) < 0.25 * levels(frames, deep)
    assert levels(out.frames, beside) == pytest.approx(levels(frames, beside), abs=1)
    assert out.support[:, deep].max() < 0.3
    assert out.support[:, beside].min() > 0.95


def test_gain_is_in_db_of_a_60_db_display():
    frames = clip()
    out = degrade_frames(frames, FAN, Degradation(gain_db=6.0))
    bright = INSIDE & (frames[0] > 60) & (frames[0] < 200)
    assert levels(out.frames[:1], bright) - levels(frames[:1], bright) == pytest.approx(6 / 60 * 255, abs=1.5)


def test_haze_fills_the_dark_and_lowers_contrast():
    frames, x = clip(), torch.arange(SIZE[1])
    out = degrade_frames(frames, FAN, Degradation(haze_db=-2.0))
    dark, bright = INSIDE & (x > 85) & (x < 125), INSIDE & (x > 140)
    before = levels(frames, bright) - levels(frames, dark)
    assert levels(out.frames, bright) - levels(out.frames, dark) < 0.7 * before
    assert levels(out.frames, dark) > levels(frames, dark)
    support = [
        degrade_frames(frames, FAN, Degradation(haze_db=h)).support[:, INSIDE].mean() for h in (-15, -8, 0)
    ]
    assert support[0] > support[1] > support[2]


def test_noise_is_new_in_every_frame_and_haze_is_not():
    still = clip(1).expand(2, -1, -1).contiguous()

    def moves(degradation: Degradation) -> float:
        out = degrade_frames(still, FAN, degradation).frames.float()
        return float((out[1] - out[0]).abs()[INSIDE].mean())

    noisy, hazy = moves(Degradation(noise_db=-6.0)), moves(Degradation(haze_db=0.0))
    assert noisy > 5
    assert hazy < 0.25 * noisy
    assert moves(Degradation()) == 0


def test_frame_hold_and_persistence():
    frames = clip(4)
    held = degrade_frames(frames, FAN, Degradation(frame_hold=2)).frames
    assert torch.equal(held[0], held[1])
    assert torch.equal(held[2], held[3])
    assert not torch.equal(held[1], held[2])
    lasting = degrade_frames(frames, FAN, Degradation(persistence=0.5)).frames.float()

    def flicker(f: torch.Tensor) -> torch.Tensor:
        return (f[1:] - f[:-1]).abs()[:, INSIDE].mean()

    assert flicker(lasting) < 0.75 * flicker(frames.float())


def test_a_long_clip_is_the_same_whatever_follows():
    """Chunks do not show: the first frames of a long clip are those of a short one."""
    degradation = draw_degradation(Draw(8), only(SEMI_REAL, "haze", "near_clutter", "persistence"))
    long = degrade_frames(clip(11), FAN, degradation).frames
    assert torch.equal(long[:9], degrade_frames(clip(11)[:9], FAN, degradation).frames)


def test_wrong_input_is_refused_with_a_sentence():
    frames = clip()
    for sector in (sector_of(None, "rectangle"), sector_of(None, "whole")):
        with pytest.raises(SectorError, match="Only a fan"):
            degrade_frames(frames, sector, Degradation())
    for wrong in (frames.float(), frames[0], frames.numpy(), frames[:0]):
        with pytest.raises(EchoGANError, match="uint8 torch tensor"):
            degrade_frames(wrong, FAN, Degradation())  # type: ignore[arg-type]


def test_a_squeezed_frame_is_degraded_along_its_own_beams():
    fan = Fan((110.0, 12.0), -40.0, 40.0, 0.0, 170.0, aspect=1.3)
    inside = torch.from_numpy(fan.mask(*SIZE))
    frames = (torch.full((1, *SIZE), 120) * inside).to(torch.uint8)
    out = degrade_frames(frames, fan, Degradation(shadows=(Shadow(0.5, 0.2, 40, 1),))).frames[0]
    theta = torch.from_numpy(fan.polar(*SIZE)[1])
    assert out[inside & ((theta - 20).abs() < 4) & (torch.arange(SIZE[0])[:, None] > 60)].float().mean() < 20
    assert out[inside & ((theta - 20).abs() > 14)].float().mean() > 110


def stills(shared_data: Path, grade: str, count: int) -> list[np.ndarray]:
    from PIL import Image

    rows = list(csv.DictReader((shared_data / "camus" / "index.csv").open()))
    names = [row["file"] for row in rows if row["quality"] == grade]
    return [
        np.asarray(Image.open(shared_data / "camus" / "images" / name).convert("L"))
        for name in names[:: len(names) // count][:count]
    ]


def test_degraded_good_stills_are_as_grey_as_poor_ones(shared_data):
    """Median mean and spread within the fan, of 3 good stills degraded 6 times each, lie where poor ones' do."""
    from echogan.clips.clip import Clip
    from echogan.clips.sector.find_sector import find_sector

    def statistics(image: np.ndarray, inside: np.ndarray) -> tuple[float, float]:
        return image[inside].mean(), image[inside].std()

    poor = [statistics(image, image > 3) for image in stills(shared_data, "Poor", 28)]
    made = []
    for number, image in enumerate(stills(shared_data, "Good", 3)):
        sector, frames = find_sector(Clip(image[None])), torch.from_numpy(image.copy())[None]
        for seed in range(6):
            degradation = draw_degradation(Draw(100 * number + seed), SEMI_REAL)
            out = degrade_frames(frames, sector, degradation, seed).frames[0]
            if shows_tissue(out, torch.from_numpy(sector.tissue_mask)):
                made.append(statistics(out.numpy(), sector.tissue_mask))
    assert len(made) >= 12
    low, high = np.quantile(poor, 0.1, axis=0), np.quantile(poor, 0.9, axis=0)
    middle = np.median(made, axis=0)
    assert (low < middle).all()
    assert (middle < high).all()


def test_the_ranges_for_real_frames_are_settings_like_any_other():
    assert isinstance(SEMI_REAL, DegradationSettings)
