"""Lesions with known size, place and extent: drawn into a heart, painted on its reference grid or swung per frame."""

from echogan.phantom.lesions.drawn import draw_lesion
from echogan.phantom.lesions.kinds import (
    CARRIED_BY,
    LESIONS,
    LEVELS_DB,
    SIZES_CM,
    Lesion,
    LesionKind,
    drawn_kinds,
)
from echogan.phantom.lesions.paint import alter, area_on, brighten
from echogan.phantom.lesions.swing import stalk_discs, vegetation_discs

__all__ = [
    "CARRIED_BY", "LESIONS", "LEVELS_DB", "SIZES_CM", "Lesion", "LesionKind", "alter", "area_on", "brighten",
    "draw_lesion", "drawn_kinds", "stalk_discs", "vegetation_discs",
]  # fmt: skip
