"""The fan's numbers, its mask, and how it is written down."""

import numpy as np
import pytest

from echogan.core.errors import SectorError
from echogan.core.geometry import Fan, Sector


def test_mask_has_the_area_of_a_circular_sector():
    fan = Fan((200, 10), -40, 35, 20, 180)
    area = np.radians(75) / 2 * (180**2 - 20**2)
    assert fan.mask(240, 400).sum() == pytest.approx(area, rel=0.01)


def test_polar_is_radius_and_angle_from_straight_down():
    r, theta = Fan((10, 0), -40, 40, 0, 50).polar(60, 60)
    assert (r[30, 10], theta[30, 10]) == (30, 0)
    assert theta[10, 20] == pytest.approx(45)
    assert theta[10, 0] == pytest.approx(-45)


def test_oblong_pixels_squeeze_the_fan():
    square = Fan((100, 5), -40, 40, 10, 150).mask(200, 200)
    squeezed = Fan((50, 5), -40, 40, 10, 150, aspect=2).mask(200, 100)
    assert (squeezed == square[:, ::2]).all()


def test_a_fan_reads_back_what_it_writes():
    for fan in (Fan((160, 10.5), -38, 38, 5, 220), Fan((160, 10.5), -38, 38, 5, 220, 1.25)):
        assert Fan.parse(str(fan)) == fan
        assert Fan.parse(str(fan.upside_down(240))) == fan.upside_down(240)
    assert Fan.parse("160,230,-38,38,5,220,up") == Fan((160, 230), -38, 38, 5, 220, opens_up=True)


def test_a_fan_that_opens_up_is_the_mirror_image():
    fan = Fan((90, 10), -40, 25, 20, 150, 1.2)
    turned = fan.upside_down(200)
    assert (turned.mask(200, 180) == fan.mask(200, 180)[::-1]).all()
    assert turned.polar(200, 180)[1][0, 90] == 0  # straight up
    assert turned.upside_down(200) == fan


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,2,3",
        "a,b,c,d,e,f",
        "1,2,-3,3,0,9,1,1",
        "160,10,38,-38,5,220",
        "160,10,-95,38,5,220",
        "160,10,-38,38,220,5",
        "160,10,-38,38,-5,220",
        "nan,10,-38,38,5,220",
        "160,10,-38,38,5,220,0",
        "160,10,-38,38,5,up",
        "160,10,-38,38,5,220,1,down",
    ],
)
def test_what_is_no_fan_is_refused(text):
    with pytest.raises(SectorError):
        Fan.parse(text)


def test_sector_box_and_coverage_count_the_right_pixels():
    tissue, overlay = np.zeros((10, 20), bool), np.zeros((10, 20), bool)
    tissue[2:6, 3:8], overlay[6, 3] = True, True
    sector = Sector("rectangle", tissue, overlay, 1.0)
    assert sector.box == (2, 3, 7, 8)
    assert sector.coverage == pytest.approx(0.1)
