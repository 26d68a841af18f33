"""Valve leaflets and chords on the beams: thin, uneven, bright where they face the beam."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from echogan.phantom.anatomy.heart import Heart
from echogan.phantom.beams import Beams
from echogan.phantom.draw import Draw
from echogan.phantom.motion.beating import Motion, moved
from echogan.phantom.tissues import Tissue


def draw_valves(draw: Draw, heart: Heart, motion: Motion, curves: Tensor, beams: Beams) -> Tensor:
    """Echo strength of leaflets and chords on the beams, (T, rows, columns), zero elsewhere."""
    image = torch.zeros(len(curves), beams.rows, beams.columns)
    for k, leaflet in enumerate(heart.leaflets):
        # Leaflets are 1 to 4 mm thick, thicker at the tip, wavy, beaded, and seen only in parts.
        count = curves.shape[2]
        along = torch.linspace(0, 1, count)
        thick = draw.uniform(0.08, 0.22) * (0.7 + draw.uniform(0, 1.1) * along**2)
        thick = thick * (1 + 0.35 * draw.smooth((1, count), (1, 5))[0]).clamp(0.3, 2)
        uneven = (
            0.8 + 0.5 * draw.smooth((1, count), (1, 9))[0] + 0.3 * draw.smooth((1, count), (1, 3))[0]
        ).clamp(0, 2)
        wave = draw.uniform(0.04, 0.13) * draw.smooth((1, count), (1, 10))[0] * (along * 4).clamp(0, 1)
        _stamp(image, _bent(curves[:, k], wave), leaflet.strength * uneven, thick, beams)
    for strand in heart.strands:
        if strand.tissue == Tissue.VALVE:
            points = moved(heart, motion, strand.points)
            count = points.shape[1]
            faint = draw.uniform(0.1, 0.4) * (1 + 0.5 * draw.smooth((1, count), (1, 3))[0]).clamp(0, 2)
            _stamp(image, points, faint, torch.zeros(count), beams)
    return image


def _bent(curves: Tensor, offset: Tensor) -> Tensor:
    """Curves (T, n, 2) moved sideways by so many cm (n,)."""
    run = torch.gradient(curves, dim=1)[0]
    run = run / run.norm(dim=-1, keepdim=True).clamp_min(1e-6)
    return curves + offset[:, None] * torch.stack([-run[..., 1], run[..., 0]], -1)


def _stamp(image: Tensor, points: Tensor, strength: Tensor, thick_cm: Tensor, beams: Beams) -> None:
    """Draw curves (T, n, 2) of strength and thickness (n,) where nothing stronger is; brightest face-on."""
    place = beams.grid(points)
    column = ((place[..., 0] + 1) * beams.columns / 2 - 0.5).round().long()
    row = ((place[..., 1] + 1) * beams.rows / 2 - 0.5).round().long()
    run = torch.gradient(points, dim=1)[0]
    beam = points / points.norm(dim=-1, keepdim=True).clamp_min(1e-3)
    along = (run * beam).sum(-1).abs() / run.norm(dim=-1).clamp_min(1e-6)
    shown = strength * (0.35 + 0.65 * (1 - along**2))
    frame = torch.arange(len(points))[:, None].expand_as(row)
    half = thick_cm / 2 / beams.row_cm
    reach = math.ceil(float(half.max()))
    for offset in range(-reach, reach + 1):
        seen = (offset**2 <= half**2 + 0.25).expand_as(row)
        seen = seen & (row + offset >= 0) & (row + offset < beams.rows)
        seen = seen & (column >= 0) & (column < beams.columns)
        at = frame[seen], row[seen] + offset, column[seen]
        image[at] = torch.maximum(image[at], shown[seen])
