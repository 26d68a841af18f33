"""How bright each tissue is, in dB against normal myocardium: texture, fibres, interfaces seen edge-on or face-on."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.phantom.anatomy.heart import Heart
from echogan.phantom.draw import Draw
from echogan.phantom.fields import Fields
from echogan.phantom.medium.raster import Raster
from echogan.phantom.medium.surroundings import SurroundingSettings, surroundings
from echogan.phantom.tissues import FLUID, Tissue

_VENTRICLES = (Tissue.LV, Tissue.RV)


@dataclass(frozen=True)
class EchogenicitySettings:
    """Brightness of the heart's tissues, dB against normal myocardium. Each clip draws once from every range."""

    patches_db: tuple[float, float] = field(
        default=(1.5, 4.5), metadata={"help": "uneven myocardium (1 cm), dB"}
    )
    grain_db: tuple[float, float] = field(default=(0.8, 2.5), metadata={"help": "fine texture (2 mm), dB"})
    fibres_db: tuple[float, float] = field(default=(1.5, 4), metadata={"help": "strands along walls, dB"})
    side_wall_db: tuple[float, float] = field(
        default=(-10, 0), metadata={"help": "walls that run along the beam, far from the middle, dB"}
    )
    anisotropy_db: tuple[float, float] = field(
        default=(2, 7), metadata={"help": "brighter where the wall faces the beam, dB"}
    )
    endocardium_db: tuple[float, float] = field(default=(2, 7), metadata={"help": "endocardial line, dB"})
    atrial_line_db: tuple[float, float] = field(default=(3, 10), metadata={"help": "atrial wall line, dB"})
    pericardium_db: tuple[float, float] = field(default=(7, 17), metadata={"help": "pericardial line, dB"})
    fibrous_db: tuple[float, float] = field(default=(2, 6), metadata={"help": "valve rings, dB"})
    surroundings: SurroundingSettings = field(default_factory=SurroundingSettings)


def echogenicity(
    draw: Draw, heart: Heart, raster: Raster, fields: Fields, settings: EchogenicitySettings
) -> tuple[Tensor, Tensor]:
    """Brightness of solid tissue in dB (blood is added later) and how readily it drops out, 0 to 1: two (h, w)."""
    s = settings
    grain = fields.level(s.grain_db, 0.22) + 0.7 * fields.level(s.grain_db, 0.8)
    patches = fields.smooth(1.1, 2)
    level = surroundings(draw, raster, fields, grain, s.surroundings)
    cosine = raster.incidence(raster.distance[Tissue.LV])
    muscle = grain + _fibres(draw, raster, s) + draw.within(s.patches_db) * patches[0]
    muscle = (
        muscle + draw.within(s.anisotropy_db) * (cosine**1.5 - 0.45) + _side_wall(draw, raster, cosine, s)
    )
    thin = grain + 3.5 * patches[1]
    for tissues, value in (
        ((Tissue.MYOCARDIUM, Tissue.PAPILLARY), muscle),
        ((Tissue.RV_WALL,), thin + draw.uniform(-7, 0)),
        ((Tissue.ATRIAL_WALL, Tissue.AORTIC_WALL), thin + draw.uniform(-10, -3)),
        ((Tissue.PERICARDIUM,), grain - 2),
        (FLUID, muscle),
    ):
        level = torch.where(raster.inside(*tissues), value, level)
    level = level + _lines(draw, raster, fields, s) + _rings(draw, heart, raster, s)
    prone = (0.9 * fields.smooth(1.4)[0] + 0.2 - 0.8 * (cosine - 0.4)).clamp(0, 1)
    return level, prone


def _fibres(draw: Draw, raster: Raster, settings: EchogenicitySettings) -> Tensor:
    """Strands that follow the wall: noise that is long along it (2.5 cm) and short across it (1.6 mm)."""
    noise = draw.normal(1, 1, 48, 24).to(raster.labels.device)
    fine = F.interpolate(noise, scale_factor=4, mode="bicubic", align_corners=True)
    across = raster.distance[Tissue.LV] / 3.5
    grid = torch.stack([raster.along / 16 - 1, across.clamp(-1, 1)], -1)
    return draw.within(settings.fibres_db) * F.grid_sample(fine, grid[None], align_corners=True)[0, 0]


def _side_wall(draw: Draw, raster: Raster, cosine: Tensor, settings: EchogenicitySettings) -> Tensor:
    """Walls along the beam at the sides of the fan return less: the lateral wall's drop-out in apical views."""
    angle = (raster.beams.angle / raster.beams.half_angle).to(cosine.device)[None]
    loss = [draw.within(settings.side_wall_db) for _ in range(2)]
    left, right = ((side * angle / 0.7).clamp(0, 1.2) for side in (-1, 1))
    return (loss[0] * left + loss[1] * right) * (1 - cosine)


def _lines(draw: Draw, raster: Raster, fields: Fields, settings: EchogenicitySettings) -> Tensor:
    """Specular interfaces, bright where they face the beam and broken along their way: dB (h, w)."""
    broken = (0.6 + 0.55 * fields.smooth(0.9)[0]).clamp(0, 1.5)
    bright = torch.zeros_like(broken)
    for name, distance in raster.distance.items():
        ventricle = name in _VENTRICLES
        strength = draw.within(settings.endocardium_db if ventricle else settings.atrial_line_db)
        line = torch.exp(-(((distance - 0.06) / (0.07 if ventricle else 0.09)) ** 2))
        bright = torch.maximum(bright, strength * line * (0.1 + 0.9 * raster.incidence(distance) ** 3))
    rim = torch.exp(-((raster.heart / draw.uniform(0.12, 0.25)) ** 2)) * (raster.heart > -0.3)
    rim = draw.within(settings.pericardium_db) * rim * (0.15 + 0.85 * raster.incidence(raster.heart) ** 2)
    return torch.maximum(bright, rim) * broken


def _rings(draw: Draw, heart: Heart, raster: Raster, settings: EchogenicitySettings) -> Tensor:
    level = torch.zeros_like(raster.heart)
    for point in heart.fibrous.to(level.device):
        near = torch.exp(-(raster.points - point).square().sum(-1) / draw.uniform(0.25, 0.5) ** 2)
        level = level + draw.within(settings.fibrous_db) * near
    return level
