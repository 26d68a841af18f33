"""What is true of a clip: its heart's numbers and classes, per frame where they change; all plain JSON values."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from echogan.phantom.anatomy import measure
from echogan.phantom.anatomy.heart import Heart
from echogan.phantom.anatomy.sizes import classify
from echogan.phantom.anatomy.views.measured import lv_diameter, wall_sides
from echogan.phantom.beams import Beams
from echogan.phantom.motion.beating import Motion, displacement, lv_volume, reached
from echogan.phantom.tissues import Tissue

ATRIA = {Tissue.LA: "la", Tissue.RA: "ra"}


def clip_truth(heart: Heart, motion: Motion, beams: Beams | None = None) -> dict[str, Any]:
    """The truth of one clip. Lengths in cm, areas in cm2, volumes in ml, shares 0 to 1, rates per minute and second.

    ejection_fraction   from end-diastole to end-systole of a full beat: by disks in apical views, by Teichholz in
                        PLAX, in short axis from area and the shortening that the view does not show
    lv_area_cm2, lv_volume_ml, lv_length_cm, lv_diameter_cm   per frame (volume in apical views only)
    sizes    at end-diastole; *_es: at end-systole; la_area_cm2 and ra_area_cm2 at end-systole, as guidelines ask
    findings the classes, from `sizes` alone      in_view  cavity -> wholly inside the fan in every frame
    """
    lv = heart.cavities[Tissue.LV].outline
    systolic = lv + displacement(heart, motion, lv)
    contraction = motion.contraction[:, None, None]
    frames = lv + contraction * displacement(heart, motion, lv)
    sizes = _sizes(heart, motion, systolic)
    sizes["ejection_fraction"] = reached(heart, systolic, motion.shortening)
    truth: dict[str, Any] = {
        "view": heart.view,
        "ejection_fraction": sizes["ejection_fraction"],
        "heart_rate": motion.cycle.heart_rate,
        "frame_rate": motion.cycle.frame_rate,
        "phase": _list(motion.cycle.phase),
        "contraction": _list(motion.contraction),
        "lv_area_cm2": _list(measure.area(frames)),
        "lv_diameter_cm": _list(lv_diameter(heart, frames)),
        "sizes": {name: round(float(value), 4) for name, value in sizes.items()},
        "findings": classify(sizes) | _segment(heart),
        "foreshortening": heart.sizes["foreshortening"],
    }
    if heart.length == 0:
        truth["fractional_area_change"] = 1 - float(measure.area(systolic) / measure.area(lv))
    if heart.view in ("A4C", "A2C"):
        volume = lv_volume(heart, frames)
        assert volume is not None
        truth["lv_volume_ml"] = _list(volume)
        truth["lv_length_cm"] = _list(measure.length(frames, heart.axis))
    if beams is not None:
        truth["in_view"] = _in_view(heart, motion, beams)
    return truth


def _sizes(heart: Heart, motion: Motion, systolic: Tensor) -> dict[str, float]:
    """The heart's sizes, and what they are at end-systole."""
    sizes = dict(heart.sizes)
    lv = heart.cavities[Tissue.LV]
    sizes["lv_diameter_es_cm"] = float(lv_diameter(heart, systolic))
    normal, _ = measure.normals(lv.outline)
    outer = lv.outline + normal * lv.wall_cm[:, None]
    moved = outer + displacement(heart, motion, outer)
    for name, there in zip(("septum_es_cm", "lateral_es_cm"), wall_sides(heart), strict=True):
        sizes[name] = float(torch.cdist(moved[there], systolic).amin(1).mean())
    for tissue, name in ATRIA.items():
        if tissue in heart.cavities and heart.view in ("A4C", "A2C"):
            outline = heart.cavities[tissue].outline
            sizes[f"{name}_area_ed_cm2"] = float(measure.area(outline))
            full = outline + displacement(heart, motion, outline)
            sizes[f"{name}_area_cm2"] = float(measure.area(full))
    return sizes


def _segment(heart: Heart) -> dict[str, str]:
    name = "wall_motion_segment"
    return {name: heart.findings[name]} if name in heart.findings else {}


def _in_view(heart: Heart, motion: Motion, beams: Beams) -> dict[str, bool]:
    """Whether each cavity's outline stays inside the fan in every frame."""
    seen = {}
    for tissue, cavity in heart.cavities.items():
        way = displacement(heart, motion, cavity.outline)
        places = cavity.outline + motion.contraction[:, None, None] * way + motion.drift_cm[:, None]
        depth, angle = beams.locate(places)
        inside = (depth > 0) & (depth < beams.depth_cm) & (angle.abs() < beams.half_angle)
        seen[tissue.name] = bool(inside.all())
    return seen


def _list(values: Tensor) -> list[float]:
    return [round(value, 4) for value in values.tolist()]
