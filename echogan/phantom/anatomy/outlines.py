"""Closed outlines, and signed distances to them."""

from __future__ import annotations

import torch
from torch import Tensor


def closed_spline(control: Tensor, per_segment: int = 8) -> Tensor:
    """A closed uniform Catmull-Rom curve through (n, 2) control points: (n * per_segment, 2)."""
    t = torch.arange(per_segment) / per_segment
    before, after, beyond = control.roll(1, 0), control.roll(-1, 0), control.roll(-2, 0)
    weights = torch.stack(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3]
    )
    return torch.einsum("kt,knd->ntd", weights / 2, torch.stack([before, control, after, beyond])).reshape(
        -1, 2
    )


def signed_distance(polygon: Tensor, points: Tensor) -> Tensor:
    """Distance of points (..., 2) to a closed polygon (n, 2), negative inside (even-odd rule): (...)."""
    return nearest_edge(polygon, points)[0]


def nearest_edge(polygon: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """The signed distance, and which edge of the polygon is nearest, by its first vertex: two (...)."""
    (x0, z0), (along_x, along_z) = polygon.unbind(1), (polygon.roll(-1, 0) - polygon).unbind(1)
    x, z = (axis.reshape(-1, 1) - start for axis, start in ((points[..., 0], x0), (points[..., 1], z0)))
    run = (along_x.square() + along_z.square()).clamp_min(1e-9)
    share = torch.addcmul(x * along_x, z, along_z).div_(run).clamp_(0, 1)
    away_x, away_z = torch.addcmul(x, share, along_x, value=-1), torch.addcmul(z, share, along_z, value=-1)
    squared, index = away_x.square_().addcmul_(away_z, away_z).min(1)
    above = z < 0
    slope = along_x / torch.where(along_z == 0, 1e-9, along_z)
    crosses = (above != above.roll(-1, 1)) & (x < slope * z)
    distance = squared.sqrt()
    signed = torch.where(crosses.sum(1) % 2 == 1, -distance, distance)
    return signed.view(points.shape[:-1]), index.view(points.shape[:-1])
