"""The preview: the still is unreadable outside the sector where asked, and its facts are the clip's."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from echogan.clips.clip import ClipFile
from echogan.clips.sector.clip_sample import ClipSample
from echogan.clips.sector.sector_confidence import CHECK_BELOW
from echogan.core.errors import UnreadableClip
from echogan.core.geometry import Fan, Sector
from echogan.ui.enhance.clip_preview import (
    ClipPreview,
    blur_outside,
    open_preview,
    preview_value,
    sector_note,
)
from echogan.ui.player.player import as_json


def a_preview(confidence: float = CHECK_BELOW, kind="fan", durations=None) -> ClipPreview:
    rng = np.random.default_rng(0)
    frame = np.zeros((240, 320), np.uint8)
    cv2.putText(frame, "DOE JANE", (4, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1)
    fan = Fan((160.0, 30.0), -38.0, 38.0, 5.0, 190.0)
    inside = fan.mask(240, 320)
    frame[inside] = rng.integers(0, 255, inside.sum())
    clip = ClipFile(Path("clip"), "gif", 2, 240, 320, 10.0, False, lambda: iter([frame, frame]), durations)
    sector = Sector(kind, inside, np.zeros_like(inside), confidence, fan)
    return ClipPreview(clip, ClipSample(frame[None]), sector)


def test_the_blur_keeps_the_tissue_and_hides_the_text():
    found = a_preview()
    shown = blur_outside(found.first, found.sector)
    inside = found.sector.tissue_mask
    assert np.array_equal(shown[inside], found.first[inside])
    text = np.s_[4:26, 2:100]
    letters = found.first[text].astype(float)
    assert letters.std() > 60
    assert shown[text].astype(float).std() < 20
    # The letters' strokes are gone: hardly any step between neighbours is left.
    assert np.abs(np.diff(shown[text].astype(float), axis=1)).max() < 12


def test_large_letters_on_a_large_frame_are_hidden_as_well():
    frame = np.zeros((1440, 1920), np.uint8)
    cv2.putText(frame, "DOE JANE", (20, 120), cv2.FONT_HERSHEY_SIMPLEX, 3, 255, 6)
    nothing = np.zeros(frame.shape, bool)
    letters = frame > 0
    shown = blur_outside(frame, Sector("rectangle", nothing, nothing, 1.0)).astype(float)
    text = np.s_[55:122, 20:450]
    coarse = cv2.blur(letters.astype(np.float32), (101, 101))[text] * 255
    assert np.abs(shown[text] - coarse).max() < 70  # no more than a blur of a letter's width tells
    assert np.abs(shown[text][letters[text]].mean() - shown[text][~letters[text]].mean()) < 12


def test_a_coloured_frame_is_blurred_too():
    found = a_preview()
    colour = np.repeat(found.first[..., None], 3, axis=2)
    assert np.array_equal(blur_outside(colour, found.sector)[..., 1], blur_outside(found.first, found.sector))


def test_the_preview_says_the_clips_facts(tmp_path):
    shown = as_json(preview_value(a_preview(durations=(40.0, 60.0)), tmp_path, blackout=True))
    assert (shown["frames"], shown["width"], shown["height"]) == (2, 320, 240)
    assert shown["starts"] == [0.0, 0.04, 0.1]
    assert shown["media"] == {}
    assert cv2.imread(shown["still"]["path"]).shape == (240, 320, 3)


@pytest.mark.parametrize(("confidence", "unsure"), [(CHECK_BELOW - 0.01, True), (CHECK_BELOW + 0.01, False)])
def test_low_confidence_asks_the_reader_to_look(confidence, unsure):
    found = a_preview(confidence)
    assert found.unsure is unsure
    assert ("adjust" in sector_note(found, False)) is unsure


def test_a_rectangle_is_outlined_and_said(tmp_path):
    frame = np.zeros((240, 320), np.uint8)
    inside = np.zeros(frame.shape, bool)
    inside[30:200, 40:300] = True
    clip = ClipFile(Path("clip"), "gif", 1, 240, 320, 10.0, False, lambda: iter([frame]))
    sector = Sector("rectangle", inside, np.zeros_like(inside), 0.5)
    shown = as_json(
        preview_value(ClipPreview(clip, ClipSample(frame[None]), sector), tmp_path, blackout=False)
    )
    assert shown["sector"]["box"] == [40, 30, 300, 200]
    assert shown["sector"]["fan"] is None
    assert "rectangle" in shown["sector"]["note"]
    assert as_json(preview_value(a_preview(), tmp_path, blackout=False))["sector"]["box"] is None


def test_a_fan_that_the_visitor_drew_is_known_from_one_that_was_found(tmp_path):
    found, drawn = (
        as_json(preview_value(a_preview(c), tmp_path, blackout=False))["sector"] for c in (CHECK_BELOW, 1.0)
    )
    assert (found["given"], drawn["given"]) == (False, True)
    assert drawn["note"] == "Sector as you set it."


def test_a_whole_image_warns_that_nothing_is_blacked_out():
    assert "names" in sector_note(a_preview(0.0, "whole"), blackout=True)
    assert "names" not in sector_note(a_preview(0.0, "whole"), blackout=False)


def test_the_cine_is_opened(cine):
    found = open_preview(cine)
    assert (found.clip.frames, found.clip.width, found.clip.height) == (30, 320, 240)
    assert not found.unsure
    by_hand = found.with_fan(Fan((160.0, 10.0), -38.0, 38.0, 5.0, 220.0))
    assert by_hand.sector.fan == Fan((160.0, 10.0), -38.0, 38.0, 5.0, 220.0)


def test_a_text_file_is_refused(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_text("this is no clip\n" * 100)
    with pytest.raises(UnreadableClip):
        open_preview(path)
