"""The maps: fixed colours on every frame, and sentences for each."""

import numpy as np
import pytest

from echogan.trust.map_styles import MAP_STYLES, MapInput, MapPainter, clip_tone


def test_map_colours_are_fixed_and_signed():
    image, tissue = np.full((1, 5), 100, np.uint8), np.array([[True] * 4 + [False]])
    values = np.array([[-64, 0, 64, 500, 64]], np.float32)
    red, green, blue = MapPainter(MAP_STYLES["difference"]).paint(image, values, tissue)[0].T.astype(int)
    assert blue[0] > red[0] + 100
    assert red[2] > blue[2] + 100
    np.testing.assert_allclose([red[1], green[1], blue[1]], 45, atol=3)  # zero: all but the dimmed image
    assert red[4] == green[4] == blue[4] == 45  # outside the tissue: the dimmed image
    assert (red[3], blue[3]) == (red[2], blue[2])  # beyond the scale: its end


def test_map_legend_is_css():
    legend = MAP_STYLES["cycle_error"].legend(5)
    assert len(legend) == 5
    assert all(colour.startswith("#") and len(colour) == 7 for colour in legend)


@pytest.mark.parametrize("style", MAP_STYLES.values(), ids=list(MAP_STYLES))
def test_every_map_says_what_it_shows_and_misses(style):
    assert style.shows.endswith(".")
    assert style.misses.endswith(".")
    assert style.signed == (style.low < 0)


def test_removed_is_blue_and_negative_and_added_is_red():
    tissue = np.ones((64, 64), bool)
    x = np.zeros((1, 64, 64), np.float32)
    g = x.copy()
    g[0, 10:30, 10:54], g[0, 36:56, 10:54] = -0.5, 0.5
    style = MAP_STYLES["removed_added"]
    values = style.compute(MapInput(x, x, g, x, tissue, clip_tone(x, x, tissue)))[0]
    assert values[20, 32] == pytest.approx(-0.5 * 127.5, rel=1e-2)
    assert values[46, 32] == pytest.approx(0.5 * 127.5, rel=1e-2)
    red, _, blue = (
        MapPainter(style).paint(np.zeros((64, 64), np.uint8), values, tissue).transpose(2, 0, 1).astype(int)
    )
    assert blue[20, 32] > red[20, 32] + 100
    assert red[46, 32] > blue[46, 32] + 100
