"""The flagged map: one byte says which of two probabilities is larger, and how large."""

import numpy as np
import pytest

from echogan.trust.flagged import FLAGGED, flag_codes, flagged


def test_the_larger_probability_decides_and_its_size_can_be_read():
    rng = np.random.default_rng(0)
    removed, invented = rng.random((2, 3, 20, 20), np.float32)
    codes = flag_codes(removed, invented).astype(float)
    assert ((codes > 128) == (np.rint(127 * invented) > 0) * (invented > removed)).all()
    assert np.abs(codes - 128) / 127 == pytest.approx(np.maximum(removed, invented), abs=0.5 / 127 + 1e-6)


def test_nothing_is_128_and_certainty_is_at_the_ends():
    zero, one = np.zeros((1, 2, 2), np.float32), np.ones((1, 2, 2), np.float32)
    assert (flag_codes(zero, zero) == 128).all()
    assert (flag_codes(zero, one) == 255).all()
    assert (flag_codes(one, zero) == 1).all()


def test_the_threshold_holds_for_both_signs():
    p = np.array([0, 0.3, 0.5, 0.7, 1], np.float32)
    expected = [False, False, True, True, True]
    assert flagged(flag_codes(p, 0 * p), 0.5).tolist() == expected
    assert flagged(flag_codes(0 * p, p), 0.5).tolist() == expected


def test_its_look_reads_the_same_codes():
    signed = np.linspace(-1, 1, 41, dtype=np.float32)
    codes = flag_codes(np.maximum(-signed, 0), np.maximum(signed, 0))
    assert np.array_equal(FLAGGED.codes(signed), codes)
    colours = FLAGGED.table()[0][codes]
    assert colours[0, 2] > colours[0, 0]  # removed is blue
    assert colours[-1, 0] > colours[-1, 2]  # added is red
