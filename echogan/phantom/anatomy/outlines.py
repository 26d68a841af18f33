"""The reference grid that a heart is drawn on, closed outlines, and signed distances to them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

GRID = 512  # cells on a side
EXTENT_CM = 20.0
LEFT_CM, TOP_CM = -10.0, -0.5  # of the grid's corner, from the middle of the probe face
CELL_CM = EXTENT_CM / GRID


def reference_points(size: int = GRID) -> Tensor:
    """Centres of the reference cells, (size, size, 2) in cm."""
    step = EXTENT_CM / size
    axis = (torch.arange(size) + 0.5) * step
    z, x = torch.meshgrid(axis + TOP_CM, axis + LEFT_CM, indexing="ij")
    return torch.stack([x, z], -1)


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
    """Distance of points (..., 2) to a closed polygon (n, 2), negative inside (even-odd rule)."""
    x, z = points.reshape(-1, 2).T[:, :, None]
    start_x, start_z = polygon.T
    edge_x, edge_z = (polygon.roll(-1, 0) - polygon).T
    off_x, off_z = x - start_x, z - start_z
    length = (edge_x**2 + edge_z**2).clamp_min(1e-12)
    along = ((off_x * edge_x + off_z * edge_z) / length).clamp_(0, 1)
    squared = (off_x - along * edge_x).square_() + (off_z - along * edge_z).square_()
    distance = squared.amin(1).sqrt()
    above = off_z < 0
    crosses = above != above.roll(-1, 1)
    at = start_x + edge_x / torch.where(edge_z == 0, 1e-9, edge_z) * off_z
    inside = (crosses & (x < at)).sum(1) % 2 == 1
    return torch.where(inside, -distance, distance).reshape(points.shape[:-1])


def refine(coarse: Tensor) -> Tensor:
    """A smooth image on any grid of the same extent (h, w) to the reference grid: (512, 512), bicubic."""
    return F.interpolate(coarse[None, None], size=(GRID, GRID), mode="bicubic", align_corners=False)[0, 0]
