"""Signed distances against closed forms, and hearts that hang together."""

import math

import pytest
import torch

from echogan.phantom.anatomy import (
    BLOOD,
    CELL_CM,
    Tissue,
    apical_four_chamber,
    closed_spline,
    reference_points,
    signed_distance,
)
from echogan.phantom.draw import Draw


def test_signed_distance_of_a_circle():
    angle = torch.arange(720) / 720 * 2 * math.pi
    circle = torch.stack([3 * torch.cos(angle), 3 * torch.sin(angle) + 8], 1)
    points = reference_points(64)
    expected = (points - torch.tensor([0.0, 8.0])).norm(dim=-1) - 3
    assert torch.allclose(signed_distance(circle, points), expected, atol=2e-3)


def test_signed_distance_of_a_square_is_exact():
    square = torch.tensor([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]])
    points = torch.tensor([[1.0, 1.0], [3.0, 1.0], [5.0, 6.0], [0.5, 1.0], [-1.0, -1.0]])
    expected = torch.tensor([-1.0, 1.0, 5.0, -0.5, math.sqrt(2)])
    assert torch.allclose(signed_distance(square, points), expected, atol=1e-5)


def test_spline_passes_through_its_control_points():
    control = torch.randn(9, 2, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(closed_spline(control, 8)[::8], control, atol=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_every_heart_has_its_tissues_in_plausible_areas(seed):
    heart = apical_four_chamber(Draw(seed))
    area = {t: float((heart.labels == t).sum()) * CELL_CM**2 for t in Tissue}
    assert 15 < area[Tissue.LV] < 55
    assert 6 < area[Tissue.LA] < 35
    assert area[Tissue.RV] > 5
    assert area[Tissue.RA] > 4
    assert 8 < area[Tissue.MYOCARDIUM] < 45
    assert area[Tissue.PERICARDIUM] > 1


def test_cavities_are_where_their_distance_is_negative():
    heart = apical_four_chamber(Draw(3))
    inside = heart.distance["la"] < 0
    assert torch.isin(heart.labels[inside], torch.tensor([int(t) for t in (*BLOOD, Tissue.MYOCARDIUM)])).all()
    assert (heart.labels[heart.heart < -0.05] != Tissue.OUTSIDE).all()
