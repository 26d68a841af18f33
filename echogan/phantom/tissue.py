"""From labels to scatterers: how bright each tissue is, its interfaces, and the speckle that moves with it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.phantom.anatomy import BLOOD, Anatomy, Tissue
from echogan.phantom.draw import Draw, blur
from echogan.phantom.outlines import CELL_CM, GRID, reference_points


def scatterers(draw: Draw, anatomy: Anatomy) -> tuple[Tensor, Tensor]:
    """The reference map to be moved and imaged: (6, 512, 512), and the echogenicity in dB (512, 512).

    Channels: two complex scatter fields (real, imaginary, real, imaginary) with the tissue's amplitude,
    the share of blood, and where tissue tends to drop out (0 to 1).
    """
    level, incidence = echogenicity(draw, anatomy)
    blood = torch.isin(anatomy.labels, torch.tensor([int(t) for t in BLOOD], dtype=torch.uint8))
    amplitude = 10 ** (level / 20) * ~blood
    strong = (torch.rand(GRID, GRID, generator=draw.generator) < 0.004) & ~blood
    amplitude = amplitude * (1 + strong * 2.4 * draw.normal(GRID, GRID).abs())
    amplitude = _slice_thickness(draw, amplitude)
    speckle = blur(draw.normal(4, 1, GRID, GRID), 0.7)[:, 0]
    speckle = speckle / speckle.std()
    drop = (0.9 * draw.smooth((GRID, GRID), 1.4 / CELL_CM) + 0.2 - 0.8 * (incidence - 0.4)).clamp(0, 1)
    soft_blood = blur(blood.float()[None, None], 1.0)[0]
    return torch.cat([speckle * amplitude, soft_blood, drop[None]]), level


def _slice_thickness(draw: Draw, amplitude: Tensor) -> Tensor:
    """The beam is 1 to 2 mm thick out of plane: neighbouring tissue adds its energy."""
    energy = amplitude.square()[None, None]
    thick, share = draw.uniform(0.10, 0.22), draw.uniform(0.15, 0.4)
    mixed = (1 - share) * blur(energy, 0.8) + 0.7 * share * blur(energy, thick / CELL_CM)
    far = F.interpolate(blur(F.avg_pool2d(energy, 4), 0.6 / CELL_CM / 4), scale_factor=4, mode="bilinear")
    return (mixed + 0.036 * share * far).sqrt()[0, 0]


def echogenicity(draw: Draw, anatomy: Anatomy) -> tuple[Tensor, Tensor]:
    """Tissue brightness in dB against myocardium, and the incidence |cos| on the LV wall: two (512, 512)."""
    labels, points = anatomy.labels, reference_points()
    size = (GRID, GRID)
    r = points.norm(dim=-1).clamp_min(1e-3)
    beam = points / r[..., None]
    arcs = _arc_streaks(draw, points, r)
    level = -20 + draw.uniform(-6, 4) + draw.uniform(5, 8) * draw.smooth(size, 1.6 / CELL_CM)
    level = level + 5 * arcs + 3 * draw.smooth(size, 0.3 / CELL_CM)
    lung = ((torch.atan2(points[..., 0], points[..., 1]).abs() - draw.uniform(0.35, 0.6)) / 0.15).clamp(0, 1)
    level = level - draw.uniform(2, 10) * lung * ((points[..., 1] - 4) / 2).clamp(0, 1)
    fine = draw.uniform(1.5, 3.5) * draw.smooth(size, 0.22 / CELL_CM)
    fine = fine + draw.uniform(1.5, 3.5) * draw.smooth(size, 0.8 / CELL_CM)
    patches = 5 * draw.smooth(size, 1.1 / CELL_CM)
    level = torch.where(labels == Tissue.MYOCARDIUM, fine + _myocardium(draw, anatomy, points), level)
    level = torch.where(labels == Tissue.RV_WALL, fine + patches + draw.uniform(-6, 0), level)
    level = torch.where(labels == Tissue.ATRIAL_WALL, fine + 1.2 * patches + draw.uniform(-10, -3), level)
    level, incidence = _interfaces(draw, anatomy, beam, level, fine, arcs)
    for point in anatomy.fibrous:
        near = torch.exp(-(points - point).square().sum(-1) / draw.uniform(0.25, 0.5) ** 2)
        level = level + draw.uniform(4, 9) * near * ~torch.isin(labels, torch.tensor([int(t) for t in BLOOD]))
    far = ((r - draw.uniform(8, 11)) / 3).clamp(0, 1) * (labels == Tissue.OUTSIDE)
    return level + far * draw.uniform(0, 9) * (arcs + 0.3).clamp(-1, 2), incidence


def _arc_streaks(draw: Draw, points: Tensor, r: Tensor) -> Tensor:
    """Extracardiac layers run along arcs: noise that is long across the beam and short along it."""
    polar = draw.smooth((GRID, GRID), (0.35 / CELL_CM, 60.0))
    angle = torch.atan2(points[..., 0], points[..., 1])
    grid = torch.stack([angle / 1.7, r / 10 - 1], -1)
    return F.grid_sample(polar[None, None], grid[None], align_corners=False, padding_mode="border")[0, 0]


def _myocardium(draw: Draw, anatomy: Anatomy, points: Tensor) -> Tensor:
    """Fibre strands along the wall, patches, and a lateral wall that is often darker: dB (512, 512)."""
    along = (points - anatomy.apex) @ anatomy.axis
    strands = draw.smooth((GRID, GRID), (0.16 / CELL_CM, 0.16 / CELL_CM))
    grid = torch.stack([along / 40, anatomy.distance["lv"] / 4], -1).clamp(-1, 1)
    strand = F.grid_sample(strands[None, None], grid[None], align_corners=False)[0, 0]
    across = (points - anatomy.apex) @ torch.tensor([float(anatomy.axis[1]), -float(anatomy.axis[0])])
    lateral = draw.uniform(-9, 0) * (across / 3).clamp(0, 1.5)
    return (
        draw.uniform(1.5, 4.5) * strand
        + draw.uniform(2, 5) * draw.smooth((GRID, GRID), 1.1 / CELL_CM)
        + lateral
    )


def _incidence(distance: Tensor, beam: Tensor) -> Tensor:
    """|cos| between the beam and the normal of a surface, (512, 512); at half the grid: normals are smooth."""
    dz, dx = torch.gradient(blur(F.avg_pool2d(distance[None, None], 2), 1.0)[0, 0])
    cosine = (dx * beam[::2, ::2, 0] + dz * beam[::2, ::2, 1]).abs() / torch.hypot(dx, dz).clamp_min(1e-6)
    return F.interpolate(cosine[None, None], scale_factor=2, mode="bilinear")[0, 0]


def _interfaces(
    draw, anatomy: Anatomy, beam: Tensor, level: Tensor, fine: Tensor, arcs: Tensor
) -> tuple[Tensor, Tensor]:
    """Add angle-dependent specular lines: endocardium, atrial walls, pericardium and the glow behind it."""
    size, labels = (GRID, GRID), anatomy.labels
    specular, incidence = torch.zeros(size), torch.zeros(size)
    for name, distance in anatomy.distance.items():
        ventricle = name in ("lv", "rv")
        cosine = _incidence(distance, beam)
        line = torch.exp(-(((distance - 0.06) / (0.07 if ventricle else 0.09)) ** 2))
        strength = draw.uniform(4, 10) if ventricle else draw.uniform(6, 14)
        broken = (0.7 + 0.5 * draw.smooth(size, 1.0 / CELL_CM)).clamp(0, 1.5)
        specular = torch.maximum(specular, line * strength * broken * (0.12 + 0.88 * cosine**3))
        if name == "lv":
            incidence = cosine
            wall = labels == Tissue.MYOCARDIUM
            level = torch.where(wall, level + draw.uniform(2, 7) * (cosine**1.5 - 0.45), level)
    depth, cosine = anatomy.heart, _incidence(anatomy.heart, beam)
    patch = (0.55 + 0.5 * draw.smooth(size, 1.8 / CELL_CM)).clamp(0, 1.2)
    rim = (
        torch.exp(-((depth / draw.uniform(0.12, 0.25)) ** 2))
        * (depth > -0.3)
        * (0.2 + 0.8 * cosine**2)
        * patch
    )
    glow = torch.exp(-depth.clamp_min(0) / draw.uniform(0.4, 1.6)) * (0.25 + 0.75 * cosine**2) * patch
    glow = -22 + 24 * draw.uniform(0.8, 1.25) * glow + 0.6 * fine + 3 * arcs
    level = torch.where(labels == Tissue.OUTSIDE, torch.maximum(level, glow), level)
    level = torch.where(labels == Tissue.PERICARDIUM, fine - 2, level)
    return level + torch.maximum(specular, rim * draw.uniform(8, 18)), incidence
