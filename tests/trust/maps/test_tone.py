"""The tone curve on known tone changes, and the residual on discs whose smoothed height is known."""

import numpy as np
import pytest
from discs import SIZE, disc
from scipy.ndimage import gaussian_filter

from echogan.trust.maps.smoothing import SPECKLE
from echogan.trust.maps.tone import QUANTILES, ToneCurve, quantiles, tone_matched


def test_the_identity_leaves_nothing_even_beyond_the_frames_of_the_fit(tissue, speckle):
    x = speckle(3)
    darker = 0.7 * x[:1]
    curve = ToneCurve.fit(darker, darker, tissue)
    np.testing.assert_allclose(tone_matched(x, x, tissue, curve), 0, atol=1e-6)


@pytest.mark.parametrize("tone", [np.sqrt, lambda x: x**2, lambda x: 0.2 + 0.7 * x, lambda x: x * 0 + 0.5])
def test_a_tone_change_leaves_nothing(tissue, speckle, tone):
    x = speckle(2)
    g = np.where(tissue, tone(x), 0).astype(np.float32)
    assert np.abs(tone_matched(x, g, tissue)).max() < 0.01


@pytest.mark.parametrize("height", [-0.3, 0.3])
def test_a_disc_has_its_sign_and_its_smoothed_height(tissue, height):
    # Each grey level appears as often in the disc as out of it, so that the disc hardly moves the curve.
    x = np.where(tissue, np.random.default_rng(0).uniform(0.3, 0.7, (1, SIZE, SIZE)), 0).astype(np.float32)
    change = height * disc(80, 64, 7)
    g = (x + change).astype(np.float32)
    found = tone_matched(x, g, tissue, ToneCurve.fit(x, x, tissue))[0]
    expected = gaussian_filter(change, SPECKLE * SIZE)
    inner = disc(80, 64, 20)
    np.testing.assert_allclose(found[inner], expected[inner], atol=2e-3)
    fitted = tone_matched(x, g, tissue)[0]
    assert fitted[80, 64] == pytest.approx(expected[80, 64], abs=0.04)
    assert np.abs(fitted[tissue & ~inner]).max() < 0.03
    assert not fitted[~tissue].any()


def test_a_tone_change_does_not_hide_an_erased_disc(tissue, speckle):
    background = speckle(1)
    x = np.clip(background + 0.4 * disc(80, 64, 7), 0, 1).astype(np.float32)
    found = tone_matched(x, np.sqrt(background), tissue)[0]
    assert found.min() == found[disc(80, 64, 3)].min()
    assert found.min() < -0.15


def test_points_of_one_input_become_one():
    curve = ToneCurve.through(np.array([0, 0, 0.5]), np.array([0.1, 0.3, 0.6]))
    np.testing.assert_allclose(curve(np.array([0, 0.25, 0.5, 0.7])), [0.2, 0.4, 0.6, 0.76], rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1, 2, 64, 65, 66, 8001])
def test_quantiles_are_numpys_bit_for_bit(dtype, size):
    for values in (np.random.default_rng(size).random(size), np.full(size, 0.3)):
        values = values.astype(dtype)
        assert np.array_equal(quantiles(values), np.quantile(values, QUANTILES))
