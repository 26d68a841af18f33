"""A quick stand-in for the phantom: a dark disc on speckle; the poor version is hazy and noisy."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class ToyClips:
    """See echogan.training.data.ClipSource. With `alike` the two domains do not differ."""

    size: int = 64
    alike: bool = False

    def __call__(self, seed: int, frames: int, want: tuple[str, ...]) -> tuple[dict[Any, Tensor], Tensor]:
        g = torch.Generator().manual_seed(seed)
        axis = torch.linspace(-1, 1, self.size)
        y, x = torch.meshgrid(axis, axis, indexing="ij")
        centre = torch.rand(2, generator=g) * 0.4
        disc = ((x - centre[0]) ** 2 + (y - centre[1]) ** 2 < 0.15).float()
        speckle = 0.7 + 0.3 * torch.rand(frames, self.size, self.size, generator=g)
        clean = (160 - 140 * disc) * speckle
        poor = clean * 0.5 + 90 + 10 * torch.randn(clean.shape, generator=g)
        mask = x.abs() < (y + 1.2) / 2
        shown = {"clean": clean, "degraded": clean if self.alike else poor}
        return {name: (shown[name] * mask).clamp(0, 255).byte() for name in want}, mask

    def facts(self) -> dict[str, Any]:
        return {"toy": 1}
