"""Flicker of the result alone is seen; that of the input alone, of both, and motion are not."""

import numpy as np
import pytest
from discs import disc

from echogan.trust.maps.flicker import flicker_excess

PLACE = disc(80, 64, 8)
BLINK = np.array([0, 1, 0, 1, 0, 1, 0], np.float32)[:, None, None]


@pytest.fixture
def still(speckle) -> np.ndarray:
    return np.repeat(speckle(1), len(BLINK), axis=0)


def blinking(frames: np.ndarray) -> np.ndarray:
    return np.clip(frames + 0.3 * BLINK * PLACE, 0, 1).astype(np.float32)


def test_flicker_of_the_result_alone_has_its_deviation(tissue, still):
    found = flicker_excess(still, blinking(still), tissue)
    centre = found[3][
        disc(80, 64, 2)
    ].mean()  # of 1, 0, 1, 0, 1: 0.3 * sqrt(6) / 5, less what smoothing takes
    assert centre == pytest.approx(0.3 * np.sqrt(6) / 5, rel=0.1)
    assert np.abs(found[:, ~disc(80, 64, 24)]).max() < 0.01


def test_flicker_of_the_input_is_not_positive(tissue, still):
    assert flicker_excess(blinking(still), still, tissue).max() < 0.01
    np.testing.assert_array_equal(flicker_excess(blinking(still), blinking(still), tissue), 0)


def test_a_disc_that_moves_in_both_is_no_flicker(tissue, speckle):
    moving = np.stack([disc(80, 54 + 3 * t, 9) for t in range(7)])
    x = np.where(moving, 0.9, 0.7 * speckle(1)).astype(np.float32)
    g = np.where(moving & tissue, 1, 0.3 * speckle(1)).astype(np.float32)
    found = flicker_excess(x, g, tissue)
    unwarped = np.std(g[1:6], axis=0)
    assert unwarped.max() > 0.3
    assert np.abs(found[3]).mean() < 0.1 * unwarped[tissue].mean()


def test_a_still_has_none(tissue, speckle):
    for n in (1, 2):
        assert not flicker_excess(speckle(n), speckle(n, seed=1), tissue).any()
