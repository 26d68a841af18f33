"""Show training clips as another vendor's scanner would, on the canonical grey curve."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from echogan.core.grey_curve import GreyCurve, canonical_curve
from echogan.core.scale import GREY
from echogan.phantom.artefacts.vendor_look import VendorLookSettings, draw_look, show
from echogan.phantom.draw import Draw
from echogan.training.data.sources import Source, TrainingClip

LEVELS = 101
"""Number of quantiles that describe a clip's grey levels, as the sector finder keeps them."""
CURVE_SPREAD = 0.15
"""Spread of the power around the canonical one, in its logarithm: about the error of a clip's estimate."""


@dataclass(frozen=True)
class Shown:
    """The clips of a source, a share of them under a random vendor look; frames and truth always under the same one.

    With `canonical` the frames are brought to the canonical grey curve of the clip as it is shown, with a small random
    error, as at use; the truth goes through the same curve. With a `dark_level` that curve lifts black tissue to it.
    `looks` are the ranges that a look is drawn from.
    """

    source: Source
    look_share: float
    canonical: bool
    dark_level: float = 0.0
    looks: VendorLookSettings = field(default_factory=VendorLookSettings)

    def __call__(self, seed: int, frames: int) -> TrainingClip:
        """See Source."""
        clip = self.source(seed, frames)
        draw = Draw(seed * 65536 + 13)
        looked, look = draw.chance(self.look_share), draw_look(draw, self.looks)
        spread = draw.uniform(-1, 1)
        if looked:
            clip = _each(clip, lambda x: show(x, clip.mask, look))
        if self.canonical:
            curve = canonical_curve(grey_levels(clip.frames, clip.mask), self.dark_level)
            beside = replace(curve, power=curve.power * float(torch.tensor(spread * CURVE_SPREAD).exp()))
            clip = _each(clip, lambda x: on_curve(x, clip.mask, beside))
        return clip

    def facts(self) -> dict[str, Any]:
        """The source's facts, with the share of looks, and whether the grey curve is the canonical one."""
        return {**self.source.facts(), "looks": self.look_share, "canonical_grey": self.canonical}


def grey_levels(frames: Tensor, mask: Tensor) -> list[float]:
    """The percentiles of the grey levels uint8 (T, h, w) inside a mask (h, w), 0 to 255."""
    inside = frames[:, mask.bool()].flatten().sort().values
    return inside[torch.linspace(0, len(inside) - 1, LEVELS).long()].tolist() if len(inside) else []


def on_curve(frames: Tensor, mask: Tensor, curve: GreyCurve) -> Tensor:
    """uint8 (T, h, w) on a grey curve inside the mask (h, w), as it was outside."""
    table = (curve.to_canonical(torch.linspace(-1, 1, 256)) * GREY + GREY).round().to(torch.uint8)
    return torch.where(mask.bool(), table[frames.long()], frames)


def _each(clip: TrainingClip, shown: Any) -> TrainingClip:
    truth = None if clip.truth is None else shown(clip.truth)
    return replace(clip, frames=shown(clip.frames), truth=truth)
