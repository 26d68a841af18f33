"""How far each place of the heart moves between end-diastole and end-systole: one smooth field, from its outlines.

Every cavity pulls along its own outline; between and around the outlines the pull follows the Poisson kernel
(weights 1 / distance^2), which is exact for a disk: linear inside, and outside the R / r of a tissue that keeps its
volume, so that nothing folds. The wall's share of shortening along the axis comes on top (see `_wall_reach`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from echogan.phantom.anatomy import measure
from echogan.phantom.anatomy.heart import Cavity, Heart
from echogan.phantom.tissues import Tissue

TWIST = 0.28  # short axis: turn of the wall as a share of its inward motion
NODES = {Tissue.LV: 60}
FEWER_NODES = 40


@dataclass(frozen=True)
class Pull:
    """What one cavity's outline does at strength 1: nodes (n, 2), vectors (n, 2), outward normals (n, 2), lengths (n,).

    wall_cm, reach_cm, beyond_cm  outside, the pull falls by exp(-d / reach), beyond the wall by a Gaussian too
    """

    nodes: Tensor
    vectors: Tensor
    normal: Tensor
    length: Tensor
    wall_cm: float
    reach_cm: float
    beyond_cm: float

    def at(self, points: Tensor) -> Tensor:
        """The pull on points (N, 2): (N, 2)."""
        square = (
            (points.square().sum(1, keepdim=True) + self.nodes.square().sum(1)).addmm_(
                points, self.nodes.T, alpha=-2
            )
        ).clamp_min_(0)
        nearest = square.amin(1)
        soft = 0.5 * float(self.length.mean()) ** 2
        weight = self.length / square.add_(soft)
        columns = torch.cat(
            [
                torch.ones_like(self.nodes[:, :1]),
                self.vectors,
                self.normal,
                (self.nodes * self.normal).sum(1, keepdim=True),
            ],
            1,
        )
        total, pull_x, pull_z, normal_x, normal_z, support = (weight @ columns).unbind(1)
        inside = ((support - points[:, 0] * normal_x - points[:, 1] * normal_z) / (2 * math.pi)).clamp(0, 1)
        # One at the outline and within, then falling: the double-layer potential tells the sides apart smoothly.
        outside = nearest.sqrt() * (1 - inside)
        fade = torch.exp(
            -outside / self.reach_cm - ((outside - self.wall_cm).clamp_min(0) / self.beyond_cm).square()
        )
        return torch.stack([pull_x, pull_z], 1) * (fade / total)[:, None]


@dataclass(frozen=True)
class Deformation:
    """The whole heart's motion to end-systole: the base's way to the apex, and the cavities' pulls by strength."""

    pulls: tuple[Pull, ...]
    strengths: tuple[float, ...]
    lift_cm: float
    right_lift: float  # how much further the right side's base moves, as a share
    apex: Tensor
    axis: Tensor
    length: float
    reach: float

    def parts(self, points: Tensor) -> Tensor:
        """The lift, then every pull at strength 1, at points (N, 2): (1 + pulls, N, 2) in cm."""
        return torch.stack([self._lift(points), *(pull.at(points) for pull in self.pulls)])

    def at(self, points: Tensor) -> Tensor:
        """Displacement at end-systole of tissue that lies at points (..., 2) at end-diastole: (..., 2) in cm."""
        flat = points.reshape(-1, 2)
        moved = self._lift(flat)
        for pull, strength in zip(self.pulls, self.strengths, strict=True):
            moved = moved + strength * pull.at(flat)
        return moved.reshape(points.shape)

    def _lift(self, points: Tensor) -> Tensor:
        if self.lift_cm == 0:
            return torch.zeros_like(points)
        offset = points - self.apex
        along, across = offset @ self.axis, offset @ measure.perpendicular(self.axis)
        above = (along / self.length).clamp(0, 1)
        below = ((along - self.length) / (self.reach - self.length + 1.0)).clamp(0, 1)
        share = above * torch.cos(below * (math.pi / 2)).square()
        share = share * torch.exp(-((across.abs() - 5.5).clamp_min(0) / 2.5).square())
        share = share * (1 + self.right_lift * torch.sigmoid((-across - 3.0) / 0.9))
        return -self.axis * (self.lift_cm * share)[:, None]


