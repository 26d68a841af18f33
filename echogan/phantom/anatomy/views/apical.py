"""The apical four- and two-chamber views."""

from __future__ import annotations

import math

import torch

from echogan.phantom.anatomy.heart import Cavity, Ellipse, Heart, Leaflet, Strand, View
from echogan.phantom.anatomy.sizes import HeartSettings
from echogan.phantom.anatomy.views import left_heart, right_heart, shapes
from echogan.phantom.anatomy.views.left_heart import DOWN, LeftVentricle
from echogan.phantom.draw import Draw
from echogan.phantom.tissues import Tissue

FOUR = ("basal inferoseptal", "mid inferoseptal", "apical", "mid anterolateral", "basal anterolateral")
TWO = ("basal inferior", "mid inferior", "apical", "mid anterior", "basal anterior")


def draw_apical(view: View, draw: Draw, sizes: dict[str, float], settings: HeartSettings) -> Heart:
    """An A4C or A2C heart at end-diastole, in probe coordinates, cm."""
    lv = left_heart.left_ventricle(draw, sizes)
    # An atrium is smallest at end-diastole; it fills the better the more the mitral ring moves.
    small = 1 - (0.12 + 0.36 * sizes["ejection_fraction"]) * draw.uniform(0.85, 1.1)
    four = view == "A4C"
    root = four and draw.chance(settings.five_chamber_chance)
    lean = (draw.uniform(0.9, 1.4) if root else draw.uniform(-0.1, 0.5)) if four else draw.uniform(-0.4, 0.3)
    leaflets: tuple[Leaflet, ...] = ()
    aorta, hinge = None, None
    if root:
        aorta, leaflets, hinge = right_heart.aortic_root(draw, lv, sizes["aorta_cm"])
        sizes = {**sizes, "la_area_cm2": 0.8 * sizes["la_area_cm2"]}  # the cut runs past the atrium's middle
    la, strands = left_heart.left_atrium(
        draw, lv, sizes["la_area_cm2"] * small, lean, not four and draw.chance(0.6), hinge
    )
    cavities = {Tissue.LV: lv.cavity, Tissue.LA: la, **({Tissue.AORTA: aorta} if aorta else {})}
    ellipses: list[Ellipse] = []
    leaflets = left_heart.mitral_valve(draw, lv, hinge) + leaflets
    _muscles(draw, lv, (1,) if four else (-1, 1), leaflets[:2], ellipses, strands)
    if four:
        leaflets += _right_side(draw, lv, sizes, small, cavities, ellipses, strands)
    else:
        _coronary_sinus(draw, lv, cavities)
    reach = float(la.outline[:, 1].amax())
    kept = ("la_diameter_cm", "rv_outflow_cm", "aorta_cm")
    kept += () if four else ("ra_area_cm2", "rv_basal_cm")
    heart = Heart(
        view, cavities, shapes.point(0, 0), DOWN, lv.length, reach, leaflets, tuple(ellipses), tuple(strands),
        torch.stack([leaflet.hinge for leaflet in leaflets]),
        {k: v for k, v in sizes.items() if k not in kept}, {"wall_motion_segment": _segment(view, lv)},
    )  # fmt: skip
    tilt = math.radians(draw.within(settings.tilt_deg) * (1 if four else 0.6) + (0 if four else 3))
    return shapes.posed(heart, tilt, (draw.within(settings.offset_cm), draw.within(settings.apex_depth_cm)))


def _muscles(
    draw: Draw, lv: LeftVentricle, sides: tuple[int, ...], leaflets: tuple[Leaflet, ...],
    ellipses: list[Ellipse], strands: list[Strand],
) -> None:  # fmt: skip
    for side in sides:
        if draw.chance(0.6):
            muscle, chords = left_heart.papillary(draw, lv, side, leaflets)
            ellipses += muscle
            strands += chords
    if draw.chance(0.2):
        strands.append(left_heart.false_tendon(draw, lv))


def _right_side(
    draw: Draw, lv: LeftVentricle, sizes: dict[str, float], small: float,
    cavities: dict[Tissue, Cavity], ellipses: list[Ellipse], strands: list[Strand],
) -> tuple[Leaflet, ...]:  # fmt: skip
    width = sizes["rv_basal_cm"]
    rv, ring = right_heart.right_ventricle(draw, lv, width)
    left = torch.cat([cavities[t].outline for t in (Tissue.LA, Tissue.AORTA) if t in cavities])
    ra, veins = right_heart.right_atrium(
        draw, lv, left, ring, width, sizes["ra_area_cm2"] * (0.25 + 0.75 * small)
    )
    cavities[Tissue.RV], cavities[Tissue.RA] = rv, ra
    ellipses += right_heart.moderator_band(draw, lv, rv)
    strands += veins
    return right_heart.tricuspid_valve(draw, lv, ring, width)


def _coronary_sinus(draw: Draw, lv: LeftVentricle, cavities: dict[Tissue, Cavity]) -> None:
    """The coronary sinus, round in the inferior groove between ventricle and atrium of the two-chamber view."""
    if draw.chance(0.6):
        radius = draw.uniform(0.25, 0.5)
        angle = torch.arange(16) * (math.pi / 8)
        ring = torch.stack([torch.cos(angle), draw.uniform(0.8, 1.2) * torch.sin(angle)], -1) * radius
        centre = shapes.point(-lv.ring - radius - 0.35, lv.length + draw.uniform(0.2, 0.5))
        cavities[Tissue.VEIN] = shapes.plain(shapes.curve(centre + ring, 48), 0.1, Tissue.ATRIAL_WALL)


def _segment(view: View, lv: LeftVentricle) -> str:
    x, z = lv.cavity.outline[lv.abnormal].tolist()
    names, share = (FOUR if view == "A4C" else TWO), z / lv.length
    if share < 0.33:
        return names[2]
    return names[(1 if share < 0.66 else 0) if x < 0 else (3 if share < 0.66 else 4)]
