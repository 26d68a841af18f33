"""The measures that fall with the grade, against closed forms and against what makes a frame poor."""

import numpy as np
import pytest

from eval.realism.grades import MEASURES, compare_grades, high_frequency, measures


def test_high_frequency_of_a_wave_is_its_closed_form():
    """A wave of 4 pixels and amplitude 50: its deviation times what a Gaussian of one pixel takes away."""
    wave = 128 + 50 * np.sin(2 * np.pi * np.arange(224) / 4)
    image = np.rint(np.tile(wave, (224, 1))).astype(np.uint8)
    left = np.exp(-0.5 * (2 * np.pi / 4) ** 2)
    assert high_frequency(image) == pytest.approx(50 / np.sqrt(2) / 255 * (1 - left), rel=0.02)
    image[:, :100] = 0
    assert high_frequency(image) == pytest.approx(50 / np.sqrt(2) / 255 * (1 - left), rel=0.05)


def test_a_hazy_flat_copy_has_less_spread_and_less_contrast():
    rng, labels = np.random.default_rng(0), np.zeros((224, 224), np.uint8)
    labels[40:180, 60:160], labels[60:160, 80:140] = 2, 1
    good = np.where(labels == 2, 150.0, 40.0) + rng.normal(0, 20, labels.shape)
    good[0, 0], good[0, 1] = 0, 255  # so that both are stretched alike
    poor = 60 + 0.5 * good
    poor[0, 0], poor[0, 1] = 0, 255
    clear, hazy = (
        dict(zip(MEASURES, measures(np.clip(im, 0, 255).astype(np.uint8), labels), strict=True))
        for im in (good, poor)
    )
    assert hazy["myocardium_sd"] == pytest.approx(0.5 * clear["myocardium_sd"], rel=0.05)
    assert hazy["border_contrast"] == pytest.approx(0.5 * clear["border_contrast"], rel=0.05)


def test_real_and_simulated_frames_are_compared(shared_data):
    rows = compare_grades(shared_data / "camus", [1, 2])
    assert tuple(rows) == MEASURES
    for row in rows.values():
        assert row["CAMUS ratio"] == pytest.approx(row["CAMUS Poor"] / row["CAMUS Good"], rel=0.01)
        assert row["phantom ratio"] == pytest.approx(row["phantom degraded"] / row["phantom clean"], rel=0.05)
    assert rows["border_contrast"]["CAMUS ratio"] < 1
