"""The canonical grey curve: its closed form, its inverse, and the same levels for a clip under any power."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from echogan.core.grey_curve import (
    REFERENCE,
    STRONGEST,
    STRONGEST_LIFTED,
    TOE,
    VISIBLE,
    GreyCurve,
    canonical_curve,
)

PERCENT = np.arange(101)


def tissue(seed: int = 0, black: float = 0.0) -> np.ndarray:
    """Grey levels of 0 to 1 of a clip, a share of them black."""
    rng = np.random.default_rng(seed)
    grey = np.clip(rng.gamma(3.0, 0.11, 40_000), 0, 1)
    grey[: int(black * len(grey))] = 0
    return grey


def shown(grey: np.ndarray, power: float) -> np.ndarray:
    """As eight bits under a power, the percentiles of the levels 0 to 255."""
    return np.percentile(np.rint(255 * grey**power), PERCENT)


def test_ends_stay_in_place_and_the_middle_follows_the_formula():
    curve = GreyCurve(0.5)
    y = curve.to_canonical(np.array([-1.0, 0.0, 1.0]))
    low, high = TOE**0.5, (1 + TOE) ** 0.5
    assert y == pytest.approx([-1, 2 * ((0.5 + TOE) ** 0.5 - low) / (high - low) - 1, 1])


@given(st.floats(1 / STRONGEST, STRONGEST), st.lists(st.floats(-1, 1), min_size=1, max_size=20))
def test_the_way_back_is_the_inverse_and_order_is_kept(power, levels):
    curve, x = GreyCurve(power), np.sort(np.array(levels))
    y = curve.to_canonical(x)
    assert np.allclose(curve.to_display(y), x, atol=1e-6)
    assert (np.diff(y) >= 0).all()
    assert y.min() >= -1 - 1e-9
    assert y.max() <= 1 + 1e-9


def test_tensors_and_arrays_give_the_same():
    x = np.linspace(-1, 1, 33)
    for there in (GreyCurve(1.7).to_canonical, GreyCurve(1.7).to_display):
        assert np.allclose(there(torch.from_numpy(x)).numpy(), there(x))


def test_the_median_of_visible_tissue_comes_to_the_reference():
    levels = shown(tissue(black=0.3), 1.6)
    y = canonical_curve(levels).to_canonical(levels / 127.5 - 1) / 2 + 0.5
    assert np.median(y[y > VISIBLE]) == pytest.approx(REFERENCE, abs=0.01)


@pytest.mark.parametrize("power", [0.5, 0.7, 1.4, 2.0])
@pytest.mark.parametrize("black", [0.0, 0.3])
def test_a_clip_under_another_power_gets_the_same_canonical_levels(power, black):
    grey = tissue(1, black)
    as_is, other = (
        canonical_curve(shown(grey, p)).to_canonical(np.rint(255 * grey**p) / 127.5 - 1) for p in (1, power)
    )
    assert np.abs(as_is - other).mean() * 127.5 < 3


@pytest.mark.parametrize("levels", [[], [0, 0, 0], np.zeros(101)])
def test_nothing_to_see_leaves_the_clip_alone(levels):
    assert canonical_curve(levels) == GreyCurve(1.0)
    x = np.linspace(-1, 1, 9)
    assert np.array_equal(GreyCurve(1.0).to_canonical(x), x)


def test_the_powers_are_bounded():
    assert canonical_curve([255.0] * 101).power == pytest.approx(STRONGEST, rel=0.01)
    assert canonical_curve([2.0] * 101).power == pytest.approx(1 / STRONGEST, rel=0.01)


def test_black_tissue_is_lifted_to_the_dark_level_and_comes_back():
    levels = shown(tissue(black=0.3), 1.3)
    curve, x = canonical_curve(levels, 0.1), levels / 127.5 - 1
    y = curve.to_canonical(x)
    assert np.percentile(y / 2 + 0.5, 5) == pytest.approx(0.1, abs=1e-3)
    assert np.median(y / 2 + 0.5) == pytest.approx(REFERENCE, abs=0.01)
    assert np.allclose(curve.to_display(y), x, atol=1e-6)
    assert curve.to_display(np.array([-1.0])) == pytest.approx(-1)


def test_tissue_without_black_is_not_lifted():
    levels = 255 * np.linspace(0.4, 0.6, 101)
    assert canonical_curve(levels, 0.1) == canonical_curve(levels)


@pytest.mark.parametrize("power", [0.5, 0.7, 1.4, 2.0])
def test_a_lifted_clip_under_another_power_gets_the_same_canonical_levels(power):
    grey = tissue(1, 0.3)
    as_is, other = (
        canonical_curve(shown(grey, p), 0.1).to_canonical(np.rint(255 * grey**p) / 127.5 - 1)
        for p in (1, power)
    )
    assert np.abs(as_is - other).mean() * 127.5 < 3


def test_a_lifted_clip_is_brightened_within_bounds():
    levels = shown(tissue(black=0.9), 1.0)
    assert canonical_curve(levels, 0.1).power >= STRONGEST_LIFTED * canonical_curve(levels).power - 1e-4
