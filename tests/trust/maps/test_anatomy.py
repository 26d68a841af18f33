"""The shift of the left ventricle: closed forms of ellipses and ellipsoids, and no number where there is none."""

import numpy as np
import pytest

from echogan.trust.maps.anatomy import AnatomySums, ejection_fraction, largest_part, shape_of

SIZE = 160


def ellipse(long, wide, tilt=0.0, centre=(80, 80)):
    """Semi-axes in pixels, tilt in degrees of the long axis from the vertical."""
    rows, columns = np.mgrid[0:SIZE, 0:SIZE] - np.array(centre, float)[:, None, None]
    angle = np.radians(tilt)
    along = rows * np.cos(angle) + columns * np.sin(angle)
    across = columns * np.cos(angle) - rows * np.sin(angle)
    return (along / long) ** 2 + (across / wide) ** 2 <= 1


def sums(before, after):
    found = AnatomySums(np.ones((SIZE, SIZE), bool))
    found.add(np.stack(before), np.stack(after))
    return found.result()


def beat(wide):
    """One beat of an ellipse whose width shrinks to `wide` of 30 pixels."""
    widths = 30 - (30 - wide) * np.sin(np.linspace(0, np.pi, 31)) ** 2
    return [ellipse(50, one) for one in widths]


@pytest.mark.parametrize("tilt", [0, 25, -40])
def test_shape_and_volume_of_an_ellipsoid_of_revolution(tilt):
    shape = shape_of(ellipse(50, 25, tilt))
    assert shape.area == pytest.approx(np.pi * 50 * 25, rel=0.01)
    assert shape.length == pytest.approx(100, rel=0.02)
    assert shape.tilt == pytest.approx(abs(tilt), abs=1)
    assert shape.elongation == pytest.approx(2, rel=0.04)
    assert shape.volume == pytest.approx(4 / 3 * np.pi * 50 * 25**2, rel=0.03)


def test_ejection_fraction_of_an_ellipsoid_that_narrows():
    # V is proportional to the width squared: 1 - (20 / 30)^2.
    shift = sums(beat(20), beat(20))
    assert shift.ef_before == pytest.approx(5 / 9, abs=0.01)
    assert shift.ef_change == 0
    assert (shift.dice, shift.area_change) == (1, 0)


def test_one_bad_frame_does_not_make_an_ejection_fraction():
    assert ejection_fraction([10, 10, 10, 1, 10, 99, 10, 10]) == 0
    assert ejection_fraction([10, 9, 8, 4, 4, 8, 9, 10]) == pytest.approx(0.6)


def test_dice_and_area_of_a_smaller_ventricle():
    before, after = ellipse(50, 30), ellipse(50, 24)
    shift = sums([before] * 10, [after] * 10)
    assert shift.area_change == pytest.approx(24 / 30 - 1, abs=0.01)
    assert shift.dice == pytest.approx(2 * after.sum() / (before.sum() + after.sum()))
    assert shift.ef_change == pytest.approx(0)


def test_ejection_fraction_changes_with_the_result():
    shift = sums(beat(20), beat(25))
    assert shift.ef_change == pytest.approx((1 - (25 / 30) ** 2) - 5 / 9, abs=0.015)


def test_no_number_where_too_few_frames_show_a_ventricle():
    empty = np.zeros((SIZE, SIZE), bool)
    shift = sums(beat(20)[:10], [*beat(20)[:7], empty, empty, empty])
    assert (shift.dice, shift.area_change, shift.ef_change) == (None, None, None)
    assert "7 of 10 frames" in shift.why_no_area
    assert shift.why_no_ef == shift.why_no_area


@pytest.mark.parametrize(
    ("mask", "why"),
    [(ellipse(30, 28), "round"), (ellipse(50, 28, tilt=75), "lies across")],
)
def test_no_ejection_fraction_in_other_views(mask, why):
    shift = sums([mask] * 12, [mask] * 12)
    assert why in shift.why_no_ef
    assert (shift.ef_before, shift.dice) == (None, 1)


def test_no_ejection_fraction_of_a_still():
    shift = sums([ellipse(50, 25)], [ellipse(50, 25)])
    assert "at least 8 frames" in shift.why_no_ef
    assert shift.dice == 1


def test_only_the_largest_part_counts_and_only_in_the_tissue():
    mask = ellipse(30, 15) | ellipse(5, 5, centre=(20, 20))
    np.testing.assert_array_equal(largest_part(mask), ellipse(30, 15))
    left = np.zeros((SIZE, SIZE), bool)
    left[:, :80] = True
    found = AnatomySums(left)
    found.add(ellipse(30, 15)[None], ellipse(30, 15)[None])
    assert found._shapes[0][0].area == (ellipse(30, 15) & left).sum()


def test_memory_in_chunks_is_the_same():
    whole = sums(beat(20), beat(25))
    parts = AnatomySums(np.ones((SIZE, SIZE), bool))
    for start in range(0, 31, 4):
        parts.add(np.stack(beat(20)[start : start + 4]), np.stack(beat(25)[start : start + 4]))
    assert parts.result() == whole
