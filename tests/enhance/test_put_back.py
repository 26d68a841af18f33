"""What of a change is taken back or done once more: black, haze that is left, and the original where flagged."""

import numpy as np
import pytest

from echogan.core.grey_curve import ECHO, GreyCurve
from echogan.enhance.put_back import (
    BLACK_LEVEL,
    CLEAR,
    EDGE,
    HAZY,
    Levels,
    black_level,
    keep_black,
    keep_original,
    keep_weights,
    more_removed,
)


def test_nothing_is_added_to_black_all_to_tissue_and_removal_stays():
    level = np.zeros((1, 64, 96), np.float32)
    level[..., 48:] = 100  # grey levels: black on the left, tissue on the right
    x = level / 127.5 - 1
    brighter, darker = np.minimum(x + 0.2, 1), np.maximum(x - 0.2, -1)
    held = keep_black(x, brighter, BLACK_LEVEL)
    far = np.s_[..., :30]  # ten sigma from the tissue
    assert np.array_equal(held[far], x[far])
    assert np.array_equal(held[..., 48:], brighter[..., 48:])
    assert np.array_equal(keep_black(x, darker, BLACK_LEVEL), darker)


def test_half_of_the_black_level_lets_half_of_an_addition_through():
    x = np.full((2, 32, 32), BLACK_LEVEL / 2 / 127.5 - 1, np.float32)
    assert keep_black(x, x + 0.4, BLACK_LEVEL) == pytest.approx(x + 0.2, abs=1e-5)


def test_the_black_level_of_a_clip_shown_very_dark_is_that_of_its_faint_tissue():
    assert black_level(GreyCurve()) == BLACK_LEVEL
    assert black_level(GreyCurve(0.8)) == BLACK_LEVEL
    dark = GreyCurve(0.35)  # shown dark: the curve brightens it
    level = black_level(dark)
    assert level < BLACK_LEVEL
    canonical = dark.to_canonical(np.float64(level / 127.5 - 1))
    assert (canonical + 1) / 2 == pytest.approx(ECHO)


@pytest.mark.parametrize("curve", [GreyCurve(), GreyCurve(0.4), GreyCurve(2.5)])
def test_what_is_clear_and_what_is_hazy_is_so_on_the_canonical_curve(curve):
    levels = Levels.of(curve)
    assert levels.black == black_level(curve)
    canonical = curve.to_canonical(np.array([levels.clear, levels.hazy]))
    assert (canonical + 1) / 2 == pytest.approx([CLEAR, HAZY])


def test_more_is_removed_where_the_result_is_hazy_still_and_nowhere_else():
    levels = Levels(BLACK_LEVEL, clear=-0.8, hazy=-0.6)
    x = np.full((1, 1, 6), 0.4, np.float32)
    g = np.array(
        [[[0.0, -0.6, -0.7, -0.8, -0.9, 0.7]]], np.float32
    )  # bright, hazy, between, clear, darker, added to
    found = more_removed(x, g, 0.2, levels)
    assert found - g == pytest.approx(np.array([[[-0.08, -0.2, -0.11, 0, 0, 0]]]), abs=1e-6)
    assert more_removed(x, g, 1.0, levels).min() >= -1
    assert more_removed(x, g, 0.0, levels) is g


def test_the_original_is_kept_where_flagged_and_fades_out_around_it():
    mask = np.zeros((40, 60), bool)
    mask[10:20, 20:40] = True
    weights = keep_weights(mask)
    assert (weights[mask] == 255).all()
    # Rows away from the block's lower side: 1 to EDGE in equal steps, then nothing.
    steps = [round(255 * (1 - away / (EDGE + 1))) for away in range(1, EDGE + 1)]
    assert weights[20 : 20 + EDGE, 30].tolist() == steps
    assert not weights[20 + EDGE :, 30].any()
    assert not keep_weights(np.zeros((4, 4), bool)).any()


@pytest.mark.parametrize("channels", [(), (3,)])
def test_what_is_kept_is_the_original_and_the_rest_the_result(channels):
    rng = np.random.default_rng(1)
    original, enhanced = rng.integers(0, 256, (2, 80, 120, *channels), np.uint8)
    mask = np.zeros((40, 60), bool)
    mask[10:20, 20:40] = True
    shown = keep_original(original, enhanced, keep_weights(mask))
    assert np.array_equal(shown[21:39, 41:79], original[21:39, 41:79])
    far = np.s_[60:]
    assert np.array_equal(shown[far], enhanced[far])
    between = shown.astype(int)
    assert (between >= np.minimum(original, enhanced)).all()
    assert (between <= np.maximum(original, enhanced)).all()


def test_a_fifth_of_the_weight_is_a_fifth_of_the_original():
    original, enhanced = np.full((4, 4), 10, np.uint8), np.full((4, 4), 110, np.uint8)
    shown = keep_original(original, enhanced, np.full((2, 2), 51, np.uint8))
    assert (shown == 90).all()
