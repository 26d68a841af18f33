"""Finding the fan: against polygons drawn by hand on real clips, and against drawn fans whose truth is known."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from echogan.clips.clip import Clip, ClipFile, grey
from echogan.clips.files import open_clip
from echogan.clips.sector.find_sector import find_sector, merge, sector_from_fan, split
from echogan.core.errors import SectorError
from echogan.core.geometry import Fan, Sector
from echogan.phantom.clip import PhantomSettings
from echogan.phantom.render import phantom_clip
from eval.fans.outlines import CINE, GOOD, PLOT, POOR, polygon

# Boxes (top, left, bottom, right) around what is drawn beside the fan, read off the same frames.
POOR_MARKS = [
    (8, 0, 40, 86),
    (14, 438, 90, 456),
    (258, 0, 312, 150),
    (262, 150, 312, 172),
    (292, 400, 312, 460),
]
POOR_MARKS += [
    (25, 241, 38, 253),
    (72, 176, 84, 183),
    (131, 130, 142, 140),
    (190, 88, 202, 98),
]  # the figures of the depth scale
GOOD_MARKS = [(28, 4, 84, 18), (10, 305, 210, 320), (222, 160, 232, 195), (12, 167, 20, 176)]
CINE_MARKS = [
    (2, 0, 32, 37),
    (10, 302, 150, 320),
    (10, 296, 140, 302),
    (147, 297, 150, 300),
    (197, 286, 208, 300),
    (225, 36, 240, 284),
]
PLOT_MARKS = [(0, 0, 288, 113), (0, 331, 288, 432), (0, 0, 34, 432), (253, 0, 288, 432), (226, 136, 238, 150)]


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return (a & b).sum() / (a | b).sum()


def assert_found(
    path: Path, outline: Sequence[tuple[float, float]], marks: list[tuple[int, int, int, int]]
) -> Sector:
    clip = open_clip(path)
    sector = find_sector(clip)
    assert sector.kind == "fan"
    assert iou(sector.mask, polygon(outline, (clip.height, clip.width))) >= 0.9
    assert sector.confidence > 0.8
    for top, left, bottom, right in marks:
        assert not sector.tissue_mask[top:bottom, left:right].any(), (top, left)
    return sector


def test_cine_matches_the_outline_drawn_by_hand(cine):
    assert_found(cine, CINE, CINE_MARKS)


def test_good_clip_matches_the_outline_drawn_by_hand(shared_data):
    assert_found(shared_data / "clips" / "good_a4c.gif", GOOD, GOOD_MARKS)


def test_poor_clip_leaves_text_scale_and_ecg_alone(shared_data):
    assert_found(shared_data / "clips" / "poor_stress.gif", POOR, POOR_MARKS)


def test_plot_of_a_clip_finds_the_squeezed_fan_in_its_panel(shared_data):
    sector = assert_found(shared_data / "clips" / "plot_of_a_clip.mp4", PLOT, PLOT_MARKS)
    assert sector.fan is not None
    assert sector.fan.aspect == pytest.approx(4 / 3, abs=0.1)  # a 4 : 3 frame drawn as a square
    assert any("white page" in note for note in sector.notes)


def test_camus_stills_are_fans(shared_data):
    paths = sorted((shared_data / "camus" / "images").glob("*.png"))[:: 708 // 4]
    for path in paths:
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        assert image is not None
        sector = find_sector(Clip(image[None]))
        imaged = (
            cv2.morphologyEx((image > 0).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((25, 25), np.uint8)) > 0
        )
        assert sector.kind == "fan"
        assert sector.confidence > 0.8
        assert iou(sector.mask, imaged) > 0.95
        assert sector.overlay_mask.mean() < 0.001  # nothing is drawn on these


# --- drawn fans ------------------------------------------------------------------------------------------------


def random_fan(rng: np.random.Generator, height: int, width: int) -> Fan:
    """A fan near the top of the frame; one in three is shifted until a side of the frame cuts it off."""
    r_min = float(rng.choice([0.0, rng.uniform(5, 30)]))
    x = width * (rng.uniform(0.25, 0.75) if rng.random() < 0.35 else rng.uniform(0.42, 0.58))
    y = rng.uniform(5, 25) - 0.8 * r_min
    r_max = min(r_min + rng.uniform(0.65, 0.9) * height, height - 4 - y)
    return Fan((x, y), -rng.uniform(30, 45), rng.uniform(30, 45), r_min, r_max)


def speckle(rng: np.random.Generator, fan: Fan, frames: int, height: int, width: int) -> np.ndarray:
    """A beating cavity in log-compressed speckle that fades with depth: uint8 (T, H, W), black outside the fan."""
    r, theta = fan.polar(height, width)
    depth = (r - fan.r_min) / (fan.r_max - fan.r_min)
    still, clip = rng.normal(size=(2, height, width)), []
    for t in range(frames):
        field = [cv2.GaussianBlur(0.7 * s + 0.7 * rng.normal(size=s.shape), (0, 0), 1.2) for s in still]
        beat = 1 + 0.12 * np.sin(2 * np.pi * t / frames)
        cavity = ((theta + 3) / (14 * beat)) ** 2 + ((depth - 0.45) / (0.25 * beat)) ** 2 < 1
        echo = np.hypot(*field) * np.where(cavity, 0.1, 1.0) * np.exp(-depth)
        clip.append(np.clip(100 + 33 * np.log(echo + 1e-3), 1, 255) * fan.mask(height, width))
    return np.array(clip).astype(np.uint8)


def draw_screen(rng: np.random.Generator, clip: np.ndarray, fan: Fan) -> np.ndarray:
    """The clip as a scanner shows it: text, a grey bar, ticks along an edge, a green ECG that runs: (T, H, W, 3)."""
    frames = np.repeat(clip[..., None], 3, axis=-1)
    count, height, width = clip.shape
    baseline, edge = int(rng.integers(height - 35, height - 12)), np.radians(fan.right_deg + 1.5)
    for t, frame in enumerate(frames):
        cv2.putText(frame, "MI 0.9 TIS 0.7", (2, 11), cv2.FONT_HERSHEY_SIMPLEX, 0.35, (200, 200, 200), 1)
        frame[20:80, 3:11] = np.linspace(255, 0, 60).astype(np.uint8)[:, None, None]
        for part in np.linspace(0.1, 1, 8):
            r = fan.r_min + part * (fan.r_max - fan.r_min)
            x, y = int(fan.apex[0] + r * np.sin(edge)), int(fan.apex[1] + r * np.cos(edge))
            cv2.line(frame, (x, y), (x + 4, y - 3), (210, 210, 210), 1)
        for x in range(int(width * (t + 1) / count)):
            cv2.line(
                frame,
                (x, baseline - 9 * (x % 50 < 3)),
                (x + 1, baseline - 9 * (x % 50 < 2)),
                (40, 220, 80),
                1,
            )
    return frames


SIZE = (200, 260)


def scene(seed: int, frames: int = 8, screen: bool = True) -> tuple[np.ndarray, Fan]:
    rng = np.random.default_rng(seed)
    fan = random_fan(rng, *SIZE)
    clip = speckle(rng, fan, frames, *SIZE)
    return (draw_screen(rng, clip, fan) if screen else clip), fan


def test_drawn_fans_are_found():
    overlaps = []
    for seed in range(15):
        frames, fan = scene(seed)
        overlaps.append(iou(find_sector(Clip(frames)).mask, fan.mask(*SIZE)))
    assert np.median(overlaps) >= 0.95, overlaps
    assert min(overlaps) >= 0.85, overlaps


@pytest.mark.parametrize("seed", [101, 102, 103])
def test_a_still_is_found_from_its_grey_levels(seed):
    frames, fan = scene(seed, frames=1)
    sector = find_sector(Clip(frames))
    assert iou(sector.mask, fan.mask(*SIZE)) > 0.93
    assert any("Nothing moves" in note for note in sector.notes)


@pytest.mark.parametrize("seed", [201, 202])
def test_a_frozen_clip_with_a_running_ecg_is_found(seed):
    rng = np.random.default_rng(seed)
    fan = random_fan(rng, *SIZE)
    frozen = np.repeat(speckle(rng, fan, 1, *SIZE), 8, axis=0)
    assert iou(find_sector(Clip(draw_screen(rng, frozen, fan))).mask, fan.mask(*SIZE)) > 0.93


def test_a_tinted_compressed_clip_is_found():
    frames, fan = scene(5)
    tinted = (frames * np.array([1.0, 0.85, 0.6])).astype(np.uint8)
    coded = [cv2.imdecode(cv2.imencode(".jpg", f, [cv2.IMWRITE_JPEG_QUALITY, 75])[1], 1) for f in tinted]
    sector = find_sector(Clip(np.array(coded)))
    assert iou(sector.mask, fan.mask(*SIZE)) > 0.85
    assert sector.overlay_mask.sum() < 0.02 * sector.mask.sum()  # the tint is not an overlay


def test_a_plain_crop_is_the_whole_image():
    wide = Fan((128, -40), -80, 80, 0, 420)
    rng = np.random.default_rng(0)
    for frames in (8, 1):
        sector = find_sector(Clip(speckle(rng, wide, frames, 256, 256)))
        assert sector.kind == "whole"
        assert sector.mask.all()
        assert sector.confidence > 0.6


def test_a_linear_probe_gives_a_rectangle():
    rng = np.random.default_rng(0)
    clip = np.zeros((8, *SIZE), np.uint8)
    clip[:, 20:180, 60:200] = speckle(rng, Fan((70, -60), -80, 80, 0, 300), 8, 160, 140)
    sector = find_sector(Clip(clip))
    truth = np.zeros(SIZE, bool)
    truth[20:180, 60:200] = True
    assert sector.kind == "rectangle"
    assert sector.fan is None
    assert iou(sector.mask, truth) > 0.97


def test_a_black_clip_is_the_whole_frame_without_confidence():
    for frames in (
        np.zeros((5, 60, 80), np.uint8),
        np.zeros((1, 60, 80, 3), np.uint8),
        np.full((3, 9, 9), 255, np.uint8),
    ):
        sector = find_sector(Clip(frames))
        assert sector.kind == "whole"
        assert sector.confidence == 0
        assert any("check" in note for note in sector.notes)


def test_of_two_panes_one_is_taken_and_said():
    rng = np.random.default_rng(3)
    fan = Fan((130, 8), -38, 38, 4, 150)
    pair = np.concatenate([speckle(rng, fan, 8, *SIZE), speckle(rng, fan, 8, *SIZE) // 2], axis=2)
    sector = find_sector(Clip(pair))
    assert iou(sector.mask, fan.mask(SIZE[0], 2 * SIZE[1])) > 0.93
    assert any("2 panes" in note for note in sector.notes)


def clip_file(frames: np.ndarray, regions: tuple[tuple[int, int, int, int], ...]) -> ClipFile:
    height, width = frames.shape[1:3]
    decode = partial(iter, frames)
    return ClipFile(
        Path("x.dcm"), "dicom", len(frames), height, width, 30.0, frames.ndim == 4, decode, regions=regions
    )


def test_regions_help_and_wrong_regions_are_ignored():
    frames, fan = scene(1)
    right = find_sector(clip_file(frames, ((0, 0, *SIZE),)))
    assert iou(right.mask, fan.mask(*SIZE)) > 0.93
    wrong = find_sector(clip_file(frames, ((0, 0, 60, 90),)))
    assert iou(wrong.mask, fan.mask(*SIZE)) > 0.93
    assert any("DICOM region" in note for note in wrong.notes)


# --- the overlay -------------------------------------------------------------------------------------------------


def test_text_inside_the_fan_is_overlay_and_the_main_bang_is_not():
    rng = np.random.default_rng(7)
    fan = Fan((130, 8), -38, 38, 10, 180)
    clip = speckle(rng, fan, 12, *SIZE)
    r, _ = fan.polar(*SIZE)
    bang = fan.mask(*SIZE) & (r < 14)
    clip[:, bang] = 255
    text = np.zeros(SIZE, np.uint8)
    cv2.putText(text, "DOE^JANE", (95, 150), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 255, 1)
    clip[:, text > 0] = 255
    sector = find_sector(Clip(clip))
    assert sector.overlay_mask[text > 128].mean() > 0.98
    assert sector.tissue_mask[bang].mean() > 0.9
    assert sector.overlay_mask[cv2.dilate(text, np.ones((7, 7), np.uint8)) == 0].mean() < 0.002
    assert not (sector.overlay_mask & sector.tissue_mask).any()


@pytest.mark.parametrize("frames", [2, 3, 8])
def test_speckle_that_stays_the_same_by_chance_is_no_overlay(frames):
    clip, _ = scene(1, frames, screen=False)
    sector = find_sector(Clip(clip))
    assert sector.overlay_mask.sum() < 0.002 * sector.mask.sum()
    cv2.putText(text := np.zeros(SIZE, np.uint8), "DOE", (105, 110), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1)
    clip[:, text > 0] = 255
    assert find_sector(Clip(clip)).overlay_mask[text > 128].mean() > 0.98


def as_jpeg(frames: np.ndarray, quality: int) -> np.ndarray:
    """The frames, uint8 (T, H, W), each compressed on its own, as DICOM cines are."""
    coded = [cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1] for frame in frames]
    return np.stack([cv2.imdecode(one, cv2.IMREAD_GRAYSCALE) for one in coded])


@pytest.mark.parametrize("frames", [8, 24])
def test_a_name_over_the_tissue_is_overlay_in_a_clip_of_jpegs(frames):
    clip = phantom_clip(3, frames=frames, want=("clean",))
    assert clip.clean is not None
    shown = clip.clean.numpy().copy()
    cv2.putText(
        text := np.zeros(shown.shape[1:], np.uint8), "DOE", (100, 140), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255
    )
    shown[:, text > 0] = 230
    sector = find_sector(Clip(as_jpeg(shown, 75)))
    assert sector.overlay_mask[text > 0].mean() > 0.8


@pytest.mark.parametrize("seed", [1, 4])
def test_a_short_clip_of_a_heart_loses_hardly_any_tissue(seed):
    """Its far field is bright and hardly moves within a sixth of a second."""
    clip = phantom_clip(
        seed, PhantomSettings(view_shares=(1.0, 0.0, 0.0, 0.0, 0.0)), frames=8, want=("clean",)
    )
    assert clip.clean is not None
    sector = find_sector(Clip(clip.clean.numpy()))
    assert sector.overlay_mask.sum() < 0.02 * sector.mask.sum()


def test_coloured_marks_inside_a_still_are_overlay():
    grey_frames, fan = scene(301, frames=1, screen=False)
    frames = np.repeat(grey_frames[..., None], 3, -1)
    x, y = int(fan.apex[0]), int(fan.apex[1] + 0.6 * fan.r_max)
    cv2.line(frames[0], (x - 20, y), (x + 20, y), (250, 240, 30), 1)
    sector = find_sector(Clip(frames))
    assert sector.overlay_mask[y, x - 20 : x + 20].all()
    assert sector.overlay_mask.sum() < 500


def test_a_fan_by_hand_keeps_its_numbers_and_must_lie_in_the_frame():
    frames, fan = scene(2)
    sector = sector_from_fan(fan, Clip(frames))
    assert sector.fan == fan
    assert (sector.mask == fan.mask(*SIZE)).all()
    for outside in (Fan((5000, 5000), -30, 30, 0, 100), Fan((50, 50), -30, 30, 0, 5)):
        with pytest.raises(SectorError, match="less than 1 %"):
            sector_from_fan(outside, Clip(frames))


def test_levels_are_the_percentiles_of_the_tissue_alone():
    frames, fan = scene(2)
    found, given = find_sector(Clip(frames)), sector_from_fan(fan, Clip(frames))
    for sector in (found, given):
        exact = np.percentile(grey(frames)[:, sector.tissue_mask], np.arange(101))
        assert len(sector.levels) == 101
        assert np.abs(np.array(sector.levels) - exact).max() <= 2  # subsampled
    brighter = sector_from_fan(fan, Clip(np.where(fan.mask(*SIZE)[..., None], frames, 255).astype(np.uint8)))
    assert brighter.levels[:99] == pytest.approx(given.levels[:99], abs=2)  # what lies outside does not count


# --- split and merge -----------------------------------------------------------------------------------------------


@pytest.fixture
def halved() -> Sector:
    """A sector over the left half of a 40 x 60 frame, with a mark in it."""
    tissue, overlay = np.zeros((40, 60), bool), np.zeros((40, 60), bool)
    overlay[20:22, 5:20] = True
    tissue[:, :30] = True
    return Sector("rectangle", tissue & ~overlay, overlay, 1.0)


def test_split_fills_the_overlay_and_blackens_the_rest(halved):
    frame = np.full((40, 60), 90, np.uint8)
    frame[20:22, 5:20] = 255
    tissue = split(frame, halved)
    assert (tissue[:, :30] == 90).all()
    assert (tissue[:, 30:] == 0).all()
    coloured = split(np.repeat(frame[..., None], 3, axis=-1), halved)
    assert (coloured == tissue).all()


def test_split_fills_even_a_wide_overlay():
    sector = Sector(
        "whole", np.arange(60)[None].repeat(40, 0) < 4, np.arange(60)[None].repeat(40, 0) >= 4, 1.0
    )
    assert (split(np.full((40, 60), 70, np.uint8), sector) == 70).all()


def test_split_is_quick_enough_for_every_frame(cine):
    frame = open_clip(cine).sample(1)[0]
    overlay = np.zeros(frame.shape[:2], bool)
    overlay[100:112, 100:180] = True
    sector = Sector("whole", ~overlay, overlay, 1.0)
    times = []
    for _ in range(25):
        start = time.thread_time()  # other work on the machine does not count
        split(frame, sector)
        times.append(time.thread_time() - start)
    assert min(times) < 0.003


def test_merge_touches_tissue_only(halved):
    rng = np.random.default_rng(0)
    enhanced = rng.integers(0, 256, (40, 60), dtype=np.uint8)
    for original in (
        rng.integers(0, 256, (40, 60), dtype=np.uint8),
        rng.integers(0, 256, (40, 60, 3), dtype=np.uint8),
    ):
        merged = merge(original, enhanced, halved.tissue_mask)
        assert merged.shape == original.shape
        assert (merged[~halved.tissue_mask] == original[~halved.tissue_mask]).all()
    assert (
        merge(enhanced, 255 - enhanced, halved.tissue_mask)[halved.tissue_mask]
        == (255 - enhanced)[halved.tissue_mask]
    ).all()


def test_merge_keeps_grey_pixels_grey(halved):
    rng = np.random.default_rng(1)
    original = np.repeat(rng.integers(0, 256, (40, 60, 1), dtype=np.uint8), 3, axis=-1)
    original[3, 3] = (10, 200, 30)  # one coloured pixel does not disturb the others
    enhanced = rng.integers(0, 256, (40, 60), dtype=np.uint8)
    merged = merge(original, enhanced, halved.tissue_mask)
    plain = halved.tissue_mask.copy()
    plain[3, 3] = False
    assert (merged[plain] == enhanced[plain][:, None]).all()


def test_merge_keeps_the_tint_of_the_clip(halved):
    level = np.random.default_rng(2).integers(0, 200, (40, 60))
    tint = np.array([1.15, 1.0, 0.55])
    original = np.rint(level[..., None] * tint).astype(np.uint8)
    lifted = np.clip(level + 30, 0, 200)
    enhanced = grey(np.rint(lifted[..., None] * tint).astype(np.uint8))
    merged = merge(original, enhanced, halved.tissue_mask)[halved.tissue_mask].astype(float)
    expected = (lifted[..., None] * tint)[halved.tissue_mask]
    assert np.abs(merged - expected).mean() < 3
    unchanged = merge(original, grey(original), halved.tissue_mask)
    assert np.abs(unchanged.astype(int) - original)[halved.tissue_mask].max() <= 2
