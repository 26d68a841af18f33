"""Where the lesion of a simulated clip is, and the surroundings that it stands out from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.model.losses.contrast_losses import LESION, SURROUNDINGS

if TYPE_CHECKING:
    from echogan.phantom.clip import PhantomClip

GAP_MM, RING_MM = 1.0, 8.0
"""Distances from the lesion between which its surroundings lie."""


def lesion_map(clip: PhantomClip) -> Tensor | None:
    """uint8 (T, h, w) of LESION, SURROUNDINGS and 0, on the CPU; None for a clip that was rendered without labels.

    The surroundings of a solid lesion are fluid, those of an effusion or a defect are solid.
    """
    from echogan.phantom.tissues import FLUID, Tissue

    if clip.labels is None or clip.lesion_mask is None:
        return None
    lesion, labels, spacing = clip.lesion_mask.cpu(), clip.labels.cpu(), clip.truth["spacing_mm"]
    within = clip.sector_mask.cpu().bool() & (labels != Tissue.OUTSIDE)
    fluid = torch.isin(labels, torch.tensor(FLUID, dtype=labels.dtype))
    solid = bool((labels[lesion] == Tissue.LESION).any())
    ring = grown(lesion, RING_MM / spacing) & ~grown(lesion, GAP_MM / spacing)
    around = ring & within & (fluid if solid else ~fluid & (labels != Tissue.LESION))
    return (LESION * (lesion & within) + SURROUNDINGS * around).to(torch.uint8)


def grown(mask: Tensor, pixels: float) -> Tensor:
    """bool (T, h, w) with all pixels added that lie within a distance, rounded to whole pixels and at least one."""
    reach = max(1, round(pixels))
    offsets = torch.arange(-reach, reach + 1)
    disc = (offsets[:, None] ** 2 + offsets**2 <= reach**2).float()[None, None]
    return F.conv2d(mask[:, None].float(), disc, padding=reach)[:, 0] > 0.5
