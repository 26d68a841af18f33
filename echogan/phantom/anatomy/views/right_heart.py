"""The right heart of the four-chamber view and the aortic root of the five-chamber view, in heart coordinates."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from echogan.phantom.anatomy import measure
from echogan.phantom.anatomy.heart import Cavity, Ellipse, Leaflet, Strand
from echogan.phantom.anatomy.views import shapes
from echogan.phantom.anatomy.views.left_heart import DOWN, LeftVentricle
from echogan.phantom.draw import Draw
from echogan.phantom.tissues import Tissue


def _epicardium(lv: LeftVentricle) -> Tensor:
    """The LV's outer side: (n, 2)."""
    normal, _ = measure.normals(lv.cavity.outline)
    return lv.cavity.outline + normal * (lv.cavity.wall_cm + 0.03)[:, None]


def septal_edge(lv: LeftVentricle, heights: list[float]) -> list[float]:
    """x of the septum's right-ventricular side at depths below the apex."""
    return shapes.beside(_epicardium(lv), heights, -1)


def right_ventricle(draw: Draw, lv: LeftVentricle, width: float) -> tuple[Cavity, float]:
    """The triangular RV along the septum, `width` cm at its base; and the depth of the tricuspid ring."""
    ring = lv.length - draw.uniform(0.5, 0.9)
    tip = draw.uniform(0.14, 0.34) * lv.length
    shape, foot = draw.uniform(0.75, 1.15), draw.uniform(0.3, 0.9)
    depths = [tip + (ring - tip) * share for share in (0.0, 0.12, 0.28, 0.45, 0.62, 0.78, 0.92)]
    septum = _epicardium(lv)
    septal = shapes.beside(septum, depths, -1)
    free = []
    for depth, x in zip(depths[1:], septal[1:], strict=True):
        share = (depth - tip) / (ring - tip)
        profile = math.sin(min(share * 1.12, 1.0) * math.pi / 2) ** (1.25 * shape)
        free.append((x - width * profile * draw.uniform(0.95, 1.03), depth))
    base = septal_edge(lv, [ring])[0]
    control = [
        *zip(septal, depths, strict=True), (base, ring), (base - 0.5 * width, ring + 0.12),
        (base - 0.86 * width, ring), *free[::-1], (septal[0] - foot * 0.5, tip - 0.05),
    ]  # fmt: skip
    outline = shapes.curve(control)
    depth = outline[:, 1]
    gap = shapes.edge(septum, depth, -1) - outline[:, 0]
    away = ((gap - 0.25) / 0.6).clamp(0, 1) * torch.sigmoid((ring - 0.4 - depth) / 0.2)
    outline = shapes.uneven(draw, outline, 0.09, 0.07, away)
    outline = _widened(outline, septum, width)
    wall = draw.uniform(0.3, 0.5) * (0.25 + 0.75 * away) * (depth < ring - 0.12)
    return shapes.plain(outline, wall, Tissue.RV_WALL), ring


def _widened(outline: Tensor, septum: Tensor, width: float) -> Tensor:
    """The outline stretched away from the septum until its basal third is `width` cm wide."""
    for _ in range(3):
        edge = shapes.edge(septum, outline[:, 1], -1)
        factor = width / float(measure.widest(outline, DOWN, 0.67, 0.98))
        outline = torch.stack([edge + (outline[:, 0] - edge) * factor, outline[:, 1]], -1)
    return outline


def right_atrium(
    draw: Draw, lv: LeftVentricle, left: Tensor, ring: float, width: float, area: float
) -> tuple[Cavity, list[Strand]]:
    """The RA between tricuspid ring and the septum of the `left` outline (n, 2), with a caval vein; area in cm2."""
    septum = draw.uniform(0.18, 0.3)
    base = septal_edge(lv, [ring])[0]
    heights = [lv.length + rise for rise in (0.8, 1.7, 2.7)]
    bow = 0.14 * draw.scalar()
    medial = [
        x - septum + bow * c for x, c in zip(shapes.beside(left, heights, -1), (0.3, 1, 0.6), strict=True)
    ]
    for k in (1, 2):  # a small left atrium ends above; the septum does not bend around its roof
        medial[k] = min(medial[k], medial[k - 1] + 0.15)
    ratio, dents = draw.uniform(0.95, 1.3), [draw.uniform(0.9, 1.07) for _ in range(6)]
    wide0 = math.sqrt(area / ratio)

    def build(factor: float) -> Tensor:
        wide, tall = wide0 * factor, wide0 * factor * ratio
        top, inner = ring + 0.05, medial[1]
        control = [(base - 0.05, top), (min(medial[0], base + 0.1), heights[0]), (medial[1], heights[1])]
        if ring + 0.75 * tall > heights[2]:
            control.append((medial[2], heights[2]))
        control += [
            (inner - 0.12 * wide, top + 0.93 * tall * dents[0]), (inner - 0.45 * wide, top + tall * dents[1]),
            (inner - 0.8 * wide, top + 0.9 * tall * dents[2]), (inner - 0.98 * wide * dents[3], top + 0.66 * tall),
            (inner - 1.02 * wide * dents[4], top + 0.4 * tall), (inner - 0.96 * wide * dents[5], top + 0.17 * tall),
            (base - 0.84 * width, top), (base - 0.42 * width, top - 0.03),
        ]  # fmt: skip
        return shapes.soft(shapes.curve(control), 5)

    outline = shapes.to_area(build, area)
    beyond = (outline[:, 1] - ring).clamp_min(0)
    lateral = ((medial[1] - outline[:, 0] - 0.5) / 0.8).clamp(0, 1) * (beyond / 1.2).clamp(0, 1)
    outline = shapes.uneven(draw, outline, 0.13, 0.04, lateral)
    wall = draw.uniform(0.18, 0.3) * (beyond / 0.4).clamp(0, 1) * (0.5 + 0.5 * lateral)
    strands = []
    if draw.chance(0.4):
        roof = outline[(outline @ torch.tensor([-0.35, 0.94])).argmax()]
        end = roof + shapes.point(-draw.uniform(0.3, 1.2), draw.uniform(1.2, 2.2))
        start = roof + shapes.point(0.1, -0.5)
        strands.append(
            Strand(torch.stack([start, (start + end) / 2, end]), draw.uniform(0.5, 0.8), Tissue.VEIN)
        )
    return shapes.plain(outline, wall, Tissue.ATRIAL_WALL), strands


