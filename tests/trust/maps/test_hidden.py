"""The hidden-information gap of generators that keep, hide and lose what they see."""

import numpy as np
import pytest
from discs import disc

from echogan.trust.maps.hidden import hidden_information

BLOBS = disc(60, 64, 5) | disc(90, 50, 5) | disc(90, 85, 5)


@pytest.fixture
def blobs(tissue) -> np.ndarray:
    return np.where(BLOBS, 0.8, np.where(tissue, 0.3, 0)).astype(np.float32)[None]


@pytest.fixture
def plain(tissue) -> np.ndarray:
    return np.where(tissue, np.float32(0.3), np.float32(0))[None]


def test_erased_and_restored_is_hidden(tissue, blobs, plain):
    assert hidden_information(blobs, plain, blobs, tissue) == pytest.approx(1, abs=1e-3)


def test_kept_or_lost_is_not_hidden(tissue, blobs, plain):
    assert hidden_information(blobs, blobs, blobs, tissue) == pytest.approx(0, abs=1e-3)
    assert hidden_information(blobs, plain, plain, tissue) == pytest.approx(0, abs=1e-3)


def test_a_tone_change_is_not_hidden(tissue, speckle):
    x = speckle(2)
    assert hidden_information(x, np.sqrt(x), x, tissue) == pytest.approx(0, abs=0.02)


def test_it_is_the_median_blob(tissue, blobs, plain):
    one_erased = np.where(disc(60, 64, 12), plain, blobs)
    assert hidden_information(blobs, one_erased, blobs, tissue) == pytest.approx(0, abs=0.05)


def test_none_without_blobs(tissue, plain):
    assert hidden_information(plain, plain, plain, tissue) is None
