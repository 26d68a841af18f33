"""The parasternal long-axis view; drawn with the LV's axis along x, its base (the mitral ring) at x = 0."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from echogan.phantom.anatomy import measure
from echogan.phantom.anatomy.heart import Cavity, Ellipse, Heart, Leaflet, Strand
from echogan.phantom.anatomy.views import shapes
from echogan.phantom.draw import Draw
from echogan.phantom.tissues import Tissue

TIPS = 0.73  # share of the LV's length, from its apex, at which the diameter is measured: the mitral tips
# Where a depth is read across the axis: cm beyond the mitral ring, or (negative) shares of the LV before it.
CALLIPERS = {
    "la_diameter_cm": (Tissue.LA, 1.9), "aorta_cm": (Tissue.AORTA, 1.1), "rv_outflow_cm": (Tissue.RV, -0.16),
}  # fmt: skip
RIGHT = torch.tensor([1.0, 0.0])
Point = tuple[float, float]


@dataclass(frozen=True)
class Frame:
    """The lengths that the parts share, cm: half diameter, length, aortic ring and sinuses, depth of its top."""

    half: float
    length: float
    ring: float
    sinus: float
    top: float

    @property
    def posterior(self) -> float:
        """z of the posterior mitral ring."""
        return 0.95 * self.half


def draw_parasternal(draw: Draw, sizes: dict[str, float]) -> Heart:
    """A PLAX heart at end-diastole, in probe coordinates, cm."""
    half, sinus = sizes["lv_diameter_cm"] / 2, sizes["aorta_cm"]
    ring = sinus * draw.uniform(0.68, 0.76)
    mitral = draw.uniform(2.6, 3.0) + 0.6 * max(0.0, half - 2.5)
    top = max(-half - 0.05, 0.95 * half - ring - mitral)
    f = Frame(half, sizes["lv_length_cm"], ring, sinus, top)
    lv, middle = _ventricle(draw, f, sizes)
    aorta = _aorta(draw, f)
    la = _atrium(draw, f, aorta, sizes["la_diameter_cm"])
    rv = _outflow_tract(draw, f, lv, aorta, sizes["rv_outflow_cm"])
    cavities = {Tissue.LV: lv, Tissue.AORTA: aorta, Tissue.LA: la, Tissue.RV: rv}
    if draw.chance(0.8):
        cavities[Tissue.VEIN] = _descending_aorta(draw, la)
    leaflets = _mitral(draw, f) + _aortic(draw, f)
    ellipses, strands = _papillary(draw, f, lv, leaflets)
    kept = ("lv_length_cm", "la_area_cm2", "ra_area_cm2", "rv_basal_cm")
    x, z = lv.outline[middle].tolist()
    segment = (
        "apical"
        if x < -0.72 * f.length
        else ("mid " if x < -0.36 * f.length else "basal ") + ("anteroseptal" if z < 0 else "inferolateral")
    )
    heart = Heart(
        "PLAX", cavities, shapes.point(-f.length, 0.2 * half), RIGHT, f.length,
        f.length + float(la.outline[:, 0].amax()), leaflets, ellipses, strands,
        torch.stack([leaflet.hinge for leaflet in leaflets]),
        {k: v for k, v in sizes.items() if k not in kept}, {"wall_motion_segment": segment},
    )  # fmt: skip
    shift = (draw.uniform(0.3, 2.2), draw.uniform(1.7, 2.8) - float(rv.outline[:, 1].amin()))
    return shapes.posed(heart, math.radians(draw.uniform(-14, 7)), shift)


def _ventricle(draw: Draw, f: Frame, sizes: dict[str, float]) -> tuple[Cavity, int]:
    h, n = f.half, f.length
    upper = ((-0.93, 0.32), (-0.77, 0.66), (-0.52, 0.92), (-0.30, 1.0), (-0.12, 0.97))
    lower = ((-0.10, 0.98), (-0.28, 1.0), (-0.5, 0.95), (-0.76, 0.80), (-0.93, 0.52))
    bulge = 0.22 * draw.uniform(0, 1) ** 2
    control = [
        (-n, 0.15 * h), *((x * n, -z * h * draw.uniform(0.96, 1.03)) for x, z in upper),
        (-0.06 * n, (f.top - 0.94 * h) / 2 + bulge), (0.0, f.top + 0.05), (0.08, f.top + 0.5 * f.ring),
        (0.05, f.top + f.ring), (-0.1, (f.top + f.ring + f.posterior) / 2), (-0.25, f.posterior),
        *((x * n, z * h * draw.uniform(0.96, 1.03)) for x, z in lower),
    ]  # fmt: skip
    outline = shapes.curve(control)
    inner = torch.sigmoid((-0.6 - outline[:, 0]) / 0.2)
    outline = shapes.uneven(draw, outline, 0.06, 0.035, inner)
    factor = 2 * h / measure.diameter(outline, RIGHT, TIPS)
    outline = torch.stack(
        [outline[:, 0], outline[:, 1] * (1 + (factor - 1) * ((-outline[:, 0]) / 1.2).clamp(0, 1))], -1
    )
    share = (outline[:, 0] + n) / n
    side = torch.sigmoid((outline[:, 1] - 0.1 * h) / 0.5)
    wall = sizes["septum_cm"] * (1 - side) + sizes["lateral_cm"] * side
    wall = wall * (1 + 0.05 * shapes.wave(draw, len(wall), 2, 7)) * (0.6 + 0.4 * (share / 0.35).clamp(0, 1))
    for below, name in ((False, "septum_cm"), (True, "lateral_cm")):
        half_wall = (outline[:, 1] > 0) == below
        level = half_wall & (share > 0.5) & (share < 0.85)
        wall = torch.where(half_wall, wall * (sizes[name] / wall[level].mean()), wall)
    inside = (outline[:, 1] > f.top + 0.1) & (outline[:, 1] < f.posterior - 0.12)
    wall = wall * (0.3 + ((1 - share) / 0.12).clamp(0, 0.7))
    wall = torch.where(inside & (share > 0.94), 0.0, wall)
    vigour, middle = shapes.regional_vigour(
        draw, outline, (share < 0.88) & (share > 0.2), sizes["wall_motion_vigour"]
    )
    return Cavity(outline, wall * (0.72 + 0.28 * vigour), Tissue.MYOCARDIUM, vigour), middle


def _aorta(draw: Draw, f: Frame) -> Cavity:
    t, a, s = f.top, f.ring, f.sinus
    rise, tube = draw.uniform(0.08, 0.26), s * draw.uniform(0.84, 0.95)
    over = (s - a) / 2
    control = [
        (-0.02, t + 0.05), (0.5, t - over), (1.1, t - over - 0.05), (1.8, t - 0.6 * over - 0.1),
        (3.2, t - 0.1 - rise * 3), (5.0, t - 0.1 - rise * 5), (6.3, t - 0.1 - rise * 6.3 + 0.3),
        (6.3, t - 0.4 - rise * 6.3 + tube), (5.0, t - 0.1 - rise * 5 + tube), (3.2, t - 0.1 - rise * 3 + tube),
        (1.9, t - 0.15 + 0.97 * tube), (1.1, t + a + over - 0.1), (0.5, t + a + over * 0.9), (0.02, t + a),
        (0.1, t + a / 2),
    ]  # fmt: skip
    outline = shapes.uneven(draw, shapes.curve(control), 0.03, 0.0)
    wall = draw.uniform(0.16, 0.26) * ((outline[:, 0] - 0.12) / 0.4).clamp(0, 1) * (outline[:, 0] < 5.6)
    return shapes.plain(outline, wall, Tissue.AORTIC_WALL)


def _edge(outline: Tensor, x: float, side: int) -> float:
    """z of an outline's upper (-1) or lower (1) edge at x."""
    near = (outline[:, 0] - x).abs() < 0.3
    return float((outline[near, 1] * side).amax() * side) if bool(near.any()) else float(outline[:, 1].mean())