def _nodes(cavity: Cavity, tissue: Tissue) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Every k-th vertex of an outline, its normal, the length it stands for, and its index."""
    step = max(1, len(cavity.outline) // NODES.get(tissue, FEWER_NODES))
    normal, length = measure.normals(cavity.outline)
    index = torch.arange(0, len(cavity.outline), step)
    return cavity.outline[index], normal[index], length[index] * step, index


def left_pull(heart: Heart, shortening: float, ejection_fraction: float) -> Pull:
    """The LV's endocardium towards its axis (its centre in short axis, with a twist), at strength 1 by its radius."""
    cavity = heart.cavities[Tissue.LV]
    nodes, normal, length, index = _nodes(cavity, Tissue.LV)
    offset = nodes - heart.apex
    if heart.length:
        along, side = offset @ heart.axis, measure.perpendicular(heart.axis)
        # Towards the middle of the cavity, which may lie beside the long axis; near the apex towards a point within.
        across = (cavity.outline - heart.apex) @ side
        beside = (across.amin() + across.amax()) / 2 * (2 * along / heart.length).clamp(0, 1)
        centre = (along / heart.length).clamp(0.14, 1)[:, None] * heart.length * heart.axis
        radial = offset - centre - beside[:, None] * side
        taper = torch.sigmoid((0.93 * heart.length - along) / 0.3) * 0.88 + 0.12
        taper = taper * (0.45 + 0.55 * (along / (0.25 * heart.length)).clamp(0, 1))
    else:
        radial, taper = offset, torch.ones(len(nodes))
    radius = radial.norm(dim=1)
    size = (0.55 * radius + 0.45 * torch.minimum(radius * 2, radius.mean())) * taper * cavity.vigour[index]
    unit = radial / radius.clamp_min(1e-3)[:, None]
    vectors = -unit * size[:, None]
    if heart.length == 0:
        vectors = vectors + TWIST * size[:, None] * torch.stack([-unit[:, 1], unit[:, 0]], 1)
    walls = cavity.wall_cm[cavity.wall_cm > 0.2]
    wall = float(walls.mean())
    reach = _wall_reach(float(radius.mean()), wall, shortening, ejection_fraction)
    return Pull(nodes, vectors, normal, length, wall, reach, 1.3)


def _wall_reach(radius: float, wall: float, shortening: float, ejection_fraction: float) -> float:
    """Decay length in cm outside the endocardium with which a round wall keeps its volume while the LV shortens."""
    inner = radius * math.sqrt((1 - ejection_fraction) / (1 - shortening))
    outer = math.sqrt(inner**2 + ((radius + wall) ** 2 - radius**2) / (1 - shortening))
    ratio = max(radius + wall - outer, 0.02) / max(radius - inner, 0.05)
    return wall / max(math.log(radius / (radius + wall) / min(ratio, 0.95)), wall / 6)


def right_pull(heart: Heart) -> Pull:
    """The RV's free wall towards the septum, at strength 1 all the way."""
    cavity, lv = heart.cavities[Tissue.RV], heart.cavities[Tissue.LV]
    nodes, normal, length, _ = _nodes(cavity, Tissue.RV)
    distance = torch.cdist(nodes, lv.outline)
    gap, nearest = distance.min(1)
    way = (gap - lv.wall_cm[nearest] - 0.2).clamp_min(0)
    target = (torch.softmax(-distance * 2, 1) @ lv.outline) - nodes
    vectors = target / target.norm(dim=1, keepdim=True).clamp_min(1e-3) * way.clamp_max(4)[:, None]
    return Pull(nodes, _smoothed(vectors), normal, length, 0.4, 1.2, 0.6)


def atrial_pull(heart: Heart, tissue: Tissue) -> Pull:
    """An atrium's walls outwards, at strength 1 by their distance to its middle; the ring and the septum stay."""
    cavity = heart.cavities[tissue]
    nodes, normal, length, _ = _nodes(cavity, tissue)
    offset = nodes - cavity.outline.mean(0)
    beyond = (nodes - heart.apex) @ heart.axis - heart.length
    free = (beyond / 1.2).clamp(0.0, 1)
    for other in (Tissue.LA, Tissue.RA, Tissue.AORTA, Tissue.LV):
        if other in heart.cavities and other != tissue:
            gap = torch.cdist(nodes, heart.cavities[other].outline).amin(1)
            free = free * ((gap - 0.3) / 0.8).clamp(0.0, 1)
    return Pull(nodes, _smoothed(offset * free[:, None]), normal, length, 0.2, 0.8, 0.6)


def _smoothed(vectors: Tensor) -> Tensor:
    for _ in range(2):
        vectors = 0.5 * vectors + 0.25 * (vectors.roll(1, 0) + vectors.roll(-1, 0))
    return vectors
