"""Statistics of synthetic frames whose values are known."""

import cv2
import numpy as np
import pytest

from echogan.core.geometry import Fan
from eval.realism.data import Picture
from eval.realism.statistics import (
    NAMES,
    autocorrelation,
    coherence,
    compare_statistics,
    describe,
    histogram,
    mean_spectrum,
    radial,
)

FAN = Fan((120, -1), -37, 37, 5, 230)
SHAPE = (240, 241)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=SHAPE).astype(np.float32)


def picture(grey: np.ndarray, group: str = "a") -> Picture:
    return Picture(grey.astype(np.float32), FAN, group)


def test_rings_are_one_across_the_beam_and_independent_along_it():
    r, _ = FAN.polar(*SHAPE)
    rings = np.interp(r, np.arange(0, 400, 3), np.random.default_rng(0).normal(size=134)).astype(np.float32)
    lateral, axial = autocorrelation(picture(rings), rings, 3.0)
    assert lateral > 0.97
    assert abs(axial) < 0.35


def test_isotropic_grain_correlates_as_the_gaussian_that_made_it():
    sigma, lag = 1.5, 2.0  # pixels; noise blurred by sigma correlates as exp(-lag^2 / (4 sigma^2))
    grain = cv2.GaussianBlur(noise(1), (0, 0), sigma)
    both = autocorrelation(picture(grain), grain, lag * 0.6)
    assert both == pytest.approx([np.exp(-(lag**2) / (4 * sigma**2))] * 2, abs=0.04)


def test_depths_choose_where_grain_is_measured():
    r, _ = FAN.polar(*SHAPE)
    grain = np.where(r * 0.6 < 70, cv2.GaussianBlur(noise(2), (0, 0), 2.5), 0.1 * noise(3))
    near = autocorrelation(picture(grain), grain, 1.2, (10, 60))
    far = autocorrelation(picture(grain), grain, 1.2, (80, 130))
    assert min(near) > 0.7
    assert max(np.abs(far)) < 0.1
    assert np.isnan(autocorrelation(picture(grain), grain, 1.2, (900, 999))).all()


def test_greys_are_measured_inside_the_fan():
    inside = picture(np.zeros(SHAPE)).mask
    shown = describe(picture(np.where(inside, 100 + 10 * noise(4), 255)))
    assert list(shown) == list(NAMES)
    assert shown["median grey"] == pytest.approx(100, abs=0.5)
    assert shown["90th percentile"] == pytest.approx(100 + 12.8, abs=0.6)
    assert shown["grain contrast"] == pytest.approx(10, abs=0.5)
    assert abs(shown["spectral slope"]) < 0.25  # white


def test_a_stripe_shows_at_its_frequency():
    x = np.arange(SHAPE[1])
    striped = picture(100 + 50 * np.cos(2 * np.pi * x / 8) * np.ones(SHAPE))
    frequency, power = radial(mean_spectrum([striped]), 0.6)
    assert frequency[power.argmax()] == pytest.approx(1 / (8 * 0.6), abs=0.02)


def test_histograms_are_shares_with_equal_weight_per_picture():
    dark, bright = picture(np.full(SHAPE, 2.0)), picture(np.full(SHAPE, 201.0))
    shares = histogram([dark, bright, bright, bright], bins=64)
    assert (shares[0], shares[50]) == pytest.approx((0.25, 0.75))


def test_coherence_is_one_for_a_still_and_none_for_noise():
    assert coherence([picture(noise(5))] * 3) == pytest.approx(1)
    assert abs(coherence([picture(noise(k)) for k in range(3)])) < 0.02
    mixed = [picture(noise(10) + noise(k)) for k in range(3)]  # half of the power stays
    assert coherence(mixed) == pytest.approx(0.5, abs=0.03)


def test_the_real_range_is_over_patients_not_stills():
    real = [picture(g + noise(k), f"p{k // 2}") for k, g in enumerate((90, 110, 100, 120, 110, 130))]
    same, dark = [picture(110 + noise(9), "0")], [picture(40 + noise(9), "1")]
    table = compare_statistics({"real": real, "ours": same, "dark": dark}, "real", "ours", "absent")
    assert table["median grey"]["inside"]
    assert table["median grey"]["real"]["p50"] == pytest.approx(110, abs=0.5)
    assert "absent" not in table["median grey"]
    assert not compare_statistics({"real": real, "dark": dark}, "real", "dark")["median grey"]["inside"]