def tricuspid_valve(draw: Draw, lv: LeftVentricle, ring: float, width: float) -> tuple[Leaflet, ...]:
    """The septal and the longer anterior leaflet, hung a little closer to the apex than the mitral valve."""
    septal = septal_edge(lv, [ring])[0] - 0.02
    lateral = septal - 0.84 * width
    meet, tent = septal - width * draw.uniform(0.3, 0.45), draw.uniform(0.15, 0.5)
    return (
        Leaflet(
            shapes.point(septal, ring), shapes.point(meet, ring - tent), shapes.point(septal - 0.45, ring - 1.3),
            -draw.uniform(0.1, 0.25), draw.uniform(0.4, 0.9),
        ),
        Leaflet(
            shapes.point(lateral, ring), shapes.point(meet - 0.05, ring - tent - 0.05),
            shapes.point(lateral + 0.5, ring - draw.uniform(1.6, 2.1)), draw.uniform(0.1, 0.25), draw.uniform(0.4, 0.9),
        ),
    )  # fmt: skip


def moderator_band(draw: Draw, lv: LeftVentricle, rv: Cavity) -> list[Ellipse]:
    """The band across the RV's apical third, and at times a trabecula beside it."""
    low, high = float(rv.outline[:, 1].amin()), float(rv.outline[:, 1].amax())
    bands = []
    for chance, share in ((0.65, draw.uniform(0.38, 0.52)), (0.4, draw.uniform(0.2, 0.35))):
        if not draw.chance(chance):
            continue
        z = low + share * (high - low)
        right, left = septal_edge(lv, [z])[0], shapes.beside(rv.outline, [z], -1)[0]
        centre = shapes.point((right + left) / 2, z + draw.uniform(-0.2, 0.2))
        half = (0.5 * (right - left) + 0.15, draw.uniform(0.12, 0.22))
        bands.append(Ellipse(centre, half, draw.uniform(-0.75, -0.2), Tissue.RV_WALL, Tissue.RV))
    return bands


def aortic_root(draw: Draw, lv: LeftVentricle, width: float) -> tuple[Cavity, tuple[Leaflet, ...], float]:
    """The root between septum and mitral valve of a five-chamber view; its leaflets; x of the mitral hinge."""
    z, left = lv.length, -lv.ring * 0.98
    width = min(width * 0.75, 1.25 * lv.ring)
    right, rise, lean, over = left + width, draw.uniform(2.6, 3.6), draw.uniform(0.2, 0.7), 0.14 * width
    control = [
        (left, z - 0.15), (left + 0.5 * width, z - 0.02), (right, z + 0.05), (right + over, z + 0.6),
        (right + over, z + 1.1), (right + 0.5 * lean, z + 1.8), (right + lean, z + rise),
        (left + 0.5 * width + lean, z + rise + 0.15), (left + lean, z + rise), (left + 0.5 * lean, z + 1.7),
        (left - over, z + 1.0), (left - over, z + 0.5),
    ]  # fmt: skip
    outline = shapes.curve(control)
    wall = draw.uniform(0.15, 0.22) * ((outline[:, 1] - z - 0.1) / 0.4).clamp(0, 1)
    meet = shapes.point((left + right) / 2 + 0.1, z + 0.55)
    leaflets = tuple(
        Leaflet(
            shapes.point(hinge, z + 0.05),
            meet,
            shapes.point(hinge + side * 0.15, z + 1.05),
            side * 0.12,
            0.6,
            False,
        )
        for hinge, side in ((left, 1), (right, -1))
    )
    return shapes.plain(outline, wall, Tissue.AORTIC_WALL), leaflets, right + 0.1
