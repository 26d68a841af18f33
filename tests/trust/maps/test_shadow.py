"""Dark to the end of the beam: drawn shadows, cavities, and the phantom's support."""

from dataclasses import replace

import numpy as np
import pytest

from echogan.core.geometry import Fan
from echogan.phantom.artefacts.degradation import DegradationSettings, only
from echogan.phantom.clip import PhantomSettings
from echogan.phantom.render import phantom_clip
from echogan.trust.maps.shadow import Beams, shadow_level, shadowed

SIZE = 96
FAN = Fan((48.0, 0.0), -35.0, 35.0, 4.0, 92.0)


def found(x, fan, tissue):
    return shadowed(x[None], tissue, Beams(tissue, fan), shadow_level(x, tissue))[0]


@pytest.mark.parametrize("up", [False, True])
def test_a_shadow_is_found_and_a_cavity_is_not(up):
    fan = FAN.upside_down(SIZE) if up else FAN
    tissue = fan.mask(SIZE, SIZE)
    r, theta = fan.polar(SIZE, SIZE)
    x = np.where(tissue, 0.5, 0).astype(np.float32)
    shadow = tissue & (theta > 12) & (theta < 28) & (r > 45)
    cavity = tissue & (theta < -5) & (theta > -25) & (r > 30) & (r < 60)
    x[shadow | cavity] = 0.02
    dark = found(x, fan, tissue)
    assert dark[shadow].mean() > 0.75  # what speckle smoothing leaves of its rim
    assert not dark[cavity].any()
    assert dark[tissue & ~shadow].mean() < 0.02


def test_without_a_fan_the_beams_are_the_columns():
    tissue = np.ones((SIZE, SIZE), bool)
    x = np.full((SIZE, SIZE), 0.5, np.float32)
    x[50:, 20:50] = 0
    dark = found(x, None, tissue)
    assert dark[60:, 28:42].all()
    assert not dark[:45].any()


def test_it_ranks_the_support_of_shadowed_phantoms():
    # Support is the share of the signal that survives, which only the phantom knows.
    settings = PhantomSettings(degradation=only(DegradationSettings(shadow_db=(25, 35)), "shadow"))
    shares = []
    for seed in (1_960_000_001, 1_960_000_004, 1_960_000_006):
        clip = phantom_clip(seed, replace(settings), frames=1, want=("degraded", "support"))
        assert clip.degraded is not None
        assert clip.support is not None
        x, y = clip.fan[:2]
        tissue = clip.sector_mask.numpy()
        dark = found(clip.degraded[0].numpy().astype(np.float32) / 255, Fan((x, y), *clip.fan[2:]), tissue)
        lost = tissue & (clip.support[0].numpy() < 128)
        shares.append((dark[lost].mean(), dark[tissue & ~lost].mean()))
    inside, outside = np.mean(shares, axis=0)
    assert inside > 4 * outside
