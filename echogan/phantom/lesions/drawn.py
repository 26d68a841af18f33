"""One lesion per draw: which place a heart offers it, and its size, shape and brightness there."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from echogan.phantom.anatomy import measure
from echogan.phantom.anatomy.heart import Heart
from echogan.phantom.draw import Draw
from echogan.phantom.lesions.kinds import (
    CARRIED_BY,
    LEVELS_DB,
    SIZES_CM,
    Effusion,
    Lesion,
    LesionKind,
    Swing,
)  # fmt: skip
from echogan.phantom.lesions.shapes import (
    SUNK_CM,
    Wall,
    chain,
    disc_area,
    disc_extent,
    extent,
    gap,
    lump,
    mural,
    septum,
    stalked,
)  # fmt: skip
from echogan.phantom.lesions.sites import defect_place, leaflet_name, mass_sites, thrombus_sites
from echogan.phantom.tissues import Tissue

MOBILE = {"thrombus": 0.25, "mass": 0.35}
"""Share on a stalk, swinging."""
ATTEMPTS, WIDEST, NEAREST_CM = 8, 0.6, 2.0
"""Tries to find a place within so many radians of the middle beam, and not in the clutter right below the probe."""


def draw_lesion(draw: Draw, heart: Heart, kind: LesionKind) -> Lesion | None:
    """A lesion of this kind, or None where the view or this heart cannot carry it.

    `draw` must be the lesion's own: the clip without it, the control, then stays the same elsewhere.
    """
    if heart.view not in CARRIED_BY[kind]:
        return None
    level, seed = draw.within(LEVELS_DB[kind]), int(draw.uniform(0, 1 << 30))
    makers: dict[LesionKind, Callable[[], Lesion | None]] = {
        "thrombus": lambda: _thrombus(draw, heart, level, seed),
        "vegetation": lambda: _vegetation(draw, heart, level, seed),
        "mass": lambda: _mass(draw, heart, level, seed),
        "effusion": lambda: _effusion(draw, heart, level, seed),
        "septal-defect": lambda: _defect(draw, heart, level, seed),
    }
    for _ in range(ATTEMPTS):
        lesion = makers[kind]()
        if lesion is not None and _visible(lesion, heart):
            return lesion
    return None


def _visible(lesion: Lesion, heart: Heart) -> bool:
    if lesion.outline is not None:
        at = lesion.outline.mean(0)
    elif lesion.root is not None:
        assert lesion.towards is not None
        at = lesion.root + 0.5 * lesion.size_cm[0] * lesion.towards
    elif lesion.leaflet is not None:
        at = heart.leaflets[lesion.leaflet].closed
    else:
        return True
    return abs(math.atan2(float(at[0]), float(at[1]))) < WIDEST and float(at[1]) > NEAREST_CM


def _choose(draw: Draw, options: list) -> int:
    return min(int(draw.uniform(0, len(options))), len(options) - 1)


def _size(draw: Draw, kind: LesionKind) -> float:
    """A size within the kind's range; small ones, which hardly show, are rarer."""
    low, high = SIZES_CM[kind]
    return low + (high - low) * draw.uniform(0, 1) ** 0.7


# Solid lesions on a wall


def _thrombus(draw: Draw, heart: Heart, level: float, seed: int) -> Lesion | None:
    sites = thrombus_sites(draw, heart)
    if not sites:
        return None
    place, cavity, index = sites[_choose(draw, sites)]
    wall, length = Wall.of(heart.cavities[cavity]), _size(draw, "thrombus")
    if cavity == Tissue.LV and draw.chance(MOBILE["thrombus"]):
        return _on_stalk(draw, "thrombus", place, cavity, wall, index, (level, seed, length))
    rise = draw.uniform(0.2, 0.35) if draw.chance(0.4) else draw.uniform(0.35, 0.7)
    if place == "LV apex":
        # It fills the tip of the cavity and rises from there.
        rise = draw.uniform(0.4, 0.8)
    outline = mural(draw, wall, index, length, rise)
    area = float(measure.area(outline))
    return Lesion(
        "thrombus", place, level, extent(outline), area, seed, outline, cavity, layered=draw.chance(0.7)
    )


def _mass(draw: Draw, heart: Heart, level: float, seed: int) -> Lesion | None:
    sites = mass_sites(draw, heart)
    place, cavity, index = sites[_choose(draw, sites)]
    wall, least = Wall.of(heart.cavities[cavity]), SIZES_CM["mass"][0]
    room, length = extent(wall.points)[1], _size(draw, "mass")
    if draw.chance(MOBILE["mass"]) and 0.6 * room > least:
        length = min(length, draw.uniform(least, 0.6 * room))
        return _on_stalk(draw, "mass", place, cavity, wall, index, (level, seed, length))
    outline = lump(draw, wall, index, min(length, 0.85 * room), least)
    if outline is None:
        return None
    return Lesion("mass", place, level, extent(outline), float(measure.area(outline)), seed, outline, cavity)


