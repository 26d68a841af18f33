"""The measures of hazy clips against closed forms and planted results, and a run on a synthetic clip."""

import json

import cv2
import numpy as np
import pytest

from echogan.clips.clip import ClipFile
from echogan.clips.files import write_clip
from echogan.core.errors import EchoGANError
from eval.haze import haze
from eval.haze.clips import hazy_clips, polygon_mask
from eval.haze.measures import level_db, region_measures, region_ssim, structure_kept
from eval.measures.baselines import untouched

WALL = np.zeros((64, 64), bool)
WALL[8:56, 30:37] = True  # as thin as a septum in a clip of 256 pixels
CAVITY = np.zeros((64, 64), bool)
CAVITY[8:56, 42:60] = True


def speckled(seed: int = 0) -> np.ndarray:
    """Speckle-like texture with a bright wall: uint8 (5, 64, 64)."""
    rng = np.random.default_rng(seed)
    grain = np.stack([cv2.GaussianBlur(rng.normal(0, 1, (64, 64)), (0, 0), 1.2) for _ in range(5)])
    frames = 50 + 60 * WALL + 20 * grain / grain.std()
    return frames.clip(0, 255).astype(np.uint8)


def test_gcnr_is_one_less_the_overlap_of_the_two_histograms():
    frames = np.full((5, 64, 64), 100, np.uint8)  # bin 12 of 32
    frames[:, WALL] = 100
    frames[:, 8:32, 30:37] = 200  # half of the wall in another bin than the cavity
    assert region_measures(frames, frames, CAVITY, WALL)["gcnr"] == pytest.approx(0.5)


def test_cnr_and_levels_have_their_closed_form():
    rng = np.random.default_rng(0)
    before = np.full((5, 64, 64), 100, np.uint8)
    after = np.full((5, 64, 64), 50, np.uint8)
    after[:, WALL] = 200 + rng.choice([-6, 6], after[:, WALL].shape)
    after[:, CAVITY] = 50 + rng.choice([-8, 8], after[:, CAVITY].shape)
    found = region_measures(before, after, CAVITY, WALL)
    assert found["cnr"] == pytest.approx(150 / 10, rel=0.02)
    assert found["wall_db"] == pytest.approx(20 * np.log10(2), abs=0.02)
    assert found["cavity_db"] == pytest.approx(-20 * np.log10(2), abs=0.05)
    assert level_db(before, WALL) == pytest.approx(20 * np.log10(100 / 255))
    assert np.isfinite(level_db(np.zeros_like(before), WALL))


def test_an_unchanged_or_brighter_wall_keeps_its_structure():
    clip = speckled()
    assert structure_kept(clip, clip, WALL) == pytest.approx(1)
    curve = np.rint(255 * (np.arange(256) / 255) ** 0.6).astype(np.uint8)
    assert structure_kept(clip, curve[clip], WALL) > 0.98


@pytest.mark.parametrize("noise", ["speckle of another draw", "one grey level"])
def test_a_replaced_wall_keeps_hardly_any_structure(noise):
    clip = speckled()
    other = speckled(1) if noise == "speckle of another draw" else np.full_like(clip, 110)
    assert structure_kept(clip, np.where(WALL, other, clip), WALL) < 0.1


def test_more_blur_keeps_less_structure():
    clip = speckled()
    kept = [
        structure_kept(clip, np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in clip]), WALL)
        for sigma in (0.6, 1.2, 3)
    ]
    assert 1 > kept[0] > kept[1] > kept[2]


def test_pixels_beside_the_wall_do_not_count():
    clip = speckled()
    beside = np.where(WALL, clip, 0).astype(np.uint8)
    assert structure_kept(clip, beside, WALL) == pytest.approx(1)
    assert region_ssim(beside[0], clip[0], ~WALL) < 0.5


