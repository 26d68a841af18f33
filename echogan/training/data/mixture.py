"""A source of clips that is a mixture of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from echogan.training.data.sources import Source, TrainingClip


@dataclass(frozen=True)
class Mixture:
    """Each clip comes from one of several sources, chosen by weight."""

    sources: tuple[Source, ...]
    weights: tuple[float, ...]

    def __call__(self, seed: int, frames: int) -> TrainingClip:
        """See Source."""
        drawn = torch.rand(1, generator=torch.Generator().manual_seed(seed * 7919 + 5))
        edges = torch.tensor(self.weights).cumsum(0)
        which = int(torch.searchsorted(edges / edges[-1], drawn).clamp_max(len(self.sources) - 1))
        return self.sources[which](seed, frames)

    def facts(self) -> dict[str, Any]:
        """The facts of each part, and its share."""
        whole = sum(self.weights)
        pairs = zip(self.weights, self.sources, strict=True)
        return {
            "mixture": [{"share": round(weight / whole, 4), **source.facts()} for weight, source in pairs]
        }


def mixed(parts: Sequence[tuple[Source, float]]) -> Source:
    """The only source with a weight, or a mixture of several."""
    wanted = [(source, weight) for source, weight in parts if weight > 0]
    if len(wanted) == 1:
        return wanted[0][0]
    return Mixture(tuple(source for source, _ in wanted), tuple(weight for _, weight in wanted))
