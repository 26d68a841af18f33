"""Original and enhanced beside each other: whole, exact, each under its title."""

import numpy as np
import pytest
from fake_checkpoint import speckle

from echogan.enhance.side_by_side import SideBySide, enhanced_title


@pytest.mark.parametrize("size", [(112, 112), (95, 121), (256, 256), (600, 800)])
def test_panes_are_whole_and_the_size_is_even(size):
    height, width = size
    left, right = speckle(2, height, width)
    panes = SideBySide(height, width, [("Original",), (enhanced_title(True), "echogan, strength 0.7")])
    frame = panes.frame(left, right)
    assert frame.shape == panes.size
    assert frame.shape[0] % 2 == frame.shape[1] % 2 == 0
    np.testing.assert_array_equal(frame[-height:, :width], left)
    gap = 2 * ((frame.shape[1] - 2 * width) // 2)
    assert 2 <= gap <= 0.1 * width
    starts = [
        x for x in range(width, width + gap + 1) if np.array_equal(frame[-height:, x : x + width], right)
    ]
    assert len(starts) == 1
    head = frame[:-height]
    assert head[:, :width].max() > 150
    assert head[:, -width:].max() > 150


def test_colour_where_one_pane_has_colour():
    left, right = speckle(2)
    right = np.stack([right, right // 2, right], -1)
    frame = SideBySide(96, 120, [("Original",), ("Enhanced",)]).frame(left, right)
    assert frame.shape[2] == 3
    np.testing.assert_array_equal(frame[-96:, :120], np.repeat(left[..., None], 3, -1))


def test_the_enhanced_pane_is_named_with_and_without_the_mark():
    assert enhanced_title(True) == "AI-enhanced, not for diagnosis"
    assert enhanced_title(False) == "Enhanced"
