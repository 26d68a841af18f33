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
    low_target   what each of `low` is to become, where it is of a pair, or None
    low_paired   float (N,): 1 where `low_target` is known, 0 where not; None where all are
    low_lesions  uint8 (N, 1, h, w): where lesions of pairs and their surroundings are, see contrast_losses.py; or None
    low_labels   float (N, 5) in the order of LABELS: 0, 1, or NaN where unknown; or None
    high_labels  the same of `high`
    low_stack    what `to_high` sees of `low`: (N, F, h, w), its neighbours and itself in the middle (see
                 model/frames.py); None where it sees one frame. high_stack, low_next_stack: the same of those
    """

    low: Tensor
    high: Tensor
    low_mask: Tensor
    high_mask: Tensor
    low_next: Tensor | None = None
    low_target: Tensor | None = None
    low_labels: Tensor | None = None
    high_labels: Tensor | None = None
    low_stack: Tensor | None = None
    high_stack: Tensor | None = None
    low_next_stack: Tensor | None = None
    low_paired: Tensor | None = None
    low_lesions: Tensor | None = None

    @property
    def low_seen(self) -> Tensor:
        """What `to_high` is given to enhance `low`: the stack, or the frame where there is none."""
        return self.low if self.low_stack is None else self.low_stack

    @property
    def high_seen(self) -> Tensor:
        """What `to_high` is given of `high`."""
        return self.high if self.high_stack is None else self.high_stack

    @property
    def low_next_seen(self) -> Tensor | None:
        """What `to_high` is given to enhance `low_next`."""
        return self.low_next if self.low_next_stack is None else self.low_next_stack

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        held = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(self, **{name: t.to(device) for name, t in held.items() if t is not None})

    def black_outside(self) -> Batch:
        """The same batch, all its frames black outside the sectors: what was there can influence nothing."""
        low = {
            "low": self.low, "low_next": self.low_next, "low_target": self.low_target,
            "low_stack": self.low_stack, "low_next_stack": self.low_next_stack,
        }  # fmt: skip
        high = {"high": self.high, "high_stack": self.high_stack}
        painted = {
            name: black_outside(t, mask)
            for frames, mask in ((low, self.low_mask), (high, self.high_mask))
            for name, t in frames.items()
            if t is not None
        }
        return replace(self, **painted)


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
