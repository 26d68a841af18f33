"""Where a simulated clip has a lesion, the surroundings that it stands out from, and hidden walls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.model.losses.contrast_losses import HIDDEN_WALL, LESION, SURROUNDINGS

if TYPE_CHECKING:
    from echogan.phantom.clip import PhantomClip

SUPPORTED = (0.35, 0.75)
"""Support up to which the signal is lost, and from which it survived."""
GAP_MM, RING_MM = 1.0, 8.0
"""Distances from the lesion between which its surroundings lie."""


def places_of(clip: PhantomClip) -> Tensor | None:
    """uint8 (T, h, w) of LESION, SURROUNDINGS, HIDDEN_WALL and 0, on the CPU; None for a clip rendered without labels.

    The surroundings of a solid lesion are fluid, those of an effusion or a defect are solid. A hidden wall is one whose
    signal is lost; a clip rendered without support has none.
    """
    from echogan.phantom.tissues import FLUID, WALLS, Tissue

    if clip.labels is None or clip.lesion_mask is None:
        return None
    lesion, labels, spacing = clip.lesion_mask.cpu(), clip.labels.cpu(), clip.truth["spacing_mm"]
    within = clip.sector_mask.cpu().bool() & (labels != Tissue.OUTSIDE)
    fluid = torch.isin(labels, torch.tensor(FLUID, dtype=labels.dtype))
    solid = bool((labels[lesion] == Tissue.LESION).any())
    ring = grown(lesion, RING_MM / spacing) & ~grown(lesion, GAP_MM / spacing)
    around = ring & within & (fluid if solid else ~fluid & (labels != Tissue.LESION))
    found = (LESION * (lesion & within) + SURROUNDINGS * around).to(torch.uint8)
    if clip.support is not None:
        lost = clip.support.cpu() <= 255 * SUPPORTED[0]
        wall = torch.isin(labels, torch.tensor(WALLS, dtype=labels.dtype))
        found[wall & lost & within & (found == 0)] = HIDDEN_WALL
    return found


def grown(mask: Tensor, pixels: float) -> Tensor:
    """bool (T, h, w) with all pixels added that lie within a distance, rounded to whole pixels and at least one."""
    reach = max(1, round(pixels))
    offsets = torch.arange(-reach, reach + 1)
    disc = (offsets[:, None] ** 2 + offsets**2 <= reach**2).float()[None, None]
    return F.conv2d(mask[:, None].float(), disc, padding=reach)[:, 0] > 0.5
