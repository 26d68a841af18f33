"""What one training step works on: unpaired frames of both domains, and what they were translated to."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

BLACK = -1.0


@dataclass(frozen=True)
class Batch:
    """Unpaired frames of both domains in [-1, 1] and their sectors' masks of 0 and 1, all (N, 1, h, w).

    low_next     the frame after each of `low`, in the same sector, or None
    low_truth    the clean twin of each of `low`, for the oracle only, or None
    low_labels   float (N, 5) in the order of LABELS: 0, 1, or NaN where unknown; or None
    high_labels  the same of `high`
    """

    low: Tensor
    high: Tensor
    low_mask: Tensor
    high_mask: Tensor
    low_next: Tensor | None = None
    low_truth: Tensor | None = None
    low_labels: Tensor | None = None
    high_labels: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        held = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(self, **{name: t.to(device) for name, t in held.items() if t is not None})

    def black_outside(self) -> Batch:
        """The same batch, all its frames black outside the sectors: what was there can influence nothing."""
        low = {"low": self.low, "low_next": self.low_next, "low_truth": self.low_truth}
        painted = {name: t if t is None else black_outside(t, self.low_mask) for name, t in low.items()}
        return replace(self, **painted, high=black_outside(self.high, self.high_mask))


@dataclass(frozen=True)
class Fakes:
    """The translated frames of a batch, (N, 1, h, w), cut from the graph."""

    high: Tensor
    high_mask: Tensor
    low: Tensor
    low_mask: Tensor

    def black_outside(self) -> Fakes:
        """The same fakes, black outside the sectors."""
        high, low = black_outside(self.high, self.high_mask), black_outside(self.low, self.low_mask)
        return replace(self, high=high, low=low)


def inside(mask: Tensor, translated: Tensor, original: Tensor) -> Tensor:
    """`translated` inside the mask, `original` outside: nothing is painted outside the sector."""
    return torch.where(mask > 0.5, translated, original)


def black_outside(x: Tensor, mask: Tensor) -> Tensor:
    """x inside the mask, black outside."""
    return torch.where(mask > 0.5, x, BLACK)
