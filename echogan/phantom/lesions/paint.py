"""A lesion on the reference map: its labels before the tissue gets its brightness, its own brightness after."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.phantom.anatomy.outlines import signed_distance
from echogan.phantom.draw import Draw
from echogan.phantom.fields import Fields
from echogan.phantom.lesions.kinds import Effusion, Lesion
from echogan.phantom.medium.raster import Raster
from echogan.phantom.tissues import FLUID, Tissue

EDGE_CM = 0.2
"""So far around a septal defect its edges are brighter."""
BEYOND_CM = 1.5
"""So far behind the pericardium that an effusion has moved, the surroundings change with it."""
_RIM_CM = 0.15
_FAR = 9.0


def alter(lesion: Lesion, raster: Raster) -> tuple[Raster, Tensor]:
    """The raster with the lesion's labels, and where it is: bool (rows, columns). Before `echogenicity`.

    Solid lesions become LESION, a septal defect the fluid of the nearer chamber, an effusion EFFUSION between the
    heart and its pericardium, which moves outwards. What swings is drawn per frame, not here.
    """
    if lesion.effusion is not None:
        return _pour(lesion.effusion, lesion.seed, raster)
    if lesion.outline is None:
        return raster, torch.zeros_like(raster.labels, dtype=torch.bool)
    inside = _distance(lesion.outline, raster) < 0
    if lesion.kind == "septal-defect":
        assert lesion.cavity is not None
        assert lesion.neighbour is not None
        mask = inside & ~raster.inside(*FLUID)
        first = raster.distance[lesion.cavity] < raster.distance[lesion.neighbour]
        fluid = torch.where(first, float(lesion.cavity), float(lesion.neighbour))
        labels = torch.where(mask, fluid, raster.labels.float()).to(torch.uint8)
    else:
        mask = inside
        labels = torch.where(mask, float(Tissue.LESION), raster.labels.float()).to(torch.uint8)
    return replace(raster, labels=labels), mask


def brighten(lesion: Lesion, raster: Raster, mask: Tensor, level_db: Tensor) -> Tensor:
    """The level with the lesion's own within the mask, (rows, columns) in dB. After `echogenicity`.

    Its texture comes from the lesion's seed, so that the control draws the same numbers elsewhere.
    """
    if lesion.outline is None:
        return level_db
    distance = _distance(lesion.outline, raster)
    if lesion.kind == "septal-defect":
        # Echoes from the edges of a hole are strong (the "T sign"), which tells it from drop-out.
        near = (1 - distance / EDGE_CM).clamp(0, 1) * (distance > 0)
        return level_db + 7 * near * ~raster.inside(*FLUID)
    texture = _texture(lesion, raster, distance)
    share = mask.float()
    mean = (texture * share).sum() / share.sum().clamp_min(1)
    return torch.where(mask, lesion.level_db + texture - mean, level_db)


def area_on(raster: Raster, mask: Tensor) -> Tensor:
    """Area of a mask (rows, columns) on the reference grid: a scalar tensor in cm2."""
    beams = raster.beams
    step = 2 * beams.half_angle / (beams.columns - 1)
    cell = (beams.radius_cm + beams.face_cm) * step * beams.row_cm
    return (mask.float().sum(1) * cell.to(mask.device)).sum()


def _distance(outline: Tensor, raster: Raster) -> Tensor:
    """Signed distance to an outline where it lies and 0.4 cm around, far elsewhere: (rows, columns) in cm.

    The window is found on the CPU, so that nothing waits for the device.
    """
    beams = raster.beams
    at = beams.grid(outline + torch.tensor([[[0.4, 0.4]], [[0.4, -0.4]], [[-0.4, 0.4]], [[-0.4, -0.4]]]))
    spans = []
    for axis, count in ((1, beams.rows), (0, beams.columns)):
        place = (at[..., axis] + 1) * count / 2
        low = min(max(int(place.min()) - 1, 0), count - 1)
        spans.append((low, min(max(int(place.max()) + 2, low + 1), count)))
    (top, bottom), (left, right) = spans
    near = signed_distance(outline.to(raster.points.device), raster.points[top:bottom, left:right])
    margins = (left, beams.columns - right, top, beams.rows - bottom)
    return F.pad(near, margins, value=_FAR)


def _texture(lesion: Lesion, raster: Raster, distance: Tensor) -> Tensor:
    """Relative level within a solid lesion: grain, patches, layers along the wall, a faint surface; in dB."""
    assert lesion.cavity is not None
    draw = Draw(lesion.seed)
    fields = Fields(draw, raster.points)
    texture = fields.level((1.0, 2.5), 0.2) + fields.level((1.5, 3.0), 0.6)
    if lesion.layered:
        way = raster.distance[lesion.cavity] + 0.06 * fields.smooth(0.8)[0]
        wave = torch.sin(2 * math.pi * way / draw.uniform(0.25, 0.5))
        texture = texture + draw.uniform(1.5, 3.5) * wave
    if lesion.kind == "mass":
        # Soft, partly bled or calcified tumours are patchy.
        texture = texture + draw.uniform(1.0, 3.5) * fields.smooth(0.9)[0]
    return texture + draw.uniform(0.5, 3.0) * torch.exp(-((distance / 0.08) ** 2))


def _pour(effusion: Effusion, seed: int, raster: Raster) -> tuple[Raster, Tensor]:
    """Fluid between the heart and a pericardium that it pushes outwards."""
    depth = _fluid_depth(effusion, seed, raster)
    heart = raster.heart
    moved = heart - depth
    mask = raster.inside(Tissue.OUTSIDE, Tissue.PERICARDIUM) & (heart >= 0) & (moved < 0)
    labels = torch.where(mask, float(Tissue.EFFUSION), raster.labels.float())
    line = (labels == float(Tissue.OUTSIDE)) & (moved >= 0) & (moved < _RIM_CM) & (depth > 0)
    labels = torch.where(line, float(Tissue.PERICARDIUM), labels).to(torch.uint8)
    # Far behind the new line all is as before.
    fade = (1 - (moved / BEYOND_CM).clamp_min(0)).clamp(0, 1)
    return replace(raster, labels=labels, heart=heart - depth * fade), mask


def _fluid_depth(effusion: Effusion, seed: int, raster: Raster) -> Tensor:
    """How deep the fluid is at each place around the heart: (rows, columns) in cm, 0 where there is none.

    Deepest on one side, uneven, none where atria, aorta and veins leave the sac, little right below the probe.
    """
    device = raster.points.device
    away = raster.points - effusion.centre.to(device)
    cosine = (away @ effusion.side.to(device)) / away.norm(dim=-1).clamp_min(1e-3)
    profile = effusion.least + (1 - effusion.least) * ((1 + cosine) / 2).clamp_min(0) ** 1.5
    uneven = 1 - 0.12 * Fields(Draw(seed), raster.points).smooth(2.0)[0].abs()
    held = [raster.distance[name] - raster.wall_cm[name] for name in _HELD if name in raster.distance]
    free = [raster.distance[name] - raster.wall_cm[name] for name in _FREE if name in raster.distance]
    depth = effusion.depth_cm * profile * uneven
    if held:
        nearer = torch.stack(held).amin(0) - torch.stack(free).amin(0)
        depth = depth * torch.sigmoid((nearer - 0.3) / 0.25)
    below = raster.beams.radius_cm.to(device)[:, None]
    return torch.minimum(depth - 0.08, 0.4 * below).clamp_min(0)


_HELD = (Tissue.LA, Tissue.AORTA, Tissue.VEIN)
_FREE = (Tissue.LV, Tissue.RV, Tissue.RA)
