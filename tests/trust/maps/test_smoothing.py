"""The smoothing against scipy's Gaussian, and at the rim."""

import numpy as np
from scipy.ndimage import gaussian_filter

from echogan.trust.maps.smoothing import SPECKLE, smooth


def test_far_from_the_rim_it_is_a_gaussian():
    image = np.random.default_rng(0).random((2, 96, 96), np.float32)
    found = smooth(image, np.ones((96, 96), bool))
    expected = gaussian_filter(image, (0, 96 * SPECKLE, 96 * SPECKLE))
    np.testing.assert_allclose(found[:, 20:-20, 20:-20], expected[:, 20:-20, 20:-20], atol=2e-3)


def test_a_constant_keeps_its_value_up_to_the_rim_whatever_lies_outside(tissue):
    frames = np.where(tissue, np.float32(0.3), np.float32(0.9))[None]
    for share in (SPECKLE, 0.16):
        found = smooth(frames, tissue, share)
        np.testing.assert_allclose(found[0][tissue], 0.3, rtol=1e-4)
        assert not found[0][~tissue].any()
