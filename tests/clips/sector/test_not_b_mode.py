"""Doppler and M-mode are refused wherever a sector is found; innocent colours are not taken for them."""

import numpy as np
import pytest
from colour_clips import DOPPLER, INNOCENT, b_mode, colour_clip, fan_in

from echogan.clips.clip import Clip
from echogan.clips.sector.find_sector import find_sector, sector_from_fan
from echogan.clips.sector.not_b_mode import NotBMode, scrolls
from echogan.core.errors import UnsupportedClip
from eval.fans.hard_fans import hard_fan

# Size, number of frames, coding, seed: a compressed clip, and a still as a lossless file keeps it.
CLIPS = [((180, 240), 4, "jpeg75", 1), ((300, 400), 1, "raw", 2)]


@pytest.mark.parametrize("name", DOPPLER)
@pytest.mark.parametrize("clip", CLIPS, ids=["clip", "still"])
def test_doppler_is_refused(name, clip):
    size, frames, how, seed = clip
    drawn = Clip(colour_clip(DOPPLER[name], seed, size, frames, how))
    with pytest.raises(UnsupportedClip, match=r"colour Doppler.*choose a plain B-mode clip"):
        find_sector(drawn)
    with pytest.raises(NotBMode):
        sector_from_fan(fan_in(*size), drawn)


@pytest.mark.parametrize("name", INNOCENT)
@pytest.mark.parametrize("clip", CLIPS, ids=["clip", "still"])
def test_innocent_colours_are_not(name, clip):
    size, frames, how, seed = clip
    drawn, fan = Clip(colour_clip(INNOCENT[name], seed, size, frames, how)), fan_in(*size)
    sector, given = find_sector(drawn), sector_from_fan(fan, drawn)
    truth = fan.mask(*size)
    assert (sector.mask & truth).sum() > 0.9 * (sector.mask | truth).sum()
    if name in ("grey", "sepia", "faint sepia", "blue", "chroma noise", "title bar", "logo"):
        assert given.overlay_mask.sum() < 0.01 * truth.sum()


def test_flow_over_a_tint_and_of_one_frame_is_refused():
    frames = colour_clip(DOPPLER["one frame in four"], 3, (180, 240), 8).astype(float)
    with pytest.raises(NotBMode):
        find_sector(Clip((frames * (1.0, 0.8, 0.5)).astype(np.uint8)))
    flow = np.ptp(frames, axis=-1).max((1, 2)) > 50
    assert 0 < flow.sum() < 3
    assert find_sector(Clip(frames[~flow].astype(np.uint8))).kind == "fan"


def test_flow_in_a_clip_without_a_border_is_refused_and_a_bar_beside_it_is_not():
    rng, size = np.random.default_rng(0), (180, 240)
    wide = fan_in(720, 960)
    clip = b_mode(rng, wide, (720, 960))[:, 300:480, 360:600]
    assert find_sector(Clip(clip)).kind == "whole"
    barred = clip.copy()
    barred[:, 40:120, 228:238] = (200, 60, 20)
    find_sector(Clip(barred))
    clip[:, 60:80, 100:130] = (200, 40, 20)
    clip[1::2, 60:80, 100:130] = (20, 40, 200)
    assert clip.shape[1:3] == size
    with pytest.raises(NotBMode):
        find_sector(Clip(clip))


def test_a_coloured_trace_in_a_small_frame_is_no_flow_and_hides_none():
    hard = hard_fan(2_150_000_059, (200, 480))  # 235 x 235, JPEG, a coloured trace over the tissue
    assert hard.trace is not None
    assert find_sector(Clip(hard.frames)).kind == "fan"
    flow = hard.frames.copy()
    rows, columns = np.nonzero(hard.truth & ~hard.trace)
    top, left = int(np.median(rows)) - 30, int(np.median(columns)) - 10
    flow[:, top : top + 18, left : left + 20] = (200, 40, 20)
    with pytest.raises(NotBMode):
        find_sector(Clip(flow))


# --- what moves sideways ---------------------------------------------------------------------------------------


def m_mode(rng: np.random.Generator, width: int) -> np.ndarray:
    y, x = np.mgrid[0:120, 0:width]
    layers = 60 + 55 * np.sin((y + 8 * np.sin(x / 17) * np.sin(y / 40)) / 6)
    return np.clip(layers * rng.rayleigh(0.8, y.shape), 0, 255).astype(np.uint8)


def spectrum(rng: np.random.Generator, width: int) -> np.ndarray:
    y, x = np.mgrid[0:120, 0:width]
    above = 84 - y
    lit = (above > 0) & (above < 42 * np.abs(np.sin(x / 25)) ** 1.5 + 4)
    return np.clip(np.where(lit, 140, 6) * rng.rayleigh(0.8, y.shape), 0, 255).astype(np.uint8)


def shown(tape: np.ndarray, frames: int, step: int, sweeps: bool) -> np.ndarray:
    """The tape as it scrolls through a window, or is redrawn in it behind a black gap: uint8 (T, 180, 240)."""
    clip, window = np.zeros((frames, 180, 240), np.uint8), tape[:, :220].copy()
    for t in range(frames):
        if sweeps:
            for k in range(step * t, step * (t + 1)):
                window[:, k % 220] = tape[:, 220 + k]
            clip[t, 30:150, 10:230] = window
            clip[t, 30:150, 10 + (step * (t + 1)) % 220 :][:, :6] = 0
        else:
            clip[t, 30:150, 10:230] = tape[:, step * t :][:, :220]
    return clip


@pytest.mark.parametrize("draw", [m_mode, spectrum])
@pytest.mark.parametrize("sweeps", [False, True], ids=["scrolls", "sweeps"])
@pytest.mark.parametrize("step", [1, 3, 6])
def test_strips_that_move_sideways_are_refused(draw, sweeps, step):
    tape = draw(np.random.default_rng(step), 480)
    with pytest.raises(UnsupportedClip, match="M-mode or spectral Doppler"):
        find_sector(Clip(shown(tape, 12, step, sweeps)))


def test_tissue_does_not_scroll():
    size = (180, 240)
    clip = b_mode(np.random.default_rng(1), fan_in(*size), size, 12)[..., 0]
    assert not scrolls(clip)
    assert not scrolls(clip[:1])
    frozen = np.repeat(clip[:1], 12, 0)
    for t in range(12):  # a trace runs under a frozen picture
        frozen[t, 150:153, : 20 * t + 1] = 255
    assert not scrolls(frozen)


def test_dim_tissue_that_changes_in_few_places_does_not_scroll():
    """In a dim clip only the brightest tissue changes by more than a few grey levels: some rows of some columns."""
    rng, clip = np.random.default_rng(2), np.full((12, 180, 240), 12, np.uint8)
    for t in range(12):
        for left in (30, 90, 150, 200):
            top = 60 + int(rng.integers(40))
            clip[t, top : top + 12, left : left + 10] = 30 + t % 2 * 10
    assert not scrolls(clip)
