"""The working space: its size, the way there and back, padding, and sectors that hold nothing."""

import numpy as np
import pytest
import torch
from fake_checkpoint import fan_sector, whole_sector

from echogan.core.errors import SectorError
from echogan.core.geometry import Sector
from echogan.enhance.working_space import WorkingSpace


@pytest.mark.parametrize(
    ("size", "expected"),
    [((96, 120), (205, 256)), ((600, 800), (192, 256)), ((1, 400), (1, 256)), ((300, 7), (256, 6))],
)
def test_working_space_has_the_longer_side_asked_for(size, expected):
    space = WorkingSpace(whole_sector(*size), 256)
    assert space.size == expected
    x = torch.rand(2, 1, *expected)
    padded = space.pad(x)
    assert padded.shape[-2] % 16 == padded.shape[-1] % 16 == 0
    assert torch.equal(space.unpad(padded), x)


def test_working_space_there_and_back():
    space = WorkingSpace(whole_sector(200, 300), 256)
    y, x = np.mgrid[0:200, 0:300]
    smooth = (120 + 60 * np.sin(x / 40) * np.cos(y / 40)).astype(np.uint8)
    back = (space.leave(space.enter(smooth[None])) + 1) * 127.5
    assert np.abs(back[0] - smooth).mean() < 0.5


def test_a_fan_is_padded_with_black_and_a_whole_image_is_mirrored():
    fan, whole = WorkingSpace(fan_sector(), 250), WorkingSpace(whole_sector(96, 120), 250)
    assert fan.pad(torch.zeros(1, 1, *fan.size))[0, 0, 0, 0] == -1
    assert whole.pad(torch.full((1, 1, *whole.size), 0.5)).min() == 0.5


def test_a_sector_without_tissue_is_refused():
    nothing = np.zeros((96, 120), bool)
    with pytest.raises(SectorError, match="No tissue"):
        WorkingSpace(Sector("whole", nothing, nothing, 0.0), 32)
    specks = np.arange(96 * 120).reshape(96, 120) % 7 == 0
    with pytest.raises(SectorError, match="Hardly any tissue"):
        WorkingSpace(Sector("whole", specks, ~specks, 0.9), 32)
