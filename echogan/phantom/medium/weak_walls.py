"""Segments of the left ventricle's wall that drop out whole: which ones of a heart, and how readily.

Real apical views lose a lateral wall, a part of the septum or the apex at a time, beside a cavity full of haze. Only
a degradation with drop-out takes them; the clean clip and the labels keep every wall.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from echogan.phantom.anatomy.heart import Heart
from echogan.phantom.draw import Draw
from echogan.phantom.medium.raster import Raster
from echogan.phantom.tissues import Tissue

MOST = 3


@dataclass(frozen=True)
class WeakWallSettings:
    """How many segments of the LV's wall are prone to drop out whole, how far they reach, and how prone they are."""

    chances: tuple[float, ...] = field(
        default=(0.55, 0.35, 0.1), metadata={"help": f"share of hearts with 1, 2, up to {MOST} such segments"}
    )
    reach_cm: tuple[float, float] = field(
        default=(1.2, 3.6), metadata={"help": "half the length of a segment, cm", "min": 0.1, "max": 10}
    )
    prone: tuple[float, float] = field(
        default=(0.7, 1.0), metadata={"help": "share of the drop-out's loss there", "min": 0, "max": 1}
    )
    elsewhere: float = field(
        default=0.3,
        metadata={"help": "proneness of other tissue, share of its patches' own", "min": 0, "max": 1},
    )
    along_beam: float = field(
        default=3.0,
        metadata={"help": "how much likelier where the wall runs along the beam", "min": 0, "max": 100},
    )


def proneness(patchy: Tensor, draw: Draw, heart: Heart, raster: Raster, settings: WeakWallSettings) -> Tensor:
    """How readily tissue drops out: its own patches (rows, columns), 0 to 1, made milder, and the weak segments."""
    return torch.maximum(settings.elsewhere * patchy, weak_walls(draw, heart, raster, settings))


def weak_walls(draw: Draw, heart: Heart, raster: Raster, settings: WeakWallSettings) -> Tensor:
    """How readily tissue drops out around the heart's weak segments: (rows, columns), 0 to 1.

    Every number is drawn whether it is used or not, so that other chances leave the places as they are.
    """
    s = settings
    lv = heart.cavities[Tissue.LV]
    likely = _likelihood(lv.outline, s.along_beam) * (lv.wall_cm > 0)
    places = likely.cumsum(0)
    count, shown = draw.uniform(0, 1), torch.zeros_like(raster.heart)
    for number in range(MOST):
        at = int(torch.searchsorted(places, torch.tensor(draw.uniform(0, float(places[-1])))))
        reach, prone = draw.within(s.reach_cm), draw.within(s.prone)
        if count < sum(s.chances[number:]):
            middle = lv.outline[min(at, len(places) - 1)].to(raster.points)
            away = (raster.points - middle).square().sum(-1) / reach**2
            # Flat within the segment, gone soon beyond it.
            shown = torch.maximum(shown, prone * torch.exp(-(away**2)))
    return shown


def _likelihood(outline: Tensor, along_beam: float) -> Tensor:
    """Weight of each point of an outline (n, 2): its share of the length, more where it runs along the beam."""
    step = outline.roll(-1, 0) - outline.roll(1, 0)
    length = step.norm(dim=-1).clamp_min(1e-6)
    beam = outline / outline.norm(dim=-1, keepdim=True).clamp_min(1e-6)
    along = (step * beam).sum(-1).abs() / length
    return length * (1 + along_beam * along.square())
