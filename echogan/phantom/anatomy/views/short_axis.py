"""The parasternal short-axis views at the papillary muscles and at the mitral valve; drawn about the LV's centre.

Angles run clockwise on the screen from the right: 90 degrees is down, 180 left (the septum), 270 up.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from echogan.phantom.anatomy import measure
from echogan.phantom.anatomy.heart import Cavity, Ellipse, Heart, Leaflet, View
from echogan.phantom.anatomy.views import shapes
from echogan.phantom.draw import Draw
from echogan.phantom.tissues import Tissue

SEGMENTS = ("inferolateral", "inferior", "inferoseptal", "anteroseptal", "anterior", "anterolateral")
SEPTAL = (160.0, 240.0)
LATERAL = (-30.0, 60.0)


def degrees(points: Tensor) -> Tensor:
    """Angle of points (..., 2) about the origin, 0 to 360 degrees."""
    return torch.rad2deg(torch.atan2(points[..., 1], points[..., 0])) % 360


def draw_short_axis(view: View, draw: Draw, sizes: dict[str, float]) -> Heart:
    """A PSAX heart at end-diastole, in probe coordinates, cm."""
    lv, middle = _ventricle(draw, sizes)
    rv = _right_ventricle(draw, lv, sizes["rv_basal_cm"] * draw.uniform(0.5, 0.7))
    radius = sizes["lv_diameter_cm"] / 2
    ellipses, leaflets = (), ()
    if view == "PSAX-PM":
        ellipses = _muscles(draw, lv, rv)
    else:
        leaflets = _fish_mouth(draw, radius)
    segment = SEGMENTS[int(float((degrees(lv.outline[middle]) - 15) % 360) // 60) % 6]
    level = "mid " if view == "PSAX-PM" else "basal "
    kept = (
        "lv_length_cm",
        "la_area_cm2",
        "la_diameter_cm",
        "ra_area_cm2",
        "rv_basal_cm",
        "rv_outflow_cm",
        "aorta_cm",
    )
    hinges = [leaflet.hinge for leaflet in leaflets[:1]] + [leaflet.closed for leaflet in leaflets[:1]]
    heart = Heart(
        view, {Tissue.LV: lv, Tissue.RV: rv}, torch.zeros(2), torch.tensor([0.0, 1.0]), 0.0, radius, leaflets, ellipses,
        (), torch.stack(hinges) if hinges else torch.zeros(0, 2),
        {k: v for k, v in sizes.items() if k not in kept}, {"wall_motion_segment": level + segment},
    )  # fmt: skip
    top, front = float((lv.outline[:, 1] - lv.wall_cm).amin()), float(rv.outline[:, 1].amin())
    shift = (draw.uniform(0.0, 1.5), max(draw.uniform(3.1, 4.9) - top, draw.uniform(1.4, 2.2) - front))
    return shapes.posed(heart, math.radians(draw.uniform(-14, 14)), shift)


def _ventricle(draw: Draw, sizes: dict[str, float]) -> tuple[Cavity, int]:
    radius = sizes["lv_diameter_cm"] / 2
    angle = torch.arange(24) * (math.pi / 12)
    # A loaded right ventricle flattens the septum.
    flat = draw.uniform(0, 0.1) + (0.14 * draw.uniform(0, 1) if sizes["rv_basal_cm"] > 4.1 else 0)
    septal = torch.exp(-(((torch.rad2deg(angle) - 205) / 42) ** 2))
    size = radius * (1 - flat * septal + 0.035 * torch.cos(2 * (angle - draw.uniform(0, math.pi))))
    outline = shapes.curve(size[:, None] * torch.stack([torch.cos(angle), torch.sin(angle)], -1))
    outline = shapes.uneven(draw, outline, 0.05, 0.03)
    outline = outline - outline.mean(0)
    outline = outline * math.sqrt(math.pi * radius**2 / float(measure.area(outline)))
    at = degrees(outline)
    side = 0.5 + 0.5 * torch.cos(torch.deg2rad(at - 20))
    wall = sizes["septum_cm"] * (1 - side) + sizes["lateral_cm"] * side
    wall = wall * (1 + 0.05 * shapes.wave(draw, len(wall), 2, 7))
    for (low, high), name in ((SEPTAL, "septum_cm"), (LATERAL, "lateral_cm")):
        there = (at - low) % 360 < high - low
        factor = sizes[name] / float(wall[there].mean()) - 1
        apart = (at - (low + high) / 2 + 180) % 360 - 180
        wall = wall * (1 + factor * shapes.band(apart, (high - low) / 2 + 10))
    vigour, middle = shapes.regional_vigour(
        draw, outline, torch.ones(len(outline), dtype=torch.bool), sizes["wall_motion_vigour"]
    )
    return Cavity(outline, wall * (0.75 + 0.25 * vigour), Tissue.MYOCARDIUM, vigour), middle


def _right_ventricle(draw: Draw, lv: Cavity, depth: float) -> Cavity:
    """A crescent wrapped around the septum, trabeculated along its free wall."""
    normal, _ = measure.normals(lv.outline)
    outer = lv.outline + normal * (lv.wall_cm + 0.03)[:, None]
    order = degrees(outer).argsort()
    at, reach = degrees(outer)[order], outer.norm(dim=-1)[order]
    low, high = draw.uniform(132, 150), draw.uniform(268, 286)
    skew = draw.uniform(0.85, 1.3)
    inner_side, free_side = [], []
    for step in range(9):
        share = step / 8
        angle = low + share * (high - low)
        radius = float(reach[torch.searchsorted(at, torch.tensor(angle)).clamp(0, len(at) - 1)])
        direction = (math.cos(math.radians(angle)), math.sin(math.radians(angle)))
        thick = 0.12 + depth * math.sin(math.pi * share**skew) ** 0.85
        inner_side.append((direction[0] * radius, direction[1] * radius))
        free_side.append((direction[0] * (radius + thick), direction[1] * (radius + thick)))
    outline = shapes.curve([*inner_side, *free_side[::-1]])
    gap = torch.cdist(outline, outer).amin(1)
    away = ((gap - 0.25) / 0.6).clamp(0, 1)
    outline = shapes.uneven(draw, outline, 0.08, 0.07, away)
    return shapes.plain(outline, draw.uniform(0.3, 0.48) * (0.15 + 0.85 * away), Tissue.RV_WALL)


def _muscles(draw: Draw, lv: Cavity, rv: Cavity) -> tuple[Ellipse, ...]:
    """The anterolateral and posteromedial papillary muscles, and at times a band across the RV."""
    found = []
    for low, high in ((12, 48), (112, 142)):
        angle = draw.uniform(low, high)
        edge = lv.outline[((degrees(lv.outline) - angle + 180) % 360 - 180).abs().argmin()]
        size = float(edge.norm()) * draw.uniform(0.16, 0.24)
        deep = size * draw.uniform(0.9, 1.4)
        centre = edge * (1 - 0.8 * deep / float(edge.norm()))
        found.append(
            Ellipse(
                centre,
                (deep, size),
                math.radians(angle + draw.uniform(-15, 15)),
                Tissue.PAPILLARY,
                Tissue.LV,
            )
        )
    if draw.chance(0.4):
        centre = rv.outline.mean(0) + 0.3 * draw.normal(2)
        found.append(
            Ellipse(centre, (draw.uniform(0.4, 0.8), 0.13), draw.uniform(0, 3), Tissue.RV_WALL, Tissue.RV)
        )
    return tuple(found)


def _fish_mouth(draw: Draw, radius: float) -> tuple[Leaflet, ...]:
    """Both mitral leaflets from commissure to commissure; their bows open an oval."""
    wide, tilt, drop = (
        radius * draw.uniform(0.62, 0.72),
        draw.uniform(-0.25, 0.25),
        draw.uniform(0.0, 0.2) * radius,
    )
    left, right = (shapes.point(s * wide * math.cos(tilt), drop + s * wide * math.sin(tilt)) for s in (-1, 1))
    strength = draw.uniform(0.5, 1.1)
    return (
        Leaflet(left, right, right, -draw.uniform(0.5, 0.75), strength),
        Leaflet(left, right, right, draw.uniform(0.45, 0.65), strength),
    )
