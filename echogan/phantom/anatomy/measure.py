"""Lengths, areas and volumes of closed polygons (..., n, 2) in cm; batched over the leading dimensions."""

from __future__ import annotations

import math

import torch
from torch import Tensor

DISKS = 20


def area(polygon: Tensor) -> Tensor:
    """Enclosed area in cm2: (...)."""
    return _signed_area(polygon).abs()


def _signed_area(polygon: Tensor) -> Tensor:
    after = polygon.roll(-1, -2)
    return 0.5 * (polygon[..., 0] * after[..., 1] - after[..., 0] * polygon[..., 1]).sum(-1)


def normals(polygon: Tensor) -> tuple[Tensor, Tensor]:
    """Outward unit normals (n, 2) of a polygon at its vertices, and the length (n,) each stands for."""
    tangent = (polygon.roll(-1, 0) - polygon.roll(1, 0)) / 2
    length = tangent.norm(dim=-1).clamp_min(1e-6)
    normal = torch.stack([tangent[:, 1], -tangent[:, 0]], -1) / length[:, None]
    return normal * torch.sign(_signed_area(polygon)), length


def chords(polygon: Tensor, axis: Tensor, heights: Tensor) -> Tensor:
    """Width across `axis` (2,) at heights (..., k) along it, gaps left out: (..., k) in cm."""
    along, across = polygon @ axis, polygon @ perpendicular(axis)
    start, end = along[..., None, :], along.roll(-1, -1)[..., None, :]
    level = heights[..., None]
    crossing = (start < level) != (end < level)
    share = (level - start) / torch.where(crossing, end - start, 1.0)
    at = across[..., None, :] + share * (across.roll(-1, -1) - across)[..., None, :]
    return (torch.where(crossing, at * torch.sign(end - start), 0.0)).sum(-1).abs()


def perpendicular(axis: Tensor) -> Tensor:
    """The unit vector across an axis (2,): to the right of an axis that points down."""
    return torch.stack([axis[1], -axis[0]])


def length(polygon: Tensor, axis: Tensor) -> Tensor:
    """Extent along `axis`: (...) in cm."""
    along = polygon @ axis
    return along.amax(-1) - along.amin(-1)


def levels(polygon: Tensor, axis: Tensor, shares: Tensor) -> Tensor:
    """Heights along `axis` at shares (k,) of the polygon's extent: (..., k)."""
    along = polygon @ axis
    low, high = along.amin(-1, keepdim=True), along.amax(-1, keepdim=True)
    return low + (high - low) * shares


def disk_volume(polygon: Tensor, axis: Tensor) -> Tensor:
    """Single-plane volume by the method of disks, 20 across the long axis (Lang 2015, figure 2): (...) in ml."""
    shares = (torch.arange(DISKS) + 0.5) / DISKS
    widths = chords(polygon, axis, levels(polygon, axis, shares))
    return math.pi / 4 * widths.square().sum(-1) * length(polygon, axis) / DISKS


def teichholz(diameter: Tensor) -> Tensor:
    """LV volume in ml from its diameter in cm in PLAX (Teichholz et al., Am J Cardiol 1976;37:7-11)."""
    return 7 * diameter**3 / (2.4 + diameter)


def widest(polygon: Tensor, axis: Tensor, low: float, high: float) -> Tensor:
    """The greatest width across `axis` between two shares of the extent along it: (...) in cm."""
    return chords(polygon, axis, levels(polygon, axis, torch.linspace(low, high, 25))).amax(-1)


def diameter(polygon: Tensor, axis: Tensor, share: float) -> Tensor:
    """The mean width across `axis` within 5 % of a share of the extent along it: (...) in cm."""
    shares = torch.linspace(share - 0.05, share + 0.05, 11)
    return chords(polygon, axis, levels(polygon, axis, shares)).mean(-1)
