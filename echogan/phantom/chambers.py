"""The shapes of an apical four-chamber heart: outlines of its cavities, valve leaflets, fibrous rings; in cm.

Heart coordinates (x, z) have the LV apex at (0, 0), z along its axis towards the base, x to the lateral wall.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from echogan.phantom.draw import Draw

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class Leaflet:
    """One valve leaflet at end-diastole, in probe coordinates: hinge, tip when closed, tip when open, (2,) in cm.

    bow       offset of the middle from the chord, as a share of the chord
    strength  echo amplitude against myocardium
    """

    hinge: Tensor
    closed: Tensor
    opened: Tensor
    bow: float
    strength: float


def draw_chambers(draw: Draw) -> tuple[dict[str, Points], dict[str, float]]:
    """Control points of the four cavities' outlines in heart coordinates, and the heart's sizes, in cm."""
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
    sizes = {
        "length": length, "half": half, "base": base, "septum": septum, "lateral": lateral, "atrium": tall,
    }  # fmt: skip
    rv, ra, right = _right_heart(draw, sizes, shift - wide)
    walls = {
        "rv_wall": draw.uniform(0.3, 0.5),
        "la_wall": draw.uniform(0.18, 0.3),
        "ra_wall": draw.uniform(0.18, 0.3),
    }
    return {"lv": lv, "la": la, "rv": rv, "ra": ra}, {**sizes, **right, **walls}


def _right_heart(
    draw: Draw, size: dict[str, float], la_edge: float
) -> tuple[Points, Points, dict[str, float]]:
    """Outlines of the right ventricle, along the septum, and of the right atrium, beside the left one's edge."""
    length, half, base, septum = (size[name] for name in ("length", "half", "base", "septum"))

    def septal(depth: float) -> float:
        """x of the septum's right side at a depth below the apex."""
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
    centre, top = la_edge - wall - radius, ring + 0.1
    ra = [
        (septal(ring) - 0.25, top), (centre + radius, top + 1.1), (centre + radius, top + 0.5 * height),
        (centre + 0.75 * radius, top + 0.88 * height), (centre, top + height),
        (centre - 0.8 * radius, top + 0.8 * height), (centre - radius, top + 0.5 * height),
        (centre - 0.9 * radius, top + 1.0), (septal(ring) - width + 0.4, top), (septal(ring) - 0.5 * width, top - 0.05),
    ]  # fmt: skip
    return rv, ra, {"rv_width": width, "ring": ring, "septal_ring": septal(ring)}


def draw_leaflets(
    draw: Draw, size: dict[str, float], to_probe: Callable[[Points], Tensor]
) -> tuple[Leaflet, ...]:
    """Two mitral and two tricuspid leaflets; `to_probe` turns heart into probe coordinates."""
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


def fibrous_points(size: dict[str, float], to_probe: Callable[[Points], Tensor]) -> tuple[Tensor, ...]:
    """Where the fibrous rings of the valves are cut, and shine: (2,) each, in probe coordinates."""
    base, length = size["base"], size["length"]
    points = [
        (-base - 0.25, length + 0.1),
        (base + 0.25, length),
        (size["septal_ring"] - size["rv_width"], size["ring"]),
    ]
    return tuple(to_probe(points))
