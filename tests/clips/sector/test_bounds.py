"""DICOM regions: they bound the sector, part tissue from strips, and name the pane that is taken."""

from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from colour_clips import b_mode, fan_in

from echogan.clips.clip import ClipFile
from echogan.clips.sector.bounds import Bounds
from echogan.clips.sector.find_sector import find_sector, sector_from_fan
from echogan.core.geometry import Fan

SIZE = (180, 240)
FAN = fan_in(*SIZE)
BOX = (8, 20, 168, 220)


def clip_file(frames: np.ndarray, *regions: tuple[int, int, int, int], **more) -> ClipFile:
    height, width = frames.shape[1:3]
    decode = partial(iter, frames)
    return ClipFile(
        Path("x.dcm"),
        "dicom",
        len(frames),
        height,
        width,
        30.0,
        frames.ndim == 4,
        decode,
        regions=regions,
        **more,
    )


def tissue(seed: int = 0, frames: int = 6) -> np.ndarray:
    return b_mode(np.random.default_rng(seed), FAN, SIZE, frames)


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return (a & b).sum() / (a | b).sum()


@pytest.mark.parametrize("frames", [1, 6])
@pytest.mark.parametrize(("name", "above"), [("spectral Doppler", True), ("M-mode", True), ("M-mode", False)])
def test_of_tissue_and_a_strip_the_tissue_is_taken(frames, name, above):
    rng = np.random.default_rng(1)
    strip = np.clip(rng.uniform(40, 230, (1, 240)) * rng.rayleigh(0.8, (frames, 120, 240)), 0, 255)
    strip = np.repeat(strip.astype(np.uint8)[..., None], 3, -1)
    other = 188 if above else 0
    parts = [tissue(1, frames), np.zeros((frames, 8, 240, 3), np.uint8), strip]
    picture = np.concatenate(parts if above else parts[::-1], axis=1)
    shift = 0 if above else 128
    region = (BOX[0] + shift, BOX[1], BOX[2] + shift, BOX[3])
    sector = find_sector(clip_file(picture, region, strips=((name, (other, 0, other + 120, 240)),)))
    truth = np.zeros(picture.shape[1:3], bool)
    truth[shift : shift + 180] = FAN.mask(*SIZE)
    assert sector.kind == "fan"
    assert iou(sector.mask, truth) > 0.93
    assert not sector.mask[other : other + 120].any()
    assert any(name in note and "two-dimensional pane" in note for note in sector.notes)


def test_a_bright_title_bar_outside_the_region_is_no_tissue():
    picture = np.zeros((1, 300, 400, 3), np.uint8)
    picture[:, :28] = (40, 70, 130)
    cv2.putText(picture[0], "NAME 12-03-1950", (10, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
    fan = Fan((180.0, 47.0), -40.0, 40.0, 1.0, 75.0)
    picture = np.maximum(picture, b_mode(np.random.default_rng(2), fan, (300, 400), 1))
    sector = find_sector(clip_file(picture, (40, 60, 261, 321)))
    assert not sector.mask[:40].any()
    assert iou(sector.tissue_mask, fan.mask(300, 400)) > 0.9


def test_a_fan_that_leaves_the_region_a_little_ends_at_it():
    top, left, bottom, right = box = (8, 46, 158, 194)
    mask, inside = FAN.mask(*SIZE), np.zeros(SIZE, bool)
    inside[top:bottom, left:right] = True
    assert 0.05 < (mask & ~inside).sum() / mask.sum() < 0.12
    sector = find_sector(clip_file(tissue(3), box))
    assert not (sector.mask & ~inside).any()
    assert iou(sector.mask, mask & inside) > 0.95


def test_regions_of_a_scaled_image_bound_nothing():
    sector = find_sector(clip_file(tissue(4), (60, 100, 180, 240), rescaled=True))
    assert iou(sector.mask, FAN.mask(*SIZE)) > 0.95
    assert not any("region" in note for note in sector.notes)


@pytest.mark.parametrize("dim", [1.0, 0.3])
def test_of_two_panes_one_is_taken_and_the_other_can_be_given(dim):
    for left_is_dim in (False, True):
        panes = [tissue(5), (tissue(6) * dim).astype(np.uint8)]
        picture = np.concatenate(panes[::-1] if left_is_dim else panes, axis=2)
        boxes = BOX, (BOX[0], BOX[1] + 240, BOX[2], BOX[3] + 240)
        clip = clip_file(picture, *boxes)
        sector = find_sector(clip)
        taken = 240 if sector.mask[:, 240:].any() else 0
        assert dim == 1 or taken == (240 if left_is_dim else 0)
        assert iou(sector.mask[:, taken : taken + 240], FAN.mask(*SIZE)) > 0.95
        assert not sector.mask[:, 240 - taken : 480 - taken].any()
        side = "right" if taken else "left"
        assert sector.notes[0] == (
            f"This clip has 2 tissue panes; the {side} one is enhanced. Give the sector by hand for the other."
        )
        other = Fan((FAN.apex[0] + 240 - taken, FAN.apex[1]), -37, 37, FAN.r_min, FAN.r_max)
        assert sector_from_fan(other, clip).mask[:, 240 - taken : 480 - taken].any()


def test_the_words_for_a_pane():
    three = Bounds(((0, 0, 50, 50), (0, 60, 50, 110), (0, 120, 50, 170), (60, 0, 65, 5)))
    assert len(three.panes) == 3  # the last is too small to be a pane
    assert "3 tissue panes; number 2 from the left is" in three.notes((0, 60, 50, 110))[0]
    stacked = Bounds(((0, 0, 50, 50), (60, 0, 110, 50), (61, 1, 108, 48)))
    assert "2 tissue panes; the lower one is" in stacked.notes((60, 0, 110, 50))[0]
    traced = Bounds(((0, 0, 100, 100),), (("a waveform", (80, 0, 100, 100)),))
    assert traced.notes((0, 0, 100, 100)) == []  # the trace is drawn over the tissue
    assert traced.beside((100, 100)).sum() == 0
    assert traced.upside_down(120).tissue == ((20, 0, 120, 100),)
