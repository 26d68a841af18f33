"""Spread and idempotence of functions whose answers are known."""

import cv2
import numpy as np
import pytest
from discs import SIZE, disc
from scipy.ndimage import gaussian_filter

from echogan.trust.maps.smoothing import SPECKLE
from echogan.trust.maps.stability import TRANSFORMS, equivariance_spread, gamma, idempotence, noise, shift


def test_a_function_of_each_pixel_does_not_spread_when_shifted(tissue, speckle):
    found = equivariance_spread(np.sqrt, speckle(2), tissue, [shift(1, 0), shift(-1, -2)])
    inside = cv2.erode(tissue.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    np.testing.assert_allclose(found[:, inside], 0, atol=1e-6)


def test_the_identity_does_not_spread_under_gamma(tissue, speckle):
    found = equivariance_spread(lambda x: x, speckle(1), tissue, [gamma(0.9), gamma(1.1)])
    np.testing.assert_allclose(found, 0, atol=1e-6)


def test_an_invention_at_a_fixed_place_spreads_with_the_shift(tissue, speckle):
    def invent(x: np.ndarray) -> np.ndarray:
        return np.where(disc(80, 64, 7), np.float32(1), x)

    found = equivariance_spread(invent, speckle(1), tissue, [shift(0, 20)])[0]
    change = np.where(disc(80, 64, 7), 1 - speckle(1)[0], 0)
    half = (
        gaussian_filter(change, SPECKLE * SIZE) / 2
    )  # the deviation of two values is half of their difference
    np.testing.assert_allclose(found[disc(80, 64, 6)], half[disc(80, 64, 6)], atol=5e-3)
    assert found[disc(80, 44, 3)].mean() > 0.1
    assert found[~disc(80, 54, 30)].max() < 0.01
    assert not found[~tissue].any()


def test_the_spread_is_the_same_again_and_for_each_frame_alone(tissue, speckle):
    x = speckle(3)
    whole = equivariance_spread(np.sqrt, x, tissue)
    parts = [equivariance_spread(np.sqrt, x[i : i + 1], tissue, TRANSFORMS) for i in range(3)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_noise_has_its_deviation_and_leaves_black_alone(tissue, speckle):
    x = speckle(1)
    change = noise(0.03, seed=1).forward(x) - x
    assert change[:, tissue].std() == pytest.approx(0.03, rel=0.05)
    assert not change[:, ~tissue].any()


def test_idempotence_is_the_size_of_the_second_change(tissue, speckle):
    g = speckle(2)
    assert not idempotence(g, g, tissue).any()
    found = idempotence(g, g - np.float32(0.2), tissue)
    np.testing.assert_allclose(found[:, tissue], 0.2, rtol=1e-3)
    assert not found[:, ~tissue].any()
