"""What lies around the heart: chest wall muscle, ribs, lung, liver, and the bright tissue behind the pericardium."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.phantom.draw import Draw
from echogan.phantom.fields import Fields
from echogan.phantom.medium.raster import Raster


@dataclass(frozen=True)
class SurroundingSettings:
    """Brightness of the tissue around the heart, dB against normal myocardium."""

    base_db: tuple[float, float] = field(default=(-10, 3), metadata={"help": "mean level, dB"})
    uneven_db: tuple[float, float] = field(default=(2, 5), metadata={"help": "smooth variation (1.6 cm), dB"})
    streaks_db: tuple[float, float] = field(default=(1, 4), metadata={"help": "layers along arcs, dB"})
    glow_db: tuple[float, float] = field(default=(-1, 12), metadata={"help": "behind the pericardium, dB"})
    glow_cm: tuple[float, float] = field(default=(0.5, 2.5), metadata={"help": "how deep that reaches, cm"})
    deep_db: tuple[float, float] = field(default=(-2, 12), metadata={"help": "brighter in the far field, dB"})
    lung_chance: float = field(default=0.35, metadata={"help": "share of clips with lung at an edge"})
    lung_db: tuple[float, float] = field(default=(-18, -4), metadata={"help": "grey fog over the lung, dB"})
    liver_chance: float = field(default=0.25, metadata={"help": "share of clips with liver at the left edge"})
    liver_db: tuple[float, float] = field(default=(-14, -5), metadata={"help": "liver, dB"})
    rib_chance: float = field(default=0.2, metadata={"help": "share of clips with a rib in the near field"})


def surroundings(
    draw: Draw, raster: Raster, fields: Fields, grain: Tensor, settings: SurroundingSettings
) -> Tensor:
    """Level of everything outside the heart: dB (h, w)."""
    s = settings
    arcs = _arcs(draw, raster)
    level = draw.within(s.base_db) + fields.level(s.uneven_db, 1.6) + 1.5 * fields.smooth(0.3)[0]
    level = level + draw.within(s.streaks_db) * arcs
    level = _organs(draw, raster, fields, level, grain, s)
    patch = (0.6 + 0.5 * fields.smooth(1.8)[0]).clamp(0, 1.2)
    facing = 0.25 + 0.75 * raster.incidence(raster.heart) ** 2
    reach = torch.exp(-raster.heart.clamp_min(0) / draw.within(s.glow_cm))
    glow = draw.within(s.glow_db) - 22 * (1 - reach * facing * patch) + 0.6 * grain + 3 * arcs
    deep = (raster.beams.radius_cm / raster.beams.depth_cm).to(level.device)[:, None]
    level = level + draw.within(s.deep_db) * ((deep - 0.5) / 0.3).clamp(0, 1)
    return torch.maximum(level, glow)


def _arcs(draw: Draw, raster: Raster) -> Tensor:
    """Layers of fat and fascia run along arcs: noise of 3 mm along the beam, long across it."""
    knots = (int(raster.beams.depth_cm / 0.3), 7)
    noise = draw.normal(1, 1, *knots).to(raster.labels.device)
    return F.interpolate(noise, size=raster.labels.shape, mode="bicubic", align_corners=True)[0, 0]


def _organs(
    draw: Draw, raster: Raster, fields: Fields, level: Tensor, grain: Tensor, settings: SurroundingSettings
) -> Tensor:
    """Lung at one or both edges, liver beside the right heart, a rib across the near field."""
    s, beams = settings, raster.beams
    device = level.device
    edge = (beams.angle / beams.half_angle).to(device)[None] + 0.12 * fields.smooth(2.0)[0]
    depth = beams.radius_cm.to(device)[:, None]
    for side in (-1, 1):
        present, begin = draw.chance(s.lung_chance), draw.uniform(0.45, 0.8)
        fog, top = draw.within(s.lung_db) + 0.4 * grain, draw.uniform(1.5, 5)
        if present:
            share = torch.sigmoid((side * edge - begin) / 0.05) * torch.sigmoid((depth - top) / 0.3)
            level = level + share * (fog - level)
    liver, begin, tone = draw.chance(s.liver_chance), draw.uniform(0.3, 0.65), draw.within(s.liver_db)
    if liver:
        share = torch.sigmoid((-edge - begin) / 0.04) * torch.sigmoid((depth - draw.uniform(3, 7)) / 0.3)
        level = level + share * (tone + 0.5 * grain - level)
    rib, at, centre = draw.chance(s.rib_chance), draw.uniform(0.8, 2.0), draw.uniform(-0.9, 0.9)
    if rib:
        bend = depth - at - 0.35 * (edge - centre) ** 2
        line = torch.exp(-((bend / 0.1) ** 2)) * torch.sigmoid((0.35 - (edge - centre).abs()) / 0.05)
        level = level + 16 * line
    return level
