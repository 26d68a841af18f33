"""What a sonographer's callipers would read off a heart at end-diastole."""

from __future__ import annotations

import math

from torch import Tensor

from echogan.phantom.anatomy import measure
from echogan.phantom.anatomy.heart import Heart
from echogan.phantom.anatomy.views import parasternal, short_axis
from echogan.phantom.tissues import Tissue


def wall_sides(heart: Heart) -> tuple[Tensor, Tensor]:
    """The LV's vertices at which the septum's and the lateral (posterior) wall's thickness is read: two bool (n,)."""
    offset = heart.cavities[Tissue.LV].outline - heart.apex
    if heart.length == 0:
        at = short_axis.degrees(offset)
        septal, lateral = (
            (at - low) % 360 < high - low for low, high in (short_axis.SEPTAL, short_axis.LATERAL)
        )
        return septal, lateral
    share = offset @ heart.axis / heart.length
    across = offset @ measure.perpendicular(heart.axis) * (-1 if heart.view == "PLAX" else 1)
    low, high = (0.5, 0.85) if heart.view == "PLAX" else (0.4, 0.75)
    level = (share > low) & (share < high)
    return level & (across < 0), level & (across > 0)


def lv_diameter(heart: Heart, outline: Tensor) -> Tensor:
    """Diameter in cm of LV outlines (..., n, 2): the greatest one in apical views, at the mitral tips in PLAX,
    that of the circle of the same area in short axis."""
    if heart.length == 0:
        return 2 * (measure.area(outline) / math.pi).sqrt()
    if heart.view == "PLAX":
        return measure.diameter(outline, heart.axis, parasternal.TIPS)
    return measure.widest(outline, heart.axis, 0.25, 0.9)


def measured_sizes(heart: Heart) -> dict[str, float]:
    """The heart's sizes with those that its outlines show read off them: cm."""
    lv = heart.cavities[Tissue.LV]
    sizes = dict(heart.sizes)
    sizes["lv_diameter_cm"] = float(lv_diameter(heart, lv.outline))
    if "lv_length_cm" in sizes:
        sizes["lv_length_cm"] = float(measure.length(lv.outline, heart.axis))
    for name, there in zip(("septum_cm", "lateral_cm"), wall_sides(heart), strict=True):
        sizes[name] = float(lv.wall_cm[there].mean())
    if "rv_basal_cm" in sizes:
        rv = heart.cavities[Tissue.RV].outline
        sizes["rv_basal_cm"] = float(measure.widest(rv, heart.axis, 0.67, 0.98))
    if heart.view == "PLAX":
        ring = (heart.apex + heart.length * heart.axis) @ heart.axis
        for name, (tissue, place) in parasternal.CALLIPERS.items():
            at = (ring + (place if place > 0 else place * heart.length))[None]
            sizes[name] = float(measure.chords(heart.cavities[tissue].outline, heart.axis, at)[0])
    return sizes
