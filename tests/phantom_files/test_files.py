"""Simulated pairs as files: what is written, whole or not at all, lesions beside their controls, the sheet."""

import dataclasses
import json
import threading

import numpy as np
import pytest
from PIL import Image

from echogan.clips.files import open_clip
from echogan.core.errors import Cancelled, OutputError, SettingsError
from echogan.phantom import PHANTOM_VERSION
from echogan.phantom.lesions import CARRIED_BY, LESIONS
from echogan.phantom.render import phantom_clip
from echogan.phantom.tissues import Tissue
from echogan.phantom_files import files as phantom_files
from echogan.phantom_files import pairs as phantom_pairs
from echogan.phantom_files.contact_sheet import (
    CAPTION,
    COLOURS,
    LEGEND,
    MOST_ROWS,
    Sheet,
    colour,
    main_degradations,
)
from echogan.phantom_files.files import write_pairs
from echogan.phantom_files.pairs import Pair, PairSettings, pairs

SMALL = PairSettings(clips=1, seed=3, frames=2, view="A4C")
STEM = "phantom_00003_A4C"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    seen = []
    write_pairs(folder, SMALL, lambda done, total: seen.append((done, total)))
    return folder, seen


@pytest.fixture(scope="module")
def clip():
    return phantom_clip(3, frames=2, want=phantom_pairs.WANTED, view="A4C")


def test_the_files_hold_the_clip(written, clip):
    folder, seen = written
    names = {f"{STEM}_clean.mp4", f"{STEM}_degraded.mp4", f"{STEM}.npz", f"{STEM}.json", "sheet.png"}
    assert {path.name for path in folder.iterdir()} == names
    assert seen == [(2, 2)]
    with np.load(folder / f"{STEM}.npz", allow_pickle=False) as arrays:
        for name in ("clean", "degraded", "labels", "lesion_mask", "support", "sector_mask"):
            expected = getattr(clip, name).numpy()
            assert arrays[name].dtype == expected.dtype
            assert np.array_equal(arrays[name], expected), name
        assert tuple(arrays["fan"]) == clip.fan
        inside = json.loads(str(arrays["truth"]))
    truth = json.loads((folder / f"{STEM}.json").read_text())
    assert truth == inside
    assert (truth["phantom_version"], truth["seed"], truth["view"]) == (PHANTOM_VERSION, 3, "A4C")


def test_the_clips_open_and_show_the_frames(written, clip):
    for kind in ("clean", "degraded"):
        file = open_clip(written[0] / f"{STEM}_{kind}.mp4")
        frames = np.stack(list(file.decode()))
        assert file.fps == pytest.approx(clip.truth["frame_rate"], rel=0.01)
        grey = frames[..., 0] if frames.ndim == 4 else frames
        assert np.abs(grey.astype(float) - getattr(clip, kind).numpy()).mean() < 4


def test_a_lesion_stands_beside_its_control(tmp_path):
    settings = dataclasses.replace(SMALL, lesion="mass", format="npz")
    assert write_pairs(tmp_path, settings) == 2
    control = next(tmp_path.glob("*_mass_control.npz"))
    lesion = tmp_path / control.name.replace("_control", "")
    with np.load(lesion) as ill, np.load(control) as healthy:
        truth, control_truth = (json.loads(str(arrays["truth"])) for arrays in (ill, healthy))
        assert ill["lesion_mask"].any()
        assert not healthy["lesion_mask"].any()
        away = ~ill["lesion_mask"].any(0) & ill["sector_mask"]
        assert np.mean(ill["labels"][:, away] != healthy["labels"][:, away]) < 0.01
    assert truth["lesion"]["kind"] == "mass"
    assert truth["degradation"] == control_truth["degradation"]
    assert not list(tmp_path.glob("*.mp4"))


def test_a_lesion_draws_only_views_that_carry_it():
    for lesion in LESIONS:
        made = pairs(PairSettings(clips=2, frames=1, lesion=lesion))
        views = [next(made).clip.truth["view"] for _ in range(2)]
        assert set(views) <= set(CARRIED_BY[lesion])


def test_hearts_without_room_for_the_lesion_are_passed_over_and_not_for_ever(monkeypatch):
    real = phantom_pairs.Phantom

    def without(view, seed, *rest, **more):
        made = real(view, seed, *rest, **more)
        made.lesion = None if seed < 5 else made.lesion
        return made

    monkeypatch.setattr(phantom_pairs, "Phantom", without)
    settings = dataclasses.replace(SMALL, lesion="effusion", frames=1)
    assert next(pairs(settings)).name == "phantom_00005_A4C_effusion"
    monkeypatch.setattr(phantom_pairs, "MOST_BARREN", 1)
    with pytest.raises(SettingsError, match="None of 2 hearts"):
        next(pairs(settings))


def test_cancelling_keeps_whole_pairs_and_no_others(tmp_path):
    cancel = threading.Event()
    settings = dataclasses.replace(SMALL, clips=3, frames=1)
    with pytest.raises(Cancelled):
        write_pairs(tmp_path, settings, lambda done, total: cancel.set(), cancel)
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == [f"{STEM}.json", f"{STEM}.npz", f"{STEM}_clean.mp4", f"{STEM}_degraded.mp4"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_pair_that_fails_half_way_leaves_nothing(tmp_path, clip, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(phantom_files.NpzStream, "put", fail)
    with pytest.raises((KeyboardInterrupt, OutputError)):
        phantom_files.write_pair(tmp_path, Pair(clip, ""), "mp4")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", ["webm", "gif", "dcm"])
def test_other_formats(tmp_path, clip, suffix):
    phantom_files.write_pair(tmp_path, Pair(clip, ""), suffix)
    assert open_clip(tmp_path / f"{STEM}_degraded.{suffix}").frames == 2


def test_the_sheet_shows_all_four_and_stops_growing(written, clip):
    picture = np.asarray(Image.open(written[0] / "sheet.png"))
    size = clip.sector_mask.shape[0]
    assert picture.shape == (LEGEND + CAPTION + size, 4 * size, 3)
    row = picture[LEGEND + CAPTION :]
    assert np.array_equal(row[:, :size, 0], clip.clean[1].numpy())
    labels = clip.labels[1].numpy()
    at = tuple(np.argwhere(labels == Tissue.LV)[0])
    assert tuple(row[at[0], 2 * size + at[1]]) == COLOURS[Tissue.LV]
    assert len(set(COLOURS.values())) == len(Tissue)
    assert picture[LEGEND : LEGEND + CAPTION].max() > 150  # a caption
    sheet = Sheet()
    for _ in range(MOST_ROWS + 3):
        sheet.add(clip)
    assert len(sheet.rows) == MOST_ROWS


def test_support_has_fixed_colours_and_degradations_short_names(clip):
    inside = np.ones((1, 2), bool)
    low, high = colour(np.array([[0, 255]], np.uint8), inside)[0]
    assert tuple(low) == (68, 1, 84)  # both ends of viridis
    assert tuple(high) == (253, 231, 37)
    named = main_degradations(clip.truth["degradation"] | {"haze_db": -12.34, "jpeg_quality": 40})
    assert "haze -12 dB" in named
    nothing = dict.fromkeys(clip.truth["degradation"])
    assert main_degradations(nothing) == "nothing"
