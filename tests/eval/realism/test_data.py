"""Frames are resampled to one scale and one blur, and the fan moves with them."""

import numpy as np
import pytest

from echogan.core.geometry import Fan
from eval.real_data import camus_fan
from eval.realism.data import MM, camus, phantom, resample, semireal


def blob(mm: float, sigma_mm: float, centre_mm: tuple[float, float], size_mm: float = 60) -> np.ndarray:
    x = np.arange(round(size_mm / mm)) * mm
    y = x[:, None]
    return 200 * np.exp(-((x - centre_mm[0]) ** 2 + (y - centre_mm[1]) ** 2) / (2 * sigma_mm**2))


@pytest.mark.parametrize("mm", [0.2, 0.308, 0.45])
def test_every_pixel_size_gives_the_same_picture(mm):
    fan = Fan((30 / mm, 0), -40, 40, 0, 55 / mm)
    made = resample(blob(mm, 1.5, (32, 27)), fan, mm, "a").grey
    widened = np.hypot(1.5, 0.5 * MM)  # Gaussians add in square; the peak falls as their areas
    expected = blob(MM, widened, (32, 27)) * (1.5 / widened) ** 2
    inner = slice(20, 80)
    assert np.abs(made[inner, inner] - expected[inner, inner]).max() < 1.5


def test_the_fan_moves_with_the_pixels():
    fan = resample(np.zeros((200, 300)), Fan((150, 10), -35, 35, 5, 180), 0.3, "a").fan
    assert fan.apex == pytest.approx((75, 5))
    assert (fan.r_min, fan.r_max) == pytest.approx((2.5, 90))


def test_a_squeezed_frame_is_stretched_back():
    picture = resample(np.zeros((100, 100)), Fan((50, 0), -40, 40, 0, 90, aspect=1.5), MM, "a")
    assert picture.grey.shape == (100, 150)
    assert picture.fan.aspect == 1
    assert picture.fan.apex == pytest.approx((75, 0))


def test_the_fan_of_a_still_is_found_from_its_black_surroundings():
    truth = Fan((300, -1), -37, 33, 2, 400)
    image = np.where(truth.mask(400, 601), 90, 0).astype(np.uint8)
    found = camus_fan(image)
    assert (found.left_deg, found.right_deg) == pytest.approx((-37, 33), abs=0.4)
    assert found.apex == (300, -1)


def test_stills_are_chosen_by_grade_and_patient(shared_data):
    pictures = camus(shared_data / "camus", "Poor", 3)
    assert len(pictures) == 6
    assert len({p.group for p in pictures}) == 3
    for picture in pictures:
        assert picture.grey[picture.mask].min() > 0
        outside = ~picture.fan.mask(*picture.grey.shape)
        assert np.median(picture.grey[outside]) == 0


def test_semi_real_stills_are_the_same_hearts_made_poorer(shared_data):
    good, poor = camus(shared_data / "camus", "Good", 1), semireal(shared_data / "camus", 1)
    assert [p.group for p in good] == [p.group for p in poor]
    inside = good[0].mask
    assert np.abs(good[0].grey - poor[0].grey)[inside].mean() > 3
    assert np.corrcoef(good[0].grey[inside], poor[0].grey[inside])[0, 1] > 0.3


def test_the_phantoms_fan_is_where_its_tissue_is():
    made = phantom(("clean",), 4)["clean"][0]
    outside = ~made.fan.mask(*made.grey.shape)
    assert made.group == "4"
    assert made.mask.mean() > 0.25
    assert made.grey[outside].mean() < 0.05 * made.grey[made.mask].mean()
