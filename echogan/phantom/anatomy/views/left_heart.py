"""The left heart of the apical views, in heart coordinates: LV apex at (0, 0), z along its axis, x to the right.

Shape of the ventricle: widths along the axis follow the expert outlines of apical four-chamber views (half the
greatest width at 5 % of the length, 78 % at 20 %, all of it at 65 %, 86 % at 90 %), with a spread of their size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from echogan.phantom.anatomy import measure
from echogan.phantom.anatomy.heart import Cavity, Ellipse, Leaflet, Strand
from echogan.phantom.anatomy.views import shapes
from echogan.phantom.draw import Draw
from echogan.phantom.tissues import Tissue

_SHARES = (0.015, 0.05, 0.10, 0.20, 0.35, 0.50, 0.65, 0.80, 0.90, 0.965)
_WIDTHS = (0.29, 0.50, 0.63, 0.79, 0.91, 0.96, 1.00, 0.97, 0.87, 0.76)
DOWN = torch.tensor([0.0, 1.0])


@dataclass(frozen=True)
class LeftVentricle:
    """The LV and what hangs on it: half width of the mitral ring and of the cavity, length, in cm."""

    cavity: Cavity
    ring: float
    half: float
    length: float
    abnormal: int  # the vertex in the middle of the wall that contracts badly


def left_ventricle(draw: Draw, sizes: dict[str, float]) -> LeftVentricle:
    """Outline, walls and vigour of the ventricle; the wall to the left is sizes["septum_cm"] thick."""
    short = sizes["foreshortening"]
    length, width = sizes["lv_length_cm"] * (1 - short), sizes["lv_diameter_cm"] * (1 + 0.2 * short)
    half = width / 2
    ring = half * min(draw.uniform(0.60, 0.72), 2.0 / half)
    sharp = draw.uniform(-0.3, 0.35) - 0.8 * short
    lean, bulge = 0.18 * draw.scalar(), 0.35 * draw.uniform(0, 1) ** 2
    left, right = [], []
    for share, wide in zip(_SHARES, _WIDTHS, strict=True):
        wide = wide ** (1 + sharp * (1 - share) ** 2) * half
        wide += (ring * 1.08 - 0.76 * half) * max(0.0, (share - 0.8) / 0.165)
        shift = lean * math.sin(math.pi * share)
        septal = bulge * math.exp(-(((share - 0.86) / 0.09) ** 2))
        left.append((shift - wide * draw.uniform(0.94, 1.04) + septal, share * length))
        right.append((shift + wide * draw.uniform(0.94, 1.04), share * length))
    base = [(ring * 0.62, length), (0.0, length + 0.08), (-ring * 0.62, length)]
    outline = shapes.curve([(0.0, 0.0), *right, *base, *left[::-1]])
    inner = torch.sigmoid((0.9 * length - outline[:, 1]) / 0.25)
    outline = shapes.uneven(draw, outline, 0.07, 0.035, inner)
    outline[:, 1] -= outline[:, 1].amin()
    outline = outline * torch.stack(
        [width / measure.widest(outline, DOWN, 0.25, 0.9), length / outline[:, 1].amax()]
    )
    along = outline[:, 1] / length
    wall = _walls(draw, outline, along, ring, sizes)
    vigour, middle = shapes.regional_vigour(draw, outline, along < 0.85, sizes["wall_motion_vigour"])
    cavity = Cavity(outline, wall * (0.72 + 0.28 * vigour), Tissue.MYOCARDIUM, vigour)
    return LeftVentricle(cavity, ring, half, length, middle)


def _walls(draw: Draw, outline: Tensor, along: Tensor, ring: float, sizes: dict[str, float]) -> Tensor:
    """Thickness per vertex: septal and lateral walls, thin at the apex, tapering to the ring, none at the valve."""
    side = torch.sigmoid(outline[:, 0] / 0.5)
    wall = sizes["septum_cm"] * (1 - side) + sizes["lateral_cm"] * side
    wall = wall * (1 + 0.06 * shapes.wave(draw, len(wall), 2, 7))
    for sign, name in ((-1, "septum_cm"), (1, "lateral_cm")):
        middle = (outline[:, 0] * sign > 0) & (along > 0.4) & (along < 0.75)
        factor = sizes[name] / wall[middle].mean()
        wall = torch.where(outline[:, 0] * sign > 0, wall * factor, wall)
    apical = draw.uniform(0.4, 0.6)
    wall = wall * (apical + (1 - apical) * (along / 0.3).clamp(0, 1))
    wall = torch.minimum(wall, 1.3 * wall.mean() * (0.35 + (1 - along).clamp_min(0) / 0.12))
    valve = (along > 0.955) & (outline[:, 0].abs() < ring * 0.95)
    return torch.where(valve, 0.0, wall)


def left_atrium(
    draw: Draw,
    lv: LeftVentricle,
    area: float,
    lean: float,
    appendage: bool = False,
    least_x: float | None = None,
) -> tuple[Cavity, list[Strand]]:
    """The LA below the mitral ring with its pulmonary veins; wider than the ring, its roof uneven. Area in cm2.

    `least_x` keeps it to the right of an aortic root.
    """
    ring, length = lv.ring, lv.length
    ratio, roof = draw.uniform(0.85, 1.2), [draw.uniform(0.88, 1.04) for _ in range(3)]
    bulge = [draw.uniform(0.92, 1.07) for _ in range(6)]
    pocket = draw.uniform(0.5, 1.1) if appendage else 0.0
    wide0 = math.sqrt(area / 3.4 / ratio)

    def build(factor: float) -> Tensor:
        wide, tall = max(wide0 * factor, 1.04 * ring), 2 * wide0 * factor * ratio
        control = [
            (ring * 0.92, length + 0.05), (lean + bulge[0] * 0.88 * wide + pocket, length + 0.22 * tall),
            (lean + bulge[1] * wide + 0.35 * pocket, length + 0.5 * tall),
            (lean + bulge[2] * 0.82 * wide, length + 0.8 * tall * roof[0]),
            (lean + 0.38 * wide, length + 0.98 * tall * roof[0]), (lean - 0.1 * wide, length + tall * roof[1]),
            (lean - 0.5 * wide, length + 0.95 * tall * roof[2]),
            (lean - bulge[3] * 0.85 * wide, length + 0.74 * tall * roof[2]),
            (lean - bulge[4] * wide, length + 0.46 * tall), (lean - bulge[5] * 0.88 * wide, length + 0.2 * tall),
            (-ring * 0.92, length + 0.05), (0.0, length - 0.02),
        ]  # fmt: skip
        if least_x is not None:
            control = [(max(x, least_x) + 0.25 * max(0.0, least_x - x), z) for x, z in control]
        return shapes.soft(shapes.curve(control), 4)

    outline = shapes.to_area(build, area)
    beyond = (outline[:, 1] - length).clamp_min(0)
    free = (beyond / 1.5).clamp(0, 1)
    rough = shapes.uneven(draw, outline, 0.10, 0.025, free)
    rough = _grown(rough, length, area)
    wall = draw.uniform(0.15, 0.28) * (beyond / 0.4).clamp(0, 1)
    return shapes.plain(rough, wall, Tissue.ATRIAL_WALL), _veins(draw, rough, lean)


def _grown(outline: Tensor, anchor_z: float, area: float) -> Tensor:
    """The outline stretched along z from the ring to the area wanted, in cm2."""
    factor = area / float(measure.area(outline))
    z = outline[:, 1] - anchor_z
    return torch.stack([outline[:, 0], anchor_z + z * torch.where(z > 0, factor, 1.0)], -1)


def _veins(draw: Draw, outline: Tensor, lean: float) -> list[Strand]:
    """Pulmonary veins that open into the roof's corners."""
    strands = []
    centre = torch.stack([torch.tensor(lean), outline[:, 1].mean()])
    for angle in (draw.uniform(18, 40), draw.uniform(140, 162), draw.uniform(60, 120)):
        if draw.chance(0.55):
            out = torch.tensor([math.cos(math.radians(angle)), math.sin(math.radians(angle))])
            reach = ((outline - centre) @ out).amax()
            mouth = outline[((outline - centre) @ out - 0.6 * (outline - centre).norm(dim=-1)).argmax()]
            bend = shapes.point(0.25 * draw.scalar(), 0.25)
            outer = mouth + out * draw.uniform(1.2, 2.4) + bend
            points = torch.stack([mouth - 0.25 * reach.clamp_max(1.5) * out, mouth + 0.4 * out, outer])
            strands.append(Strand(points, draw.uniform(0.25, 0.42), Tissue.VEIN))
    return strands