def _atrium(draw: Draw, f: Frame, aorta: Cavity, depth: float) -> Cavity:
    gap = draw.uniform(0.24, 0.34)
    roof = [_edge(aorta.outline, x, 1) + gap for x in (0.9, 1.9, 3.0)]
    floor = max(roof[1] + depth, f.posterior + 0.5)
    wide = draw.uniform(3.6, 4.6) * (depth / 3.6) ** 0.4
    dents = [draw.uniform(-0.2, 0.2) for _ in range(5)]
    control = [
        (0.12, f.top + f.ring + 0.15), (0.8, roof[0]), (1.9, roof[1]), (0.78 * wide, roof[2] + 0.05),
        (0.98 * wide + dents[0], roof[2] + 0.26 * depth), (wide + dents[1], roof[1] + 0.55 * depth),
        (0.86 * wide + dents[2], floor - 0.16 * depth), (0.62 * wide, floor - 0.03 * depth + 0.5 * dents[3]),
        (0.4 * wide, floor), (0.16 * wide, floor - 0.14 * depth), (-0.12, f.posterior + 0.28),
        (-0.2, f.posterior - 0.02), (-0.02, (f.top + f.ring + f.posterior) / 2),
    ]  # fmt: skip
    outline = shapes.curve(control)
    low = ((outline[:, 1] - roof[1] - 0.6) / 0.8).clamp(0, 1) * ((outline[:, 0] - 0.3) / 0.6).clamp(0, 1)
    outline = shapes.uneven(draw, outline, 0.08, 0.02, low)
    stretch = 1 + low * (depth / (_edge(outline, 1.9, 1) - _edge(outline, 1.9, -1)) - 1)
    outline = torch.stack([outline[:, 0], roof[1] + (outline[:, 1] - roof[1]) * stretch], -1)
    wall = draw.uniform(0.16, 0.26) * ((outline[:, 0] - 0.1) / 0.4).clamp(0, 1)
    return shapes.plain(outline, wall, Tissue.ATRIAL_WALL)


