"""The maps: fixed colours on every frame, and sentences for each."""

import numpy as np
import pytest

from echogan.trust.map_styles import MAP_STYLES, MapPainter


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