def mitral_valve(draw: Draw, lv: LeftVentricle, medial: float | None = None) -> tuple[Leaflet, ...]:
    """Two leaflets; the left one, the anterior in A4C, is longer. `medial` moves its hinge (the aortic root)."""
    ring, length = lv.ring, lv.length
    left = -ring * 0.95 if medial is None else medial
    meet, tent = left + (ring * 0.95 - left) * draw.uniform(0.5, 0.66), draw.uniform(0.2, 0.7)
    bow = draw.uniform(0.12, 0.3)
    rows = (
        ((left, length), (meet, length - tent), (left + 0.5, length - draw.uniform(1.9, 2.4)), bow),
        ((ring * 0.95, length), (meet + 0.06, length - tent - 0.05), (ring * 0.72, length - 1.4), -bow),
    )
    return tuple(
        Leaflet(shapes.point(*hinge), shapes.point(*closed), shapes.point(*opened), curve, draw.uniform(0.5, 1.2))
        for hinge, closed, opened, curve in rows
    )  # fmt: skip


def papillary(
    draw: Draw, lv: LeftVentricle, side: int, leaflets: tuple[Leaflet, ...]
) -> tuple[list[Ellipse], list[Strand]]:
    """A papillary muscle on the left (-1) or right (1) wall, and its chordae to the leaflets' tips."""
    level = draw.uniform(0.42, 0.58) * lv.length
    thick, long = draw.uniform(0.22, 0.42), draw.uniform(0.75, 1.25)
    edge = shapes.beside(lv.cavity.outline, [level], side)[0]
    lean = -side * draw.uniform(0.02, 0.22)
    direction = torch.tensor([math.sin(lean), math.cos(lean)])
    centre = shapes.point(edge - side * thick * draw.uniform(0.5, 1.2), level)
    angle = math.atan2(float(direction[1]), float(direction[0]))
    muscle = Ellipse(centre, (long, thick), angle, Tissue.PAPILLARY, Tissue.LV)
    tip = centre + long * 0.92 * direction
    chords = []
    for leaflet in leaflets:
        for _ in range(2):
            end = 0.5 * leaflet.closed + 0.5 * leaflet.opened + 0.12 * draw.normal(2)
            line = shapes.bezier(tip + 0.08 * draw.normal(2), end, 0.06 * draw.scalar())
            if draw.chance(0.55):
                chords.append(Strand(line, draw.uniform(0.025, 0.045), Tissue.VALVE))
    return [muscle], chords


def false_tendon(draw: Draw, lv: LeftVentricle) -> Strand:
    """A thin band across the apical half of the cavity."""
    z = draw.uniform(0.15, 0.45) * lv.length
    left, right = (
        shapes.beside(lv.cavity.outline, [z + s], k)[0] for s, k in ((0.0, -1), (draw.uniform(0.3, 1.6), 1))
    )
    line = shapes.bezier(
        shapes.point(left, z), shapes.point(right, z + draw.uniform(0.3, 1.4)), 0.05 * draw.scalar()
    )
    return Strand(line, 0.04, Tissue.PAPILLARY)
