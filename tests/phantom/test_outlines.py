"""Outlines and signed distances against closed forms."""

import math

import torch

from echogan.phantom.anatomy.outlines import closed_spline, signed_distance


def test_signed_distance_of_a_circle():
    angle = torch.arange(720) / 720 * 2 * math.pi
    circle = torch.stack([3 * torch.cos(angle), 3 * torch.sin(angle) + 8], 1)
    z, x = torch.meshgrid(torch.linspace(0, 18, 64), torch.linspace(-9, 9, 64), indexing="ij")
    points = torch.stack([x, z], -1)
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
