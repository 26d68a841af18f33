"""Measures that follow the grade: planted contrast and speckle are recovered, and gain does not change them."""

import cv2
import numpy as np
import pytest

from eval.camus.grade_measures import NAMES, SIDE, grade_measures, speckle_correlation


def ring(
    blood: float = 40, wall: float = 100, noise: float = 0.0, blur=(1.0, 1.0)
) -> tuple[np.ndarray, np.ndarray]:
    """A disc of blood in a ring of wall, with correlated noise of a standard deviation; black and white at corners."""
    y, x = np.indices((SIDE, SIDE))
    radius = np.hypot(y - 112, x - 112)
    labels = np.where(radius < 40, 1, np.where(radius < 60, 2, 0)).astype(np.uint8)
    grain = cv2.GaussianBlur(
        np.random.default_rng(0).normal(size=labels.shape), (0, 0), sigmaX=blur[0], sigmaY=blur[1]
    )
    image = np.where(labels == 1, blood, np.where(labels == 2, wall, 70)) + noise * grain / grain.std()
    image[0, 0], image[-1, -1] = 0, 255
    return image.clip(0, 255).astype(np.uint8), labels


def test_planted_contrast_is_recovered_with_its_sign():
    found = grade_measures(*ring(40, 100))
    assert found["border_contrast"] == pytest.approx(60 / 255, abs=0.005)
    assert found["border_step"] == pytest.approx(60 / 255, abs=0.005)
    assert found["gcnr"] == pytest.approx(1)
    assert found["myocardium_sd"] == pytest.approx(0, abs=1e-6)
    inverse = grade_measures(*ring(100, 40))
    assert inverse["border_step"] == pytest.approx(-found["border_step"], abs=0.005)
    assert inverse["border_contrast"] == pytest.approx(found["border_contrast"], abs=0.005)


def test_contrast_far_from_the_border_does_not_count():
    image, labels = ring(100, 100)
    y, x = np.indices(labels.shape)
    image[np.hypot(y - 112, x - 112) < 30] = 10
    assert grade_measures(image, labels)["border_contrast"] == pytest.approx(0, abs=0.005)


def test_correlation_is_higher_along_the_planted_direction():
    wide = grade_measures(*ring(70, 120, 15, blur=(3, 0.7)))
    tall = grade_measures(*ring(70, 120, 15, blur=(0.7, 3)))
    assert wide["lateral_correlation"] > wide["axial_correlation"] + 0.3
    assert tall["axial_correlation"] > tall["lateral_correlation"] + 0.3
    white = np.random.default_rng(0).normal(0.5, 0.1, (SIDE, SIDE)).astype(np.float32)
    assert speckle_correlation(white, np.full(white.shape, True)) == pytest.approx((0, 0), abs=0.03)
    assert wide["myocardium_sd"] == pytest.approx(15 / 255, rel=0.15)


def test_gain_does_not_change_the_correlation():
    image, labels = ring(70, 120, 15, blur=(2, 1))
    flat = (image.astype(float) / 2 + 30).astype(np.uint8)
    flat[0, 0], flat[-1, -1] = 0, 255
    found, halved = grade_measures(image, labels), grade_measures(flat, labels)
    assert halved["lateral_correlation"] == pytest.approx(found["lateral_correlation"], abs=0.02)
    assert halved["border_contrast"] == pytest.approx(found["border_contrast"] / 2, rel=0.05)


def test_a_still_without_an_lv_has_no_measure():
    image, labels = ring()
    found = grade_measures(image, np.where(labels == 1, 0, labels).astype(np.uint8))
    assert set(found) == set(NAMES)
    assert all(np.isnan(value) for value in found.values())