@pytest.fixture
def folder(tmp_path):
    """One clip with regions and one without, as the real ones lie."""
    y, x = np.mgrid[0:128, 0:128]
    rng = np.random.default_rng(0)
    fan = {"apex": [64, 4], "left_deg": -40, "right_deg": 40, "r_min": 3, "r_max": 118}
    inside = (np.hypot(x - 64, y - 4) < 118) & (np.abs(np.degrees(np.arctan2(x - 64, y - 4))) < 40)
    frames = (inside * rng.integers(40, 160, (10, 128, 128))).astype(np.uint8)
    for name in ("2", "32"):
        like = ClipFile(tmp_path / "frames", "video", 10, 128, 128, 30.0, False, lambda: iter(frames))
        write_clip(tmp_path / f"hazy_{name}.webm", frames, like)
        (tmp_path / f"hazy_{name}.webm").rename(tmp_path / f"hazy_{name}.mkv")
    square = {
        "cavity": [[50, 40], [60, 40], [60, 80], [50, 80]],
        "wall": [[66, 40], [72, 40], [72, 80], [66, 80]],
    }
    (tmp_path / "regions.json").write_text(json.dumps({"fan": fan, "frame": 4, "2": square}))
    return tmp_path


def test_a_clip_is_measured_with_both_sectors(folder):
    methods = {"input": untouched, "dark": lambda frames, sector: frames // 2}
    clips = list(hazy_clips(folder))
    assert [clip.name for clip in clips] == ["2", "32"]
    found = {clip.name: haze.measure(clip, methods)[0] for clip in clips}
    assert found["2"]["fan_iou"] > 0.9
    measured = found["2"]["rows"]
    for kind in ("found", "given"):
        assert measured["input"][kind] | {"gcnr": 0, "cnr": 0, "wall_level_db": 0} == {
            "gcnr": 0, "cnr": 0, "wall_level_db": 0, "wall_db": 0, "cavity_db": 0,
            "structure": pytest.approx(1), "flicker": 1, "change": 0,
        }  # fmt: skip
        assert measured["dark"][kind]["wall_db"] == pytest.approx(-20 * np.log10(2), abs=0.1)
        assert measured["dark"][kind]["flicker"] == pytest.approx(0.5, abs=0.05)
    assert set(found["32"]["rows"]["dark"]["found"]) == {"flicker", "change"}
    middle = haze.means(found)["dark"]["found"]
    assert middle["wall_db"] == measured["dark"]["found"]["wall_db"]
    assert middle["greatest_flicker"] == max(c["rows"]["dark"]["found"]["flicker"] for c in found.values())


def test_quick_reads_the_frames_near_the_measured_one(folder):
    with_regions, without = hazy_clips(folder, quick=True)
    full = next(hazy_clips(folder))
    np.testing.assert_array_equal(with_regions.frames, full.frames[2:7])
    assert with_regions.frames[with_regions.near].shape == full.frames[full.near].shape
    assert len(without.frames) == 10


def test_without_clips_it_says_so_and_writes_nothing(tmp_path, capsys):
    haze.main(haze.HazeSettings(data=tmp_path / "none", out=tmp_path / "haze.json"))
    assert "No hazy clips" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_a_folder_without_clips_is_refused(tmp_path):
    (tmp_path / "regions.json").write_text('{"fan": {"apex": [64, 4], "left_deg": -40, "right_deg": 40, '
                                           '"r_min": 3, "r_max": 118}, "frame": 4}')  # fmt: skip
    with pytest.raises(EchoGANError, match="another --data"):
        list(hazy_clips(tmp_path))


def test_polygons_are_filled_with_their_edge():
    mask = polygon_mask([[10, 20], [14, 20], [14, 22], [10, 22]], (30, 40))
    assert mask.sum() == 5 * 3
    assert mask[20:23, 10:15].all()


def test_the_oracle_is_not_among_the_models():
    checkpoints = [{"name": "one", "sha256": "1"}, {"name": "oracle", "sha256": "2"}]
    found = haze.facts(checkpoints, haze.HazeSettings())
    assert found["models"] == checkpoints[:1]
    assert found["oracle"] == checkpoints[1]
