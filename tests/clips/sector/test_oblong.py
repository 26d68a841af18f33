"""A sector in pixels that are not square is an ellipse; its place and its angles are found all the same."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from drawn_echo import FAN, clip_of, drawn_echo, overlap

from echogan.clips.sector.find_sector import find_sector, sector_from_fan
from echogan.core.geometry import Fan


def squeezed(aspect: float) -> Fan:
    """The drawn fan in a frame whose pixels are `aspect` times as wide as high."""
    return replace(FAN, apex=(119.5 / aspect, 12.0), aspect=aspect)


@pytest.mark.parametrize("aspect", [4 / 3, 2.0, 0.75])
def test_the_fan_is_found_with_its_angles(aspect):
    fan, width = squeezed(aspect), round(240 / aspect)
    sector = find_sector(clip_of(drawn_echo(fan, width=width), pixel_aspect=aspect))
    assert sector.fan is not None
    assert sector.mask.shape == (180, width)
    assert overlap(sector.mask, fan.mask(180, width)) > 0.95
    assert sector.fan.aspect == pytest.approx(aspect, rel=0.01)
    assert sector.fan.left_deg == pytest.approx(-37, abs=2)
    assert sector.fan.right_deg == pytest.approx(37, abs=2)
    assert sector.fan.r_max == pytest.approx(150, abs=4)
    assert not any("squeezed" in note for note in sector.notes)
    assert overlap(sector.fan.mask(180, width), sector.mask) > 0.97


def test_square_pixels_give_what_they_gave():
    sector = find_sector(clip_of(drawn_echo()))
    assert sector.fan is not None
    assert sector.fan.aspect == 1


def test_a_fan_by_hand_takes_the_aspect_of_the_clip_unless_it_has_its_own():
    clip = clip_of(drawn_echo(squeezed(2.0), width=120), pixel_aspect=2.0)
    by_hand = sector_from_fan(replace(squeezed(2.0), aspect=1.0), clip)
    assert np.array_equal(by_hand.mask, squeezed(2.0).mask(180, 120))
    own = replace(squeezed(2.0), aspect=1.5)
    assert sector_from_fan(own, clip).fan == own


@pytest.mark.parametrize("aspect", [2.0, 0.5])
def test_text_over_the_tissue_is_found_as_in_square_pixels(aspect):
    ink = np.zeros((180, 240), np.uint8)
    cv2.putText(ink, "MARGARETHE", (84, 97), cv2.FONT_HERSHEY_SIMPLEX, 0.38, 255, 1)
    frames = drawn_echo(frames=16)
    frames[:, ink > 0] = 235
    clip = clip_of(frames)  # drawn in stored pixels, as a screen's text is where the tags alone say otherwise
    core = (ink > 0) & FAN.mask(180, 240)
    square = find_sector(clip).overlay_mask[core].mean()
    assert square > 0.97
    assert find_sector(replace(clip, pixel_aspect=aspect)).overlay_mask[core].mean() >= square - 0.01
