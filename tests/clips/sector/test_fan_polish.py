"""Drawing a fan to the lit tissue, against drawn fans of known light."""

import numpy as np
import pytest

from echogan.clips.sector.fan_polish import polish
from echogan.clips.sector.overlay import ClipStatistics
from echogan.core.geometry import Fan

SIZE = (240, 320)
TRUE = Fan((160, 8), -40, 40, 10, 200)


def lit(level: np.ndarray) -> ClipStatistics:
    """Statistics of a moving clip whose tissue has a `level`, float (H, W), with speckle."""
    rng = np.random.default_rng(0)
    frames = level * rng.uniform(0.5, 1.5, (12, *SIZE))
    return ClipStatistics.of(np.clip(frames, 0, 255).astype(np.uint8))


def polished(level: np.ndarray, start: Fan) -> Fan | None:
    fit = polish(start, lit(level), (0, 0, *SIZE), 0.0)
    return fit.fan if fit is not None else None


def test_a_fan_that_is_lit_all_over_gets_its_own_borders():
    fan = polished(60.0 * TRUE.mask(*SIZE), Fan((158, 12), -37, 43, 5, 190))
    assert fan is not None
    assert (fan.left_deg, fan.right_deg) == pytest.approx((-40, 40), abs=1)
    assert fan.r_max == pytest.approx(200, abs=2)
    assert fan.apex == pytest.approx((160, 8), abs=2)


def test_a_fan_seen_too_deep_ends_where_its_tissue_ends_on_an_arc():
    r, angle = TRUE.polar(*SIZE)
    shadow = (angle > -14) & (angle < -4) & (r > 110)  # of a rib: the lit tissue does not fill the fan
    fan = polished(60.0 * (TRUE.mask(*SIZE) & ~shadow), Fan((160, 8), -41, 41, 10, 228))
    assert fan is not None
    assert fan.r_max == pytest.approx(200, abs=3)
    assert (fan.left_deg, fan.right_deg) == pytest.approx((-40, 40), abs=2)


def test_a_dark_side_does_not_narrow_a_fan():
    angle = TRUE.polar(*SIZE)[1]
    assert polished(60.0 * (TRUE.mask(*SIZE) & (angle > -15)), TRUE) is None


def test_a_ragged_dark_far_field_does_not_shorten_a_fan():
    r, angle = TRUE.polar(*SIZE)
    ragged = 130 + 30 * np.sin(np.radians(angle * 12))
    assert polished(60.0 * (TRUE.mask(*SIZE) & (r < ragged)), TRUE) is None
