"""Difference and cycle error against closed forms, and the streamed summary against numpy on the whole."""

import tracemalloc

import numpy as np
import pytest

from echogan.trust.residuals import MapSummary, cycle_error, difference

TISSUE = np.zeros((12, 10), bool)
TISSUE[2:9, 1:8] = True


def test_halving_has_a_closed_form():
    x = np.random.default_rng(0).uniform(-1, 1, (3, 12, 10)).astype(np.float32)
    signed = difference(x, x * 0.5, TISSUE)
    np.testing.assert_allclose(signed[:, TISSUE], -0.5 * x[:, TISSUE] * 127.5, rtol=1e-5)
    assert not signed[:, ~TISSUE].any()


def test_brighter_is_positive_and_the_unit_is_grey_levels():
    black, white = np.full((1, 12, 10), -1, np.float32), np.full((1, 12, 10), 1, np.float32)
    assert difference(black, white, TISSUE)[0, 5, 5] == 255
    assert difference(white, black, TISSUE)[0, 5, 5] == -255
    assert cycle_error(black, white, TISSUE)[0, 5, 5] == 255


def test_cycle_error_is_unsigned_masked_and_zero_for_a_perfect_cycle():
    x = np.linspace(-1, 1, 240, dtype=np.float32).reshape(2, 12, 10)
    assert not cycle_error(x, x, TISSUE).any()
    error = cycle_error(x, x - 0.2, TISSUE)
    np.testing.assert_allclose(error[:, TISSUE], 25.5, rtol=1e-4)
    assert not error[:, ~TISSUE].any()


def test_the_curve_counts_the_tissue_only():
    maps = np.full((2, 12, 10), 200, np.float32)
    maps[0, TISSUE], maps[1, TISSUE] = 3, 5
    summary = MapSummary(TISSUE)
    summary.add(maps)
    np.testing.assert_allclose(summary.curve, [3, 5])


@pytest.mark.parametrize("values", ["spread", "constant", "zero", "saturated"])
def test_streamed_summary_equals_the_whole(values):
    rng = np.random.default_rng(1)
    maps = {
        "spread": np.minimum(rng.exponential(12, (23, 12, 10)), 255),
        "constant": np.full((23, 12, 10), 7.3),
        "zero": np.zeros((23, 12, 10)),
        "saturated": np.full((23, 12, 10), 255.0),
    }[values].astype(np.float32)
    maps[:, ~TISSUE] = 0
    summary = MapSummary(TISSUE)
    for start in range(0, 23, 5):
        summary.add(maps[start : start + 5])
    inside = maps[:, TISSUE].astype(np.float64)
    assert summary.mean == pytest.approx(inside.mean())
    expected = np.percentile(inside, 99, method="inverted_cdf")
    assert summary.percentile(99) == pytest.approx(expected, abs=0.5 * 255 / 4080 + 1e-4)
    np.testing.assert_allclose(summary.curve, inside.mean(1))
    np.testing.assert_allclose(summary.mean_map, maps.mean(0), rtol=1e-5)


def test_summary_does_not_grow_with_the_clip():
    summary, maps = MapSummary(TISSUE), np.ones((8, 12, 10), np.float32)
    summary.add(maps)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(500):
        summary.add(maps)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 64 * 4000  # the curve: one float object and one pointer a frame
