"""Apical four-chamber anatomy: randomised chambers as signed distances on a reference grid, and tissue labels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor

from echogan.phantom.chambers import Leaflet, Points, draw_chambers, draw_leaflets, fibrous_points
from echogan.phantom.draw import Draw
from echogan.phantom.outlines import CELL_CM, GRID, closed_spline, reference_points, refine, signed_distance

COARSE = 128  # cells on a side of the grid on which distances are measured; they are smooth


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
class Anatomy:
    """One heart at end-diastole, in probe coordinates (x to the right, z down, probe face at 0, cm).

    distance  signed distance to each cavity in cm, negative inside: {"lv", "la", "rv", "ra"}, each (512, 512)
    heart     signed distance to the epicardium, (512, 512)
    labels    Tissue values, uint8 (512, 512)
    apex, axis, length, reach  LV apex, unit vector to the base, apex-to-base and apex-to-atrial-roof lengths
    leaflets, fibrous          the valves, and the points where they hang; truth  sizes in cm
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


def apical_four_chamber(draw: Draw) -> Anatomy:
    """Draw one heart in apical four-chamber view. Lengths in cm."""
    chambers, size = draw_chambers(draw)
    tilt = math.radians(draw.uniform(-8, 16))
    turn = torch.tensor([[math.cos(tilt), -math.sin(tilt)], [math.sin(tilt), math.cos(tilt)]])
    place = torch.tensor([draw.uniform(0.3, 2.2), draw.uniform(1.4, 2.9)])

    def to_probe(points: Points) -> Tensor:
        return torch.tensor(points, dtype=torch.float32) @ turn.T + place

    coarse = reference_points(COARSE)
    distance = {}
    for name, control in chambers.items():
        jitter = 0.09 if name in ("lv", "rv") else 0.16
        curve = closed_spline(to_probe(control) + jitter * draw.normal(len(control), 2))
        distance[name] = refine(signed_distance(curve, coarse))
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
        draw_leaflets(draw, size, to_probe), fibrous_points(size, to_probe), truth,
    )  # fmt: skip


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
