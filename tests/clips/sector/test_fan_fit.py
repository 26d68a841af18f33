"""Fitting a shape: against drawn fans and rectangles whose numbers are known."""

import numpy as np
import pytest

from echogan.clips.sector.fan_fit import Target, fit_fan, fit_rectangle, fit_shape, overlap, refit
from echogan.clips.sector.fan_network import Square
from echogan.core.geometry import Fan

SIZE = (300, 400)


def target_of(mask: np.ndarray) -> Target:
    square = Square.around((0, 0, *mask.shape))
    return Target(square.shrink(mask), square.y, square.x, 1 / square.scale)


@pytest.mark.parametrize(
    "fan",
    [
        Fan((200, 12), -38, 38, 3, 270),
        Fan((180, -40), -35, 35, 60, 320),  # a curved probe
        Fan((150, 5), -42, 42, 2, 330),  # cut off at the left and below
        Fan((200, 12), -45, 33, 3, 270),  # steered
    ],
)
def test_a_fan_is_fitted_to_half_a_pixel_of_the_square(fan):
    mask = fan.mask(*SIZE)
    fit = fit_shape(target_of(mask))
    assert fit is not None
    assert fit.fan is not None
    found = fit.fan.mask(*SIZE)
    assert (found & mask).sum() / (found | mask).sum() > 0.985
    assert fit.fan.apex == pytest.approx(fan.apex, abs=3)
    assert (fit.fan.left_deg, fit.fan.right_deg) == pytest.approx((fan.left_deg, fan.right_deg), abs=1)
    assert fit.iou > 0.96


def test_oblong_pixels_are_measured():
    fan = Fan((200, 12), -38, 38, 3, 270, aspect=1.33)
    target = target_of(fan.mask(*SIZE))
    round_one = fit_fan(target)
    assert round_one is not None
    assert round_one.fan is not None
    oblong = refit(target, round_one.fan, oblong=True)
    assert oblong is not None
    assert oblong.fan is not None
    assert oblong.fan.aspect == pytest.approx(1.33, abs=0.05)
    assert oblong.iou > round_one.iou + 0.01


def test_a_rectangle_is_fitted_to_the_pixel():
    mask = np.zeros(SIZE, bool)
    mask[33:251, 70:322] = True
    fit = fit_shape(target_of(mask))
    assert fit is not None
    assert fit.fan is None
    assert fit.box == pytest.approx((33, 70, 251, 322), abs=1)


def test_nothing_gives_no_shape():
    empty = target_of(np.zeros(SIZE, bool))
    assert fit_fan(empty) is None
    assert fit_rectangle(empty) is None
    assert fit_shape(empty) is None


def test_overlap_of_soft_masks():
    assert overlap(np.ones((2, 2)), np.ones((2, 2))) == pytest.approx(1)
    assert overlap(np.array([[1.0, 0.5]]), np.array([[1.0, 0.0]])) == pytest.approx(1 / 1.5)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", [10, 46, 105, 114])
def test_scattered_boxes_send_no_fit_out_of_range(seed):
    draw, mask = np.random.default_rng(seed), np.zeros(SIZE, bool)
    for _ in range(draw.integers(1, 6)):
        y, x, height, width = (draw.integers(*limits) for limits in ((0, 280), (0, 380), (2, 60), (2, 80)))
        mask[y : y + height, x : x + width] = True
    fit = refit(target_of(mask), Fan((200, 12), -38, 38, 3, 270, aspect=1.3), oblong=True)
    assert fit is None or 0.4 < fit.fan.aspect < 2.5
