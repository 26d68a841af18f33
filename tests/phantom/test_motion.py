"""The beat: when it contracts, and that moving tissue forth and back ends where it began."""

import torch

from echogan.phantom.anatomy import apical_four_chamber
from echogan.phantom.draw import Draw
from echogan.phantom.motion import (
    _CONTRACTION,
    MotionSettings,
    curve,
    displacement,
    draw_motion,
    leaflet_points,
    origins,
)


def beat(frames=24):
    draw = Draw(5)
    return apical_four_chamber(draw), draw_motion(draw, MotionSettings(), frames)


def test_contraction_is_periodic_and_peaks_at_end_systole():
    phase = torch.linspace(0, 2, 401)
    level = curve(_CONTRACTION, phase)
    assert torch.allclose(level[:200], level[200:400], atol=1e-5)
    assert 0.33 < float(phase[:200][level[:200].argmax()]) < 0.39
    assert level.max() > 0.97
    assert level.min() > -0.01
    assert level[0] < 0.05


def test_origins_invert_the_displacement():
    heart, motion = beat()
    points = torch.stack(
        torch.meshgrid(torch.linspace(-3, 4, 40), torch.linspace(3, 12, 40), indexing="xy"), -1
    )
    still = origins(heart, motion, points)
    peak = int(motion.contraction.argmax())
    back = still[peak] + motion.drift_cm[peak]
    forth = back + motion.contraction[peak] * displacement(heart, motion, back)
    error = (forth - points).norm(dim=-1)
    assert error.median() < 0.02
    assert error.quantile(0.95) < 0.15


def test_the_wall_moves_inwards_in_systole():
    heart, motion = beat()
    middle = heart.apex + 0.5 * heart.length * heart.axis
    across = torch.tensor([float(heart.axis[1]), -float(heart.axis[0])])
    for side in (1.0, -1.0):
        wall = (middle + 2.6 * side * across)[None]
        assert (displacement(heart, motion, wall)[0] @ (across * side)) < -0.1


def test_leaflets_hang_on_moving_hinges():
    heart, motion = beat()
    points = leaflet_points(heart, motion)
    assert points.shape == (24, 4, 48, 2)
    hinges = torch.stack([leaflet.hinge for leaflet in heart.leaflets])
    assert (points[:, :, 0] - hinges).norm(dim=-1).max() < 2.5
