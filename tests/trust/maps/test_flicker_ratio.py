"""The flicker ratio: what moves evenly does not count, what jumps does."""

import numpy as np
import pytest

from echogan.trust.maps.flicker_ratio import FlickerRatio

TISSUE = np.ones((32, 32), bool)
NOISE = np.random.default_rng(0).random((9, 32, 32)).astype(np.float32)


def ratio(x, g, size=9):
    found = FlickerRatio(TISSUE)
    for start in range(0, len(x), size):
        found.add(x[start : start + size], g[start : start + size])
    return found.ratio


def test_the_ratio_of_a_scaled_clip_is_the_scale_in_chunks_of_any_size():
    for size in (1, 2, 4, 9):
        assert ratio(NOISE, 0.7 * NOISE, size) == pytest.approx(0.7, rel=1e-5)


def test_an_even_change_of_brightness_is_no_flicker_and_a_jump_is():
    even = NOISE + np.linspace(0, 1, 9, dtype=np.float32)[:, None, None]
    assert ratio(NOISE, even) == pytest.approx(1, rel=1e-4)
    jumping = NOISE + 0.5 * (np.arange(9) % 2).astype(np.float32)[:, None, None]
    assert ratio(NOISE, jumping) > 2


def test_too_short_or_frozen_clips_have_none():
    assert ratio(NOISE[:2], NOISE[:2]) is None
    assert ratio(np.repeat(NOISE[:1], 5, 0), NOISE[:5]) is None
