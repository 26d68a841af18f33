"""Inserted lesions have the level, the speckle and the edge that they are to have, and leave the rest as it was."""

import cv2
import numpy as np
import pytest
from drawn_heart import BLOOD, GRAIN, MM, MUSCLE, SPREAD, heart
from scipy.stats import ks_2samp

from echogan.phantom.draw import Draw
from eval.camus.stills import degrade
from eval.semireal import insert
from eval.semireal.insert import autocorrelation, correlated, degraded_clip, semireal_clip
from eval.semireal.lesions import StillLesion
from eval.simulated.lesion_cases import make_case

PER_DB = 255 / 60  # of a display of 60 dB


def ball(level_db, at=(95, 128), radius_cm=0.9):
    """A round lesion: in the LV, or in the septum."""
    rows, columns = np.indices(heart().labels.shape)
    distance = (np.hypot(rows - at[0], columns - at[1]) * MM / 10 - radius_cm).astype(np.float32)
    kind = "mass" if level_db is not None else "septal-defect"
    return StillLesion(kind, distance, distance < 0, level_db)


@pytest.fixture
def even(monkeypatch):
    """No slow changes of level, so that the mean is known."""
    monkeypatch.setattr(insert, "SLOW_DB", dict.fromkeys(insert.SLOW_DB, 0.0))


@pytest.mark.parametrize("level_db", [-6.0, 0.0, 2.0])
def test_a_solid_lesion_has_its_level_against_the_muscle_with_the_haze_on_top(even, level_db):
    still, lesion = heart(), ball(level_db)
    images = [insert.inserted(still, lesion, Draw(seed)) for seed in range(8)]
    core = lesion.distance < -0.4
    own = MUSCLE + PER_DB * level_db
    # Energies add up: the level of two together, for a blood of BLOOD.
    expected = own + PER_DB * 10 * np.log10(1 + 10 ** ((BLOOD - own) / PER_DB / 10))
    assert np.mean([image[core].mean() for image in images]) == pytest.approx(expected, abs=3)
    assert np.mean([image[core].std() for image in images]) == pytest.approx(SPREAD, rel=0.2)


def test_a_hole_looks_like_the_blood(even):
    still = heart()
    hole = ball(None, at=(95, 82), radius_cm=0.4)
    image = insert.inserted(still, hole, Draw(2))
    assert still.image[hole.distance < -0.2].mean() > MUSCLE - 15
    assert image[hole.distance < -0.2].mean() == pytest.approx(BLOOD, abs=15)


def test_only_the_lesion_and_its_soft_edge_change(even):
    still, lesion = heart(), ball(0.0)
    image = insert.inserted(still, lesion, Draw(3)).astype(float)
    change = np.abs(image - still.image)
    assert change[lesion.distance > 0.5].max() == 0
    rings = [
        change[(lesion.distance > a) & (lesion.distance <= a + 0.1)].mean() for a in (-0.3, -0.1, 0.0, 0.2)
    ]
    assert rings == sorted(rings, reverse=True)
    assert 0.2 * rings[0] < rings[1] < 0.95 * rings[0]


def test_the_autocorrelation_of_blurred_noise_is_that_of_its_blur():
    noise = np.random.default_rng(0).normal(size=(160, 200)).astype(np.float32)
    blurred = 20 * cv2.GaussianBlur(noise, (0, 0), sigmaX=2.0, sigmaY=1.0)
    found, middle = autocorrelation(blurred), insert.LAGS
    for lag in (1, 2, 3):  # exp(-lag^2 / (4 sigma^2)), but for the window and the evened brightness
        assert found[middle, middle + lag] == pytest.approx(np.exp(-(lag**2) / 16), abs=0.12)
        assert found[middle + lag, middle] == pytest.approx(np.exp(-(lag**2) / 4), abs=0.12)
    made = correlated(np.random.default_rng(1).normal(size=(200, 240)), found)
    assert made.std() == pytest.approx(1)
    for lag in (1, 2, 3):
        alike = [np.mean(made[:, lag:] * made[:, :-lag]), np.mean(made[lag:] * made[:-lag])]
        assert alike[0] == pytest.approx(found[middle, middle + lag], abs=0.06)
        assert alike[1] == pytest.approx(found[middle + lag, middle], abs=0.06)


def test_speckle_has_the_grey_levels_of_the_tissue_that_lends_it_and_its_grain():
    still, lesion = heart(), ball(0.0)
    muscle = still.labels == 2
    polar = insert.polar_of(still)
    made = insert.speckle(still.image, muscle, lesion.mask, polar, Draw(5))
    inside = still.fan.mask(*still.image.shape)
    fine = insert.evened(still.image.astype(np.float32), muscle.astype(np.float32))[muscle]
    assert made[inside].mean() == pytest.approx(0, abs=1)
    assert made[inside].std() == pytest.approx(fine.std(), rel=0.1)
    thinned = made[::6, ::6][inside[::6, ::6]]  # about independent samples
    assert ks_2samp(thinned, fine - fine.mean()).statistic < 0.1
    deep = made[85:105, 100:156]
    deep = deep - deep.mean()
    alike = np.mean(deep[:, 2:] * deep[:, :-2]) / deep.var()
    assert alike == pytest.approx(np.exp(-4 / (4 * GRAIN**2)), abs=0.2)


def test_a_clip_is_its_own_truth_and_differs_from_its_control_by_the_lesion():
    still = heart()
    clip = semireal_clip(still, "mass", 7)
    assert clip is not None
    assert clip.facts["patient"] == "patient0"
    lesion = clip.array("lesion")[0]
    assert np.array_equal(clip.array("control")[0], still.image)
    assert np.array_equal(clip.array("poor"), clip.array("clear"))
    change = np.abs(clip.array("poor")[0].astype(float) - still.image)
    assert change[lesion].mean() > 20 * change[~lesion].mean()
    assert set(np.unique(clip.array("labels")[0][lesion])) == {12}
    case = make_case(clip)
    assert case is not None
    assert case.before == case.truth > 20
    assert np.array_equal(clip.sector.mask, still.sector.mask)


def test_both_are_degraded_alike_and_as_semi_real_stills_are():
    still = heart()
    clip = semireal_clip(still, "thrombus", 8)
    assert clip is not None
    poor = degraded_clip(clip, 5)
    assert np.array_equal(poor.array("control")[0], degrade(still, 5).image)
    change = np.abs(poor.array("poor")[0].astype(float) - poor.array("control")[0])
    lesion = clip.array("lesion")[0]
    far = cv2.distanceTransform((~lesion).astype(np.uint8), cv2.DIST_L2, 5) > 30
    assert change[lesion].mean() > 5 * change[far & still.sector.mask].mean()
    assert np.array_equal(poor.array("clear_control")[0], still.image)
    assert 0 < poor.array("support").mean() < 255