def _outflow_tract(draw: Draw, f: Frame, lv: Cavity, aorta: Cavity, depth: float) -> Cavity:
    normal, _ = measure.normals(lv.outline)
    outer = lv.outline + normal * (lv.wall_cm + 0.03)[:, None]
    floor: list[Point] = [(x * f.length, _edge(outer, x * f.length, -1)) for x in (-0.62, -0.45, -0.3, -0.16)]
    floor += [(x, _edge(aorta.outline, x, -1) - 0.25) for x in (0.5, 1.6, 2.7)]
    at = floor[3][1]
    right = 0.5 * at + 0.5 * floor[5][1]
    lid = [
        (1.9, right - depth + draw.uniform(-0.2, 0.3)),
        (0.2, 0.7 * at + 0.3 * right - depth),
        (-0.16 * f.length, at - depth),
    ]
    lid += [(-0.34 * f.length, at - 0.92 * depth), (-0.5 * f.length, at - 0.62 * depth)]
    control = [*floor, (3.1, (floor[-1][1] + at - depth) / 2), *lid, (-0.64 * f.length, floor[0][1] - 0.25)]
    outline = shapes.curve(control)
    far = torch.sigmoid((at - 0.45 * depth - outline[:, 1]) / 0.15)
    outline = shapes.uneven(draw, outline, 0.06, 0.05, far)
    return shapes.plain(outline, draw.uniform(0.3, 0.5) * (0.15 + 0.85 * far), Tissue.RV_WALL)


def _descending_aorta(draw: Draw, la: Cavity) -> Cavity:
    """The descending aorta, cut across behind the atrioventricular groove."""
    radius, x = draw.uniform(0.9, 1.25), draw.uniform(0.0, 1.6)
    angle = torch.arange(16) * (math.pi / 8)
    ring = radius * torch.stack([draw.uniform(0.95, 1.15) * torch.cos(angle), torch.sin(angle)], -1)
    floor = max(_edge(la.outline, x + d, 1) for d in (-0.3, 0.2, 0.8, 1.2))
    centre = shapes.point(x, floor + radius + draw.uniform(0.45, 0.8))
    return shapes.plain(shapes.curve(centre + ring, 64), draw.uniform(0.14, 0.22), Tissue.AORTIC_WALL)


def _leaflet(hinge: Point, closed: Point, opened: Point, bow: float, strength: float, av: bool) -> Leaflet:
    return Leaflet(shapes.point(*hinge), shapes.point(*closed), shapes.point(*opened), bow, strength, av)


def _mitral(draw: Draw, f: Frame) -> tuple[Leaflet, ...]:
    front = f.top + f.ring
    orifice = f.posterior - front
    meet = (-draw.uniform(0.8, 1.3), front + draw.uniform(0.58, 0.7) * orifice)
    swing = max(-0.1 * f.half, front - draw.uniform(0.3, 0.8))
    return (
        _leaflet((0.03, front), meet, (-draw.uniform(1.7, 2.2), min(swing, front)), 0.16, draw.uniform(0.6, 1.2), True),
        _leaflet((-0.25, f.posterior), (meet[0], meet[1] + 0.06), (-1.35, f.posterior - 0.3), -0.12,
                 draw.uniform(0.6, 1.2), True),
    )  # fmt: skip


def _aortic(draw: Draw, f: Frame) -> tuple[Leaflet, ...]:
    meet, strength = (
        (draw.uniform(0.8, 1.1), f.top + f.ring * draw.uniform(0.45, 0.55)),
        draw.uniform(0.5, 1.0),
    )
    return (
        _leaflet((0.02, f.top), meet, (1.15, f.top + 0.1), 0.2, strength, False),
        _leaflet((0.05, f.top + f.ring), meet, (1.15, f.top + f.ring - 0.1), -0.2, strength, False),
    )


def _papillary(
    draw: Draw, f: Frame, lv: Cavity, leaflets: tuple[Leaflet, ...]
) -> tuple[tuple[Ellipse, ...], tuple[Strand, ...]]:
    if not draw.chance(0.65):
        return (), ()
    x, thick, long = -draw.uniform(0.5, 0.64) * f.length, draw.uniform(0.25, 0.42), draw.uniform(0.7, 1.1)
    centre = shapes.point(x, _edge(lv.outline, x, 1) - thick * draw.uniform(0.6, 1.2))
    slope = -draw.uniform(0.05, 0.3)
    tip = centre + 0.92 * long * shapes.point(math.cos(slope), math.sin(slope))
    chords = []
    for leaflet in (leaflets[0], leaflets[1], leaflets[0]):
        end = 0.6 * leaflet.closed + 0.4 * leaflet.opened + 0.1 * draw.normal(2)
        if draw.chance(0.75):
            chords.append(
                Strand(
                    shapes.bezier(tip, end, 0.06 * draw.scalar()), draw.uniform(0.025, 0.045), Tissue.VALVE
                )
            )
    return (Ellipse(centre, (long, thick), slope, Tissue.PAPILLARY, Tissue.LV),), tuple(chords)
