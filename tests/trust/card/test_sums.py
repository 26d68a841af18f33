"""The card's sums: shares of drawn probabilities, the frame that is shown, and chunks that do not matter."""

from dataclasses import replace

import numpy as np
import pytest


def test_shares_and_regions_of_the_drawn_squares(drawn, sums_of):
    numbers = sums_of(drawn).numbers()
    assert numbers.frames == 20
    assert numbers.removed == pytest.approx(64 / 4096)
    assert numbers.added == pytest.approx(5 * 256 / (20 * 4096))
    assert numbers.red == pytest.approx(64 / 4096)
    assert numbers.hidden_walls == pytest.approx(64 / 4096 / 2)
    assert [(one.kind, one.pixels, one.frames) for one in numbers.regions] == [
        ("added", 256, 5),
        ("removed", 64, 20),
    ]
    np.testing.assert_allclose(numbers.features, drawn.features.mean(0), rtol=1e-5)


def test_chunks_change_nothing(drawn, sums_of):
    whole, parts = (sums_of(drawn, size) for size in (20, 3))
    a, b = whole.numbers(), parts.numbers()
    assert a.flicker_ratio == pytest.approx(b.flicker_ratio, rel=1e-6)
    assert replace(a, flicker_ratio=0) == replace(b, flicker_ratio=0)
    assert whole.picture.frame == parts.picture.frame
    np.testing.assert_array_equal(whole.picture.map, parts.picture.map)


def test_halving_halves_the_flicker(drawn, sums_of):
    assert sums_of(drawn).numbers().flicker_ratio == pytest.approx(0.5, rel=1e-5)


def test_the_picture_is_of_the_largest_region(drawn, sums_of):
    picture = sums_of(drawn, 4).picture
    assert picture.flagged
    assert (picture.frame, picture.box) == (5, (8, 24, 24, 40))
    assert picture.map[10, 30] == pytest.approx(0.5)
    assert picture.map[42, 12] == pytest.approx(-0.9)


def test_without_a_calibration_the_picture_is_of_the_largest_residual(drawn, sums_of):
    plain = replace(drawn, removed=None, invented=None)
    plain.residual[13] = -0.9
    sums = sums_of(plain, 4, thresholds=None)
    assert not sums.picture.flagged
    assert (sums.picture.frame, sums.picture.box) == (13, None)
    numbers = sums.numbers()
    assert numbers.hidden_walls is not None, "it needs no calibration"
    assert sums_of(replace(drawn, hidden_walls=None)).numbers().hidden_walls is None
    assert (numbers.removed, numbers.added, numbers.red, numbers.regions) == (None, None, None, [])


def test_the_maps_of_full_mode_are_averaged(drawn, sums_of):
    spread = np.full_like(drawn.x, 0.25)
    spread[:10] = 0.15
    numbers = sums_of(replace(drawn, spread=spread, idempotence=spread / 2), 3).numbers()
    assert numbers.spread == pytest.approx(0.2)
    assert numbers.idempotence == pytest.approx(0.1)
    assert sums_of(drawn).numbers().spread is None
