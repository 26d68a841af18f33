"""Apical four-chamber anatomy: randomised chambers as signed distances on a reference grid, and tissue labels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.phantom.draw import Draw

GRID = 512
EXTENT_CM = 20.0
LEFT_CM, TOP_CM = -10.0, -0.5
CELL_CM = EXTENT_CM / GRID
COARSE = 128


class Tissue(IntEnum):
    """The values of a label map."""

    OUTSIDE = 0
    LV = 1
    MYOCARDIUM = 2
    LA = 3
    RV = 4
    RA = 5
    AORTA = 6
    RV_WALL = 7
    ATRIAL_WALL = 8
    PERICARDIUM = 9
    VALVE = 10
    EFFUSION = 11
    LESION = 12


BLOOD = (Tissue.LV, Tissue.LA, Tissue.RV, Tissue.RA, Tissue.AORTA, Tissue.EFFUSION)


@dataclass(frozen=True)
class Leaflet:
    """One valve leaflet, end-diastolic coordinates in cm: hinge, tip when closed, tip when open, bow."""

    hinge: Tensor
    closed: Tensor
    opened: Tensor
    bow: float
    strength: float


@dataclass(frozen=True)
class Anatomy:
    """One heart at end-diastole, in probe coordinates (x to the right, z down, probe face at 0, cm).

    distance  signed distance to each cavity in cm, negative inside: {"lv", "la", "rv", "ra"}, each (512, 512)
    heart     signed distance to the epicardium, (512, 512)
    labels    Tissue values, uint8 (512, 512)
    apex, axis, length, reach  LV apex, unit vector to the base, apex-to-base and apex-to-atrial-roof lengths
    """

    distance: dict[str, Tensor]
    heart: Tensor
    labels: Tensor
    apex: Tensor
    axis: Tensor
    length: float
    reach: float
    leaflets: tuple[Leaflet, ...]
    fibrous: tuple[Tensor, ...]
    truth: dict[str, float]


def reference_points(size: int = GRID) -> Tensor:
    """Centres of the reference cells, (size, size, 2) in cm."""
    step = EXTENT_CM / size
    axis = (torch.arange(size) + 0.5) * step
    z, x = torch.meshgrid(axis + TOP_CM, axis + LEFT_CM, indexing="ij")
    return torch.stack([x, z], -1)


def closed_spline(control: Tensor, per_segment: int = 8) -> Tensor:
    """A closed uniform Catmull-Rom curve through (n, 2) control points: (n * per_segment, 2)."""
    t = torch.arange(per_segment) / per_segment
    before, after, beyond = control.roll(1, 0), control.roll(-1, 0), control.roll(-2, 0)
    weights = torch.stack(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3]
    )
    return torch.einsum("kt,knd->ntd", weights / 2, torch.stack([before, control, after, beyond])).reshape(
        -1, 2
    )


def signed_distance(polygon: Tensor, points: Tensor) -> Tensor:
    """Distance of points (..., 2) to a closed polygon (n, 2), negative inside (even-odd rule)."""
    x, z = points.reshape(-1, 2).T[:, :, None]
    start_x, start_z = polygon.T
    edge_x, edge_z = (polygon.roll(-1, 0) - polygon).T
    off_x, off_z = x - start_x, z - start_z
    length = (edge_x**2 + edge_z**2).clamp_min(1e-12)
    along = ((off_x * edge_x + off_z * edge_z) / length).clamp_(0, 1)
    squared = (off_x - along * edge_x).square_() + (off_z - along * edge_z).square_()
    distance = squared.amin(1).sqrt()
    above = off_z < 0
    crosses = above != above.roll(-1, 1)
    at = start_x + edge_x / torch.where(edge_z == 0, 1e-9, edge_z) * off_z
    inside = (crosses & (x < at)).sum(1) % 2 == 1
    return torch.where(inside, -distance, distance).reshape(points.shape[:-1])


def _apical_chambers(draw: Draw) -> tuple[dict[str, list[tuple[float, float]]], dict[str, float]]:
    """Control points of the four cavities in heart coordinates (apex at 0, base along +z), and their sizes."""
    length, half = draw.uniform(7.4, 9.8), draw.uniform(2.0, 2.95)
    base = draw.uniform(1.45, 1.85)
    septum, lateral = draw.uniform(0.6, 1.1), draw.uniform(0.65, 1.05)
    lean = 0.15 * draw.scalar()
    lv = [
        (0, 0), (0.40 * half, 0.5), (0.74 * half, 0.2 * length), (half, 0.47 * length), (0.96 * half, 0.72 * length),
        (base * 1.12, length - 0.5), (base * 0.85, length + 0.05), (0, length + 0.1), (-base * 0.85, length + 0.05),
        (-base * 0.98, length - 0.5), (-0.80 * half, 0.72 * length), (-0.86 * half, 0.46 * length),
        (-0.66 * half, 0.2 * length), (-0.36 * half, 0.5),
    ]  # fmt: skip
    lv = [(x + lean * math.sin(math.pi * min(z / length, 1)), z) for x, z in lv]

    wide, tall, shift = draw.uniform(1.6, 2.5), draw.uniform(3.4, 5.2), draw.uniform(-0.3, 0.5)
    la = [
        (shift - base * 0.8, length + 0.05), (shift - 0.9 * wide, length + 1.0), (shift - wide, length + 0.5 * tall),
        (shift - 0.75 * wide, length + 0.85 * tall), (shift, length + tall), (shift + 0.8 * wide, length + 0.85 * tall),
        (shift + wide, length + 0.5 * tall), (shift + 0.95 * wide, length + 1.0), (shift + base * 0.8, length + 0.05),
        (shift, length - 0.05),
    ]  # fmt: skip

    def septal(depth: float) -> float:
        knots = [0, 0.8, 2.3, 4.2, 6, length - 0.5, length]
        values = [0, 0.52 * half, 0.80 * half, 0.88 * half, 0.86 * half, base * 1.03, base * 0.95]
        for k in range(len(knots) - 1):
            if depth <= knots[k + 1]:
                share = (depth - knots[k]) / (knots[k + 1] - knots[k])
                return -(values[k] + share * (values[k + 1] - values[k]) + septum)
        return -(values[-1] + septum)

    width, tip, ring = draw.uniform(2.6, 4.2), draw.uniform(1.8, 3.2), length - draw.uniform(0.4, 0.9)
    rv = [
        (septal(tip) - 0.1, tip), (septal(3.6), 3.6), (septal(5), 5), (septal(6.3), min(6.3, ring - 0.6)),
        (septal(ring - 0.2), ring - 0.2), (septal(ring) - 0.5 * width, ring + 0.1),
        (septal(ring) - width + 0.2, ring - 0.2), (septal(6) - width * 0.98, min(6.0, ring - 0.8)),
        (septal(4.6) - width * 0.72, 4.6), (septal(3.4) - width * 0.42, 3.4), (septal(tip) - 0.5, tip + 0.1),
    ]  # fmt: skip
    wall, radius, height = draw.uniform(0.2, 0.4), draw.uniform(1.5, 2.4), draw.uniform(3.2, 4.8)
    centre, top = shift - wide - wall - radius, ring + 0.1
    ra = [
        (septal(ring) - 0.25, top), (centre + radius, top + 1.1), (centre + radius, top + 0.5 * height),
        (centre + 0.75 * radius, top + 0.88 * height), (centre, top + height),
        (centre - 0.8 * radius, top + 0.8 * height), (centre - radius, top + 0.5 * height),
        (centre - 0.9 * radius, top + 1.0), (septal(ring) - width + 0.4, top), (septal(ring) - 0.5 * width, top - 0.05),
    ]  # fmt: skip
    sizes = {
        "length": length, "half": half, "base": base, "septum": septum, "lateral": lateral, "atrium": tall,
        "rv_width": width, "ring": ring, "septal_ring": septal(ring), "rv_wall": draw.uniform(0.3, 0.5),
        "la_wall": draw.uniform(0.18, 0.3), "ra_wall": draw.uniform(0.18, 0.3),
    }  # fmt: skip
    return {"lv": lv, "la": la, "rv": rv, "ra": ra}, sizes


def apical_four_chamber(draw: Draw) -> Anatomy:
    """Draw one heart in apical four-chamber view. Lengths in cm."""
    chambers, size = _apical_chambers(draw)
    tilt = math.radians(draw.uniform(-8, 16))
    turn = torch.tensor([[math.cos(tilt), -math.sin(tilt)], [math.sin(tilt), math.cos(tilt)]])
    place = torch.tensor([draw.uniform(0.3, 2.2), draw.uniform(1.4, 2.9)])

    def to_probe(points: list[tuple[float, float]]) -> Tensor:
        return torch.tensor(points, dtype=torch.float32) @ turn.T + place

    coarse = reference_points(COARSE)
    distance = {}
    for name, control in chambers.items():
        jitter = 0.09 if name in ("lv", "rv") else 0.16
        curve = closed_spline(to_probe(control) + jitter * draw.normal(len(control), 2))
        distance[name] = _refine(signed_distance(curve, coarse))
    apex, axis = to_probe([(0, 0)])[0], turn @ torch.tensor([0.0, 1.0])
    distance["lv"] = distance["lv"] + 0.07 * draw.smooth((GRID, GRID), 0.9 / CELL_CM)
    trabeculae = draw.uniform(0.05, 0.11) * draw.smooth((GRID, GRID), 0.3 / CELL_CM)
    distance = {name: d + trabeculae * (1.0 if name in ("lv", "rv") else 0.5) for name, d in distance.items()}

    wall = _wall_thickness(draw, size, apex, axis)
    labels, heart = _label(draw, distance, wall, size)
    _papillary_muscles(draw, labels, size, apex, axis)
    truth = {f"{k}_cm": v for k, v in size.items() if k not in ("ring", "septal_ring", "base")}
    return Anatomy(
        distance, heart, labels, apex, axis, size["length"], size["length"] + size["atrium"],
        _leaflets(draw, size, to_probe), _fibrous_points(size, to_probe), truth,
    )  # fmt: skip


def _refine(coarse: Tensor) -> Tensor:
    return F.interpolate(coarse[None, None], size=(GRID, GRID), mode="bicubic", align_corners=False)[0, 0]


def _wall_thickness(draw: Draw, size: dict[str, float], apex: Tensor, axis: Tensor) -> Tensor:
    """LV wall thickness in cm at every reference point: thin at the apex, gone beyond the mitral ring."""
    offset = reference_points() - apex
    along, across = offset @ axis, offset @ torch.tensor([float(axis[1]), -float(axis[0])])
    side = (across / 3 + 0.5).clamp(0, 1)
    wall = size["septum"] + (size["lateral"] - size["septum"]) * side
    wall = (
        wall
        * (0.55 + 0.45 * along / 2.5).clamp(0.5, 1)
        * (1.15 - 0.15 * along / size["length"]).clamp(0.8, 1.2)
    )
    beyond = (along - size["length"] + 0.1).clamp_min(0)
    return (wall - 1.5 * beyond).clamp_min(0) * (1 + 0.1 * draw.smooth((GRID, GRID), 1.2 / CELL_CM))


def _label(
    draw: Draw, distance: dict[str, Tensor], wall: Tensor, size: dict[str, float]
) -> tuple[Tensor, Tensor]:
    labels = torch.zeros(GRID, GRID, dtype=torch.uint8)
    shells = [
        ("la", size["la_wall"], Tissue.ATRIAL_WALL), ("ra", size["ra_wall"], Tissue.ATRIAL_WALL),
        ("rv", size["rv_wall"], Tissue.RV_WALL), ("lv", wall, Tissue.MYOCARDIUM),
    ]  # fmt: skip
    for name, thickness, tissue in shells:
        labels[distance[name] < thickness] = tissue
    for name, tissue in (("ra", Tissue.RA), ("la", Tissue.LA), ("rv", Tissue.RV), ("lv", Tissue.LV)):
        labels[distance[name] < 0] = tissue
    outer = torch.stack([distance[name] - thickness for name, thickness, _ in shells])
    heart = -0.3 * torch.logsumexp(-outer / 0.3, 0)
    labels[(heart < 0) & (labels == Tissue.OUTSIDE)] = Tissue.ATRIAL_WALL
    rim = draw.uniform(0.10, 0.2)
    labels[(heart >= 0) & (heart < rim) & (labels == Tissue.OUTSIDE)] = Tissue.PERICARDIUM
    return labels, heart


def _papillary_muscles(
    draw: Draw, labels: Tensor, size: dict[str, float], apex: Tensor, axis: Tensor
) -> None:
    """Ellipses of muscle inside the LV (and a moderator band in the RV), painted into `labels`."""
    across = torch.tensor([float(axis[1]), -float(axis[0])])
    points = reference_points()
    rough = 0.3 * draw.smooth((GRID, GRID), 0.25 / CELL_CM)

    def ellipse(
        centre: Tensor, long: float, short: float, inside: Tissue, tissue: Tissue, slant: float = 0
    ) -> None:
        direction = axis * math.cos(slant) + across * math.sin(slant)
        offset = points - centre
        u, v = offset @ direction, offset @ torch.tensor([float(direction[1]), -float(direction[0])])
        labels[((u / long) ** 2 + (v / short) ** 2 + rough < 1) & (labels == inside)] = tissue

    for side in (1, -1):
        if draw.chance(0.5):
            centre = (
                apex + axis * draw.uniform(1.8, 3.4) + across * side * draw.uniform(0.66, 0.9) * size["half"]
            )
            ellipse(centre, draw.uniform(0.8, 1.4), draw.uniform(0.22, 0.42), Tissue.LV, Tissue.MYOCARDIUM)
    if draw.chance(0.6):
        centre = (
            apex
            + axis * draw.uniform(3.4, 5.5)
            - across * (size["half"] + size["septum"] + draw.uniform(0.8, 1.6))
        )
        ellipse(
            centre,
            draw.uniform(0.6, 1.1),
            draw.uniform(0.12, 0.22),
            Tissue.RV,
            Tissue.RV_WALL,
            draw.uniform(0.4, 1.3),
        )


def _leaflets(draw: Draw, size: dict[str, float], to_probe) -> tuple[Leaflet, ...]:
    base, length, ring, septal, width = (
        size[k] for k in ("base", "length", "ring", "septal_ring", "rv_width")
    )
    middle = septal - 0.45 * width
    rows = [
        ((-base * 0.9, length), (-0.05, length - draw.uniform(0.2, 0.6)), (-base * 0.45, length - 2.1), 0.25),
        ((base * 0.9, length), (0.05, length - 0.4), (base * 0.55, length - 1.5), -0.25),
        ((septal - 0.1, ring), (middle, ring - 0.3), (septal - 0.55, ring - 1.6), 0.2),
        ((septal - width + 0.4, ring), (middle - 0.05, ring - 0.3), (septal - width + 0.8, ring - 1.9), -0.2),
    ]
    leaflets = []
    for *points, bow in rows:
        hinge, closed, opened = to_probe(points)
        leaflets.append(Leaflet(hinge, closed, opened, bow, draw.uniform(0.35, 1.1)))
    return tuple(leaflets)


def _fibrous_points(size: dict[str, float], to_probe) -> tuple[Tensor, ...]:
    base, length = size["base"], size["length"]
    points = [
        (-base - 0.25, length + 0.1),
        (base + 0.25, length),
        (size["septal_ring"] - size["rv_width"], size["ring"]),
    ]
    return tuple(to_probe(points))
