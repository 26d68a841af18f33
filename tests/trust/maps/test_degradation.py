"""Haze is explained, removed and added discs are not."""

import numpy as np
import pytest
from discs import SIZE, disc

from echogan.trust.maps.degradation import explained_degradation
from echogan.trust.maps.tone import tone_matched


def test_a_tone_change_leaves_next_to_nothing(tissue, speckle):
    x = speckle(2)
    for g in (x, np.sqrt(x)):
        found = explained_degradation(x, g, tissue)
        assert np.abs(found).mean() < 0.002
        assert np.abs(found).max() < 0.05


def test_haze_is_explained_here_and_seen_by_the_tone_matched_residual(tissue, speckle):
    g = speckle(1)
    rows = np.mgrid[:SIZE, :SIZE][0]
    haze = 0.15 * np.exp(-(((rows - 40) / 60) ** 2))
    x = np.where(tissue, g + haze, 0).astype(np.float32)
    explained, matched = (
        np.abs(f(x, g, tissue))[:, tissue].mean() for f in (explained_degradation, tone_matched)
    )
    assert matched > 0.015
    assert explained < 0.4 * matched


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_disc_has_its_sign(tissue, speckle, sign):
    without = speckle(1)
    with_disc = np.clip(without + 0.35 * disc(80, 64, 7), 0, 1).astype(np.float32)
    x, g = (with_disc, without) if sign < 0 else (without, with_disc)
    found = sign * explained_degradation(x, g, tissue)[0]
    assert found[disc(80, 64, 4)].mean() > 0.12
    assert np.abs(found[tissue & ~disc(80, 64, 16)]).mean() < 0.03
    assert not found[~tissue].any()
