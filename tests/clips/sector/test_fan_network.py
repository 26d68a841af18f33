"""What the fan network sees, and the frame's way into its square and back."""

import numpy as np
import pytest

from echogan.clips.sector.fan_network import CHANNELS, SIDE, WEIGHTS, Square, network_input


def test_the_weights_are_small():
    assert WEIGHTS.stat().st_size < 1_000_000


@pytest.mark.parametrize("box", [(0, 0, 240, 320), (10, 40, 210, 140), (0, 0, 31, 31)])
def test_a_place_in_the_square_is_its_place_in_the_frame(box):
    top, left, bottom, right = box
    square = Square.around(box)
    rows, columns = np.mgrid[top:bottom, left:right].astype(np.float32)
    # An image of coordinates, shrunk, holds the mean coordinate of each cell; at the rim of an enlarged one it is off.
    near = 0.02 / square.scale if square.scale < 1 else 0.5
    assert np.abs(square.shrink(rows) - square.y).max() <= near
    assert np.abs(square.shrink(columns) - square.x).max() <= near


def test_what_lies_around_the_frame_is_not_usable():
    level = np.full((60, 120), 50, np.float32)
    square = Square.around((0, 0, 60, 120))
    maps = network_input(level, level, level, np.ones(level.shape, bool), square)
    assert maps.shape == (CHANNELS, SIDE, SIDE)
    assert maps[3].mean() == pytest.approx(0.5)
    assert maps[0, square.rows, square.columns] == pytest.approx(np.log(51) / np.log(256), abs=1e-5)
