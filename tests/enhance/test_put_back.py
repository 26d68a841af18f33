"""What of a change is taken back: nothing is added to black."""

import numpy as np
import pytest

from echogan.enhance.put_back import BLACK_LEVEL, keep_black


def test_nothing_is_added_to_black_all_to_tissue_and_removal_stays():
    level = np.zeros((1, 64, 96), np.float32)
    level[..., 48:] = 100  # grey levels: black on the left, tissue on the right
    x = level / 127.5 - 1
    brighter, darker = np.minimum(x + 0.2, 1), np.maximum(x - 0.2, -1)
    held = keep_black(x, brighter)
    far = np.s_[..., :30]  # ten sigma from the tissue
    assert np.array_equal(held[far], x[far])
    assert np.array_equal(held[..., 48:], brighter[..., 48:])
    assert np.array_equal(keep_black(x, darker), darker)


def test_half_of_the_black_level_lets_half_of_an_addition_through():
    x = np.full((2, 32, 32), BLACK_LEVEL / 2 / 127.5 - 1, np.float32)
    assert keep_black(x, x + 0.4) == pytest.approx(x + 0.2, abs=1e-5)
