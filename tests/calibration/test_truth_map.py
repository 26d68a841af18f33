"""The truth map on drawn images: what counts as erased, invented, unverifiable and faithful."""

import numpy as np
import pytest

from echogan.calibration.truth_map import error_against, smoothed, truth_map

SIZE = 96
TISSUE = np.zeros((SIZE, SIZE), bool)
TISSUE[8:-8, 8:-8] = True
SUPPORT = np.ones((SIZE, SIZE))


def disc(y, x, radius=10):
    rows, columns = np.mgrid[:SIZE, :SIZE]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


LESION, OTHER = disc(30, 30), disc(64, 64)
TRUTH = np.where(disc(30, 64, 14), 0.1, 0.4) + 0.4 * LESION  # tissue, a cavity, and a lesion


def found(x, g, support=SUPPORT, lesion=LESION, truth=TRUTH):
    return truth_map(x, g, truth, lesion, support, TISSUE)


def test_the_truth_itself_is_faithful_up_to_brightness_and_contrast():
    for g in (TRUTH, 0.6 * TRUTH + 0.2):
        seen = found(TRUTH, g)
        assert not (seen.erased | seen.invented | seen.unverifiable).any()
        assert (seen.faithful == TISSUE).all()


def test_a_removed_lesion_is_erased_where_it_was():
    seen = found(TRUTH, np.where(LESION, 0.4, TRUTH))
    assert seen.erased[disc(30, 30, 7)].all()
    assert not seen.erased[~LESION].any()
    assert not seen.invented.any()
    assert not (seen.faithful & seen.erased).any()


def test_a_removed_wall_is_neither_erased_nor_faithful():
    truth = TRUTH + 0.4 * OTHER
    seen = found(truth, np.where(OTHER, 0.4, truth), truth=truth)
    assert not (seen.erased | seen.faithful)[disc(64, 64, 6)].any()


def test_a_painted_spot_is_invented_where_the_input_could_have_shown_it():
    painted = np.where(OTHER, 0.8, TRUTH)
    seen = found(TRUTH, painted)
    assert seen.invented[disc(64, 64, 7)].all()
    assert not seen.invented[~disc(64, 64, 13)].any()
    unseen = found(TRUTH, painted, np.where(disc(64, 64, 16), 0.2, 1.0))
    assert not unseen.invented.any()
    assert unseen.unverifiable[disc(64, 64, 7)].all()
    assert not unseen.faithful[disc(64, 64, 16)].any()


def test_haze_that_stays_was_not_invented_and_a_lesion_that_was_lost_before_not_erased():
    hazy = np.where(disc(30, 64, 14), 0.5, TRUTH)
    assert not found(hazy, hazy).invented.any()
    lost = np.where(LESION, 0.4, TRUTH)
    assert not found(lost, lost).erased.any()


def test_a_lesion_that_was_faint_before_can_still_be_erased_and_haze_be_painted_over():
    faint = np.where(LESION, 0.55, TRUTH)
    assert found(faint, np.where(LESION, 0.4, TRUTH)).erased[disc(30, 30, 6)].all()
    assert not found(faint, faint).erased.any()
    hazy = np.where(disc(30, 64, 14), 0.35, TRUTH)
    assert found(hazy, np.where(disc(30, 64, 8), 0.8, hazy)).invented[disc(30, 64, 5)].all()


def test_smoothing_keeps_a_constant_up_to_the_rim_and_nothing_outside():
    assert smoothed(np.full((SIZE, SIZE), 0.7), TISSUE)[TISSUE] == pytest.approx(0.7)
    assert not smoothed(np.ones((SIZE, SIZE)), TISSUE)[~TISSUE].any()


def test_the_error_of_an_affine_copy_is_nothing():
    image = np.random.default_rng(0).random((SIZE, SIZE))
    assert np.abs(error_against(0.3 * image + 0.1, image, TISSUE)).max() < 1e-9
