"""Lesions lie where their kind belongs in a drawn heart, and are as large as their kind."""

import cv2
import numpy as np
import pytest
from drawn_heart import HEIGHT, LA_AT, LV_AT, LV_MM, MM, THICK_MM, WIDTH, disc, heart

from echogan.phantom.draw import Draw
from echogan.phantom.lesions.kinds import LEVELS_DB, SIZES_CM
from eval.semireal.lesions import LV, MYOCARDIUM, carrying, draw_lesion, wall_of

SEEDS = range(12)
FROM_LV = np.hypot(*(np.indices((HEIGHT, WIDTH))[::-1] - np.array(LV_AT)[:, None, None])) * MM / 10  # cm


def drawn(kind):
    found = [draw_lesion(Draw(seed), heart(), kind) for seed in SEEDS]
    found = [one for one in found if one is not None]
    assert len(found) > len(SEEDS) / 2
    return found


def greatest_cm(mask):
    """The diameter of the smallest circle around a mask."""
    points = np.argwhere(mask)[:, ::-1].astype(np.float32)
    return 2 * cv2.minEnclosingCircle(points)[1] * MM / 10


def test_the_wall_of_a_drawn_chamber_is_a_circle_with_the_thickness_of_its_muscle():
    wall = wall_of(heart(left_atrium=False), LV)
    centre = np.array(LV_AT) * MM / 10
    away = wall.points.numpy() - centre
    assert np.hypot(*away.T) == pytest.approx(LV_MM / 10, abs=MM / 10)
    unit = away / np.hypot(*away.T)[:, None]
    assert (wall.inward.numpy() * unit).sum(1) == pytest.approx(-1, abs=0.02)
    assert wall.wall_cm.numpy() == pytest.approx(THICK_MM / 10, abs=1.5 * MM / 10)


def test_no_lesion_but_a_vegetation_sits_at_the_valve():
    still = heart()
    wall = wall_of(still, LV)
    places = wall.points[carrying(still, wall, LV)].numpy() / (MM / 10)
    assert len(places) > 50
    assert np.hypot(*(places - np.array(LA_AT)).T).min() > 10 / MM  # AWAY_CM, less the radius


@pytest.mark.parametrize("kind", ["thrombus", "mass", "vegetation"])
def test_a_solid_lesion_lies_in_blood_touches_its_wall_and_has_its_kinds_size(kind):
    still = heart()
    solid = ~np.isin(still.labels, (1, 3))
    for lesion in drawn(kind):
        assert (lesion.mask & ~solid).sum() > 0.8 * lesion.mask.sum()
        reached = cv2.dilate(lesion.mask.astype(np.uint8), np.ones((5, 5))) > 0
        # A vegetation hangs on the valve, which is where LV and LA meet.
        wall = (
            solid
            if kind != "vegetation"
            else cv2.dilate((still.labels == 3).astype(np.uint8), np.ones((5, 5))) > 0
        )
        assert (reached & wall).any()
        low, high = SIZES_CM[kind]
        assert low - 2 * MM / 10 <= greatest_cm(lesion.mask) <= high + 2 * MM / 10
        assert lesion.level_db is not None
        assert LEVELS_DB[kind][0] <= lesion.level_db <= LEVELS_DB[kind][1]


def test_the_distance_is_negative_inside_and_grows_by_a_pixel_from_pixel_to_pixel():
    lesion = drawn("mass")[0]
    assert np.array_equal(lesion.distance < 0, lesion.mask)
    away = (
        cv2.distanceTransform((~lesion.mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) * MM / 10
    )
    outside = ~lesion.mask
    assert lesion.distance[outside] == pytest.approx(away[outside], abs=1.5 * MM / 10)


def test_a_hole_goes_through_the_septum_to_the_left_of_the_lv():
    for lesion in drawn("septal-defect"):
        assert lesion.level_db is None
        assert (heart().labels[lesion.mask] == MYOCARDIUM).all()
        assert np.nonzero(lesion.mask)[1].max() < LV_AT[0]
        depth = FROM_LV[lesion.mask]
        assert depth.min() < LV_MM / 10 + 0.1
        assert depth.max() > (LV_MM + THICK_MM) / 10 - 0.15


def test_a_heart_without_an_atrium_has_no_vegetation():
    assert draw_lesion(Draw(0), heart(left_atrium=False), "vegetation") is None
    assert draw_lesion(Draw(0), heart(left_atrium=False), "thrombus") is not None


def test_one_seed_gives_one_lesion():
    first, again, other = (draw_lesion(Draw(seed), heart(), "mass") for seed in (3, 3, 4))
    assert first is not None and again is not None and other is not None  # noqa: PT018
    assert np.array_equal(first.mask, again.mask)
    assert not np.array_equal(first.mask, other.mask)
    assert not first.mask[~disc(LV_AT, LV_MM + THICK_MM) & ~disc(LA_AT, 20)].any()