def _on_stalk(
    draw: Draw, kind: LesionKind, place: str, cavity: Tissue, wall: Wall, index: int,
    measures: tuple[float, int, float],
) -> Lesion:  # fmt: skip
    level, seed, length = measures
    slender = draw.uniform(0.45, 0.7) if kind == "thrombus" else draw.uniform(0.6, 0.8)
    discs = stalked(draw, length, slender, draw.uniform(0.12, 0.3))
    swing = Swing(
        discs, draw.uniform(-0.5, 0.5), draw.uniform(0.05, 0.12), draw.uniform(0.08, 0.25),
        draw.uniform(1.0, 2.5), draw.uniform(0, 6.3),
    )  # fmt: skip
    root = wall.points[index] - SUNK_CM * wall.inward[index]
    return Lesion(
        kind, f"{place}, on a stalk", level, disc_extent(discs), disc_area(discs), seed, cavity=cavity,
        swing=swing, root=root, towards=wall.inward[index],
    )  # fmt: skip


# What is not solid tissue on a wall


def _vegetation(draw: Draw, heart: Heart, level: float, seed: int) -> Lesion | None:
    if not heart.leaflets:
        return None
    index = _choose(draw, list(heart.leaflets))
    leaflet = heart.leaflets[index]
    discs = chain(draw, _size(draw, "vegetation"), draw.uniform(0.22, 0.42), 8)
    chord, opening = leaflet.closed - leaflet.hinge, leaflet.opened - leaflet.closed
    # On the side that the jet hits: the atrial one of a mitral, the ventricular one of an aortic leaflet.
    side = -1.0 if float(chord[0] * opening[1] - chord[1] * opening[0]) > 0 else 1.0
    # In short axis a leaflet runs from commissure to commissure, and its free edge is its middle.
    tip = heart.view != "PSAX-MV"
    lean = draw.uniform(0.3, 1.2) + (0.0 if leaflet.ventricular else 0.7)
    swing = Swing(
        discs, side * lean, draw.uniform(0.015, 0.05), draw.uniform(0.15, 0.45), draw.uniform(3, 8),
        draw.uniform(0, 6.3), attach=1.0 if tip else draw.uniform(0.35, 0.65),
    )  # fmt: skip
    place = f"{leaflet_name(heart, leaflet)}, {'tip' if tip else 'middle'}"
    return Lesion(
        "vegetation", place, level, disc_extent(discs), disc_area(discs), seed,
        swing=swing, leaflet=index,
    )  # fmt: skip


def _effusion(draw: Draw, heart: Heart, level: float, seed: int) -> Lesion:
    """Fluid gathers behind the ventricles: far from the probe in parasternal views, at the sides in apical ones."""
    depth = _size(draw, "effusion")
    # A small effusion lies on one side only, a large one all around.
    least = draw.uniform(0.0, 0.3) if depth < 1 else draw.uniform(0.25, 0.65)
    apical = heart.view in ("A4C", "A2C")
    down = torch.tensor([0.0, 1.0])
    side = measure.perpendicular(heart.axis) * (1 if draw.chance(0.75) else -1) if apical else down
    turn = draw.uniform(-0.5, 0.5)
    side = side @ torch.tensor([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    ventricles = [heart.cavities[name].outline for name in (Tissue.LV, Tissue.RV) if name in heart.cavities]
    effusion = Effusion(depth, least, side, torch.cat(ventricles).mean(0))
    place = "around the heart" if least > 0.25 else "lateral" if apical else "posterior"
    return Lesion("effusion", place, level, (depth, least * depth), None, seed, effusion=effusion)


def _defect(draw: Draw, heart: Heart, level: float, seed: int) -> Lesion | None:
    atrial = Tissue.RA in heart.cavities and Tissue.LA in heart.cavities and draw.chance(0.6)
    first, second = (Tissue.LA, Tissue.RA) if atrial else (Tissue.LV, Tissue.RV)
    if second not in heart.cavities:
        return None
    one, other = septum(
        Wall.of(heart.cavities[first]), Wall.of(heart.cavities[second]), 1.0 if atrial else 2.6
    )
    if len(one) < 8:
        return None
    run = float((one[1:] - one[:-1]).norm(dim=-1).sum())
    low, high = SIZES_CM["septal-defect"]
    length = draw.uniform(low, min(high, max(low, 0.5 * run)))
    place, share = defect_place(draw, heart, one, atrial)
    hole = gap(draw, one, other, int(share * (len(one) - 1)), length)
    if hole is None:
        return None
    outline, area = hole
    thick = area / length
    return Lesion(
        "septal-defect", place, level, (length, thick), area, seed, outline, first, neighbour=second
    )
