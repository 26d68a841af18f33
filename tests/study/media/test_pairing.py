"""Pairs that match, and the sentences about those that do not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_checkpoint import clip_of, speckle

from echogan.clips.files import write_clip
from echogan.core.errors import StudyError
from echogan.core.geometry import Fan
from echogan.study.media.pairing import open_pair
from echogan.study.media.sources import Source

FAN = Fan.parse("60,2,-38,38,3,86")


def clip(
    folder: Path, name: str, frames: int = 6, fps: float = 25.0, seed: int = 0, gain: float = 1.0, **size
) -> Path:
    made = speckle(frames, size.get("height", 96), size.get("width", 120), seed) * gain
    made = np.where(FAN.mask(*made.shape[1:]), made, 0).astype(np.uint8)
    write_clip(folder / name, made, clip_of(made, fps, path=folder / "source.avi"))
    return folder / name


@pytest.fixture
def source(tmp_path) -> Source:
    enhanced = clip(tmp_path, "Doe-better.mkv.mp4", gain=0.7)
    return Source("line 2 of the list", clip(tmp_path, "Doe.gif"), "Doe", enhanced, sector=FAN)


def test_a_pair_that_matches_is_opened_with_the_sector_of_its_original(source):
    pair = open_pair(source)
    frames = list(pair.frames(None))
    assert len(frames) == 6
    one, other = np.stack([a for a, _ in frames]), np.stack([b for _, b in frames])
    assert one.shape == other.shape == (6, 96, 120)
    tissue = pair.sector.tissue_mask
    assert other[:, tissue].mean() / one[:, tissue].mean() == pytest.approx(0.7, abs=0.02)


def test_a_row_that_an_mp4_had_to_add_is_cut_off(tmp_path):
    original = clip(tmp_path, "a.gif", height=95, width=119)
    given = Source(
        "clip 1", original, "a", clip(tmp_path, "b.mp4", gain=0.7, height=95, width=119), sector=FAN
    )
    pair = open_pair(given)
    assert pair.enhanced is not None
    assert (pair.enhanced.height, pair.enhanced.width) == (96, 120)
    assert {frame.shape for both in pair.frames(None) for frame in both} == {(95, 119)}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"frames": 7}, "the original has 6 frames and the enhanced clip 7"),
        ({"fps": 20.0}, r"25.0 frames per second and the enhanced clip 20.0"),
        ({"width": 140}, "120 x 96 pixels and the enhanced clip 140 x 96"),
        ({"gain": 1.0}, "both arms are the same picture"),
        ({"seed": 9}, "do not show the same clip"),
    ],
)
def test_arms_that_do_not_match_are_refused_without_names(source, tmp_path, change, sentence):
    other = clip(tmp_path, "Doe-other.gif", **{"gain": 0.7, **change})
    if "seed" in change:  # the same waves in another place are alike: take something else altogether
        shuffled = np.random.default_rng(3).integers(0, 255, (6, 96, 120)).astype(np.uint8)
        write_clip(other, shuffled, clip_of(shuffled, path=tmp_path / "source.avi"))
    with pytest.raises(StudyError, match=sentence) as caught:
        open_pair(replace(source, enhanced=other))
    assert "line 2 of the list" in str(caught.value)
    assert "Doe" not in str(caught.value)


def test_what_is_no_clip_is_told_without_its_name(source, tmp_path):
    (tmp_path / "Doe.txt").write_text("no clip")
    with pytest.raises(StudyError, match="In line 2 of the list: 'the file' is not a clip") as caught:
        open_pair(replace(source, original=tmp_path / "Doe.txt"))
    assert "Doe" not in str(caught.value)


def test_a_clip_without_a_sector_is_refused(source, tmp_path):
    blank = np.full((4, 96, 120), 30, np.uint8)
    write_clip(tmp_path / "blank.gif", blank, clip_of(blank, path=tmp_path / "source.avi"))
    with pytest.raises(StudyError, match="no sector was found"):
        open_pair(replace(source, original=tmp_path / "blank.gif", enhanced=None, sector=None))
