"""Displays with the apex at the bottom: the fan is found there, and all others as before."""

import numpy as np
import pytest
from colour_clips import b_mode, fan_in

from echogan.clips.clip import Clip
from echogan.clips.sector.find_sector import find_sector
from echogan.core.geometry import Fan

SIZE = (180, 240)
FANS = [
    fan_in(*SIZE),
    Fan((110.0, -30.0), -32.0, 34.0, 50.0, 190.0),
    Fan((120.0, 8.0), -45.0, 45.0, 0.0, 150.0),
]


@pytest.mark.parametrize("fan", FANS, ids=["phased", "curved", "wide"])
@pytest.mark.parametrize("frames", [1, 6])
def test_a_fan_upside_down_is_found(fan, frames):
    upright = b_mode(np.random.default_rng(1), fan, SIZE, frames)
    expected, found = find_sector(Clip(upright)), find_sector(Clip(np.ascontiguousarray(upright[:, ::-1])))
    assert expected.fan is not None
    assert not expected.fan.opens_up
    assert found.fan is not None
    assert found.fan.opens_up
    assert any("apex is at the bottom" in note for note in found.notes)
    truth = fan.mask(*SIZE)[::-1]
    assert (found.mask & truth).sum() > 0.95 * (found.mask | truth).sum()
    assert (found.mask == found.fan.mask(*SIZE)).all()
    assert found.fan.upside_down(SIZE[0]).apex == pytest.approx(expected.fan.apex, abs=3)
