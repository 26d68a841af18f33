"""A quick stand-in for the phantom: a dark disc on speckle; the poor version is hazy and noisy."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from echogan.training.data.loader import TrainingData
from echogan.training.data.sources import TrainingClip


@dataclass(frozen=True)
class ToyClips:
    """See echogan.training.data.sources.Source. Looks: clear, degraded, and pair: degraded with its truth."""

    look: str = "clear"
    size: int = 64

    def __call__(self, seed: int, frames: int) -> TrainingClip:
        g = torch.Generator().manual_seed(seed)
        axis = torch.linspace(-1, 1, self.size)
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        centre = torch.rand(2, generator=g) * 0.4
        disc = ((x - centre[0]) ** 2 + (y - centre[1]) ** 2 < 0.15).float()
        speckle = 0.7 + 0.3 * torch.rand(frames, self.size, self.size, generator=g)
        clear = (160 - 140 * disc) * speckle
        poor = clear * 0.5 + 90 + 10 * torch.randn(clear.shape, generator=g)
        mask = x.abs() < (y + 1.2) / 2
        clear, poor = ((shown * mask).clamp(0, 255).byte() for shown in (clear, poor))
        labels = torch.tensor([float(centre[0] > 0.2), 0, 1, torch.nan, 0])
        truth: Tensor | None = clear if self.look == "pair" else None
        return TrainingClip(clear if self.look == "clear" else poor, mask, labels, truth)

    def facts(self) -> dict[str, Any]:
        return {"toy": self.look}


def toy_data(alike: bool = False) -> TrainingData:
    """With `alike` the two domains do not differ."""
    return TrainingData(ToyClips("clear" if alike else "degraded"), ToyClips("clear"), ToyClips("pair"))
