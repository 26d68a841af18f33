"""A heart on the reference grid: signed distances, wall thickness and tissue labels, at end-diastole."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.phantom.anatomy.heart import Cavity, Ellipse, Heart
from echogan.phantom.anatomy.outlines import nearest_edge
from echogan.phantom.beams import Beams
from echogan.phantom.draw import Draw, blur
from echogan.phantom.fields import Fields
from echogan.phantom.tissues import Tissue

COARSER = 4
"""Distances are smooth: they are measured on every fourth row and column and interpolated."""

# Painted in this order: a later wall covers an earlier one, then a later cavity an earlier one.
_WALLS = (Tissue.VEIN, Tissue.LA, Tissue.RA, Tissue.AORTA, Tissue.RV, Tissue.LV)
_CAVITIES = (Tissue.VEIN, Tissue.AORTA, Tissue.RA, Tissue.LA, Tissue.RV, Tissue.LV)


@dataclass(frozen=True)
class Raster:
    """All (rows, columns) of the reference beams, on one device.

    points    (rows, columns, 2) in cm              labels  Tissue values, uint8
    distance  signed distance to each cavity in cm, negative inside
    wall_cm   wall thickness of each cavity at its nearest point
    heart     signed distance to the pericardium, cm, negative inside
    along     where along the LV's outline the nearest point lies, cm
    """

    beams: Beams
    points: Tensor
    distance: dict[Tissue, Tensor]
    wall_cm: dict[Tissue, Tensor]
    heart: Tensor
    along: Tensor
    labels: Tensor

    def inside(self, *tissues: Tissue) -> Tensor:
        """Where the label is one of these: bool (rows, columns)."""
        found = self.labels == tissues[0]
        for tissue in tissues[1:]:
            found = found | (self.labels == tissue)
        return found

    def incidence(self, distance: Tensor) -> Tensor:
        """|cos| between the beam and the normal of a surface, from its signed distance: (rows, columns).

        At half the resolution: normals are smooth.
        """
        smooth = blur(F.avg_pool2d(distance[None, None], 2), 1.0)[0, 0]
        down, across = torch.gradient(smooth)
        reach = (self.beams.radius_cm.view(-1, 2).mean(1) + self.beams.face_cm).to(distance.device)
        step = reach[:, None].clamp_min(0.3) * (2 * self.beams.half_angle / (self.beams.columns - 1))
        down, across = down / self.beams.row_cm, across / step
        cosine = down.abs() / torch.hypot(down, across).clamp_min(1e-6)
        return F.interpolate(cosine[None, None], scale_factor=2, mode="bilinear")[0, 0]


def rasterise(heart: Heart, beams: Beams, draw: Draw, device: torch.device | str = "cpu") -> Raster:
    """Draw the heart on the samples of `beams`; its cavities get trabeculae and small irregularities."""
    points = beams.points().to(device)
    coarse = beams.resampled(beams.rows // COARSER, beams.columns // COARSER)
    coarse_points = coarse.points().to(device)
    fields = Fields(draw, points)
    uneven, trabeculae = fields.smooth(0.9)[0], draw.uniform(0.04, 0.11) * fields.smooth(0.3)[0]
    distance, wall, along = {}, {}, torch.zeros_like(uneven)
    for tissue, cavity in heart.cavities.items():
        measured = torch.stack(_measure(cavity, coarse_points, tissue == Tissue.LV))
        fine = beams.refine(measured)
        rough = 0.05 * uneven + trabeculae if tissue in (Tissue.LV, Tissue.RV) else 0.5 * trabeculae
        distance[tissue], wall[tissue] = fine[0] + rough, fine[1].clamp_min(0)
        if tissue == Tissue.LV:
            along = fine[2]
    outline = _smooth_union([distance[name] - wall[name] for name in distance if name != Tissue.VEIN])
    labels = _paint_cavities(heart, distance, wall, _veins(heart, coarse_points, beams), points, trabeculae)
    labels = _paint_rest(labels, outline, rim_cm=draw.uniform(0.10, 0.2))
    return Raster(beams, points, distance, wall, outline, along, labels)


def _measure(cavity: Cavity, points: Tensor, with_place: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Signed distance, wall thickness at the nearest point, place along the outline in cm: three (h, w)."""
    outline = cavity.outline.to(points.device)
    distance, index = nearest_edge(outline, points)
    thickness = cavity.wall_cm.to(points.device)[index]
    place = distance
    if with_place:
        step = (outline.roll(-1, 0) - outline).square().sum(1).clamp_min(1e-9).sqrt()
        place = (step.cumsum(0) - step)[index]
    return distance, thickness, place


def _smooth_union(distances: list[Tensor]) -> Tensor:
    """The union of shapes with its notches filled: a soft minimum of their signed distances."""
    return -0.3 * torch.logsumexp(-torch.stack(distances) / 0.3, 0)


def _veins(heart: Heart, coarse_points: Tensor, beams: Beams) -> Tensor:
    """Where vessels run into the atria: bool (rows, columns)."""
    device = coarse_points.device
    found = torch.zeros(beams.rows, beams.columns, dtype=torch.bool, device=device)
    for strand in heart.strands:
        if strand.tissue == Tissue.VEIN:
            away = beams.refine(_distance_to_line(strand.points.to(device), coarse_points)[None])[0]
            found = found | (away < strand.half_width_cm)
    return found


def _paint_cavities(
    heart: Heart,
    distance: dict[Tissue, Tensor],
    wall: dict[Tissue, Tensor],
    veins: Tensor,
    points: Tensor,
    rough: Tensor,
) -> Tensor:
    labels = torch.zeros_like(rough)
    for name in (name for name in _WALLS if name in distance):
        labels = torch.where(distance[name] < wall[name], float(heart.cavities[name].wall), labels)
    labels = torch.where(veins, float(Tissue.VEIN), labels)
    for name in (name for name in _CAVITIES if name in distance):
        labels = torch.where(distance[name] < 0, float(name), labels)
    for ellipse in heart.ellipses:
        inside = _within(ellipse, points, rough) & (labels == float(ellipse.inside))
        labels = torch.where(inside, float(ellipse.tissue), labels)
    return labels


def _paint_rest(labels: Tensor, heart: Tensor, rim_cm: float) -> Tensor:
    """What lies between the cavities within the pericardium is wall too; around it runs the pericardium."""
    empty = labels == float(Tissue.OUTSIDE)
    labels = torch.where(empty & (heart < 0), float(Tissue.ATRIAL_WALL), labels)
    shell = empty & (heart >= 0) & (heart < rim_cm)
    return torch.where(shell, float(Tissue.PERICARDIUM), labels).to(torch.uint8)


def _within(ellipse: Ellipse, points: Tensor, rough: Tensor) -> Tensor:
    offset = points - ellipse.centre.to(points.device)
    cosine, sine = math.cos(ellipse.angle), math.sin(ellipse.angle)
    u = (offset[..., 0] * cosine + offset[..., 1] * sine) / ellipse.half_axes[0]
    v = (offset[..., 1] * cosine - offset[..., 0] * sine) / ellipse.half_axes[1]
    return u**2 + v**2 + 4 * rough < 1


def _distance_to_line(line: Tensor, points: Tensor) -> Tensor:
    """Distance of points (..., 2) to an open polyline (n, 2): (...) in cm."""
    start, edge = line[:-1], line[1:] - line[:-1]
    offset = points[..., None, :] - start
    share = ((offset * edge).sum(-1) / edge.square().sum(-1).clamp_min(1e-9)).clamp(0, 1)
    return (offset - share[..., None] * edge).norm(dim=-1).amin(-1)
