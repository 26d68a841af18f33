"""The replay pool: discriminators also see fakes of earlier steps (Shrivastava et al., CVPR 2017)."""

from __future__ import annotations

import torch
from torch import Tensor


class ReplayPool:
    """Up to `size` past images with their masks, kept together as float32 (n, 2, h, w) on the CPU."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.kept: Tensor | None = None

    def exchange(self, images: Tensor, masks: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Keep new (N, 1, h, w) images and return as many; once the pool is full, about half are older ones."""
        if not self.size:
            return images, masks
        new = torch.cat([images, masks], 1).detach().cpu()
        # After a start at half size the smaller fakes are dropped.
        if self.kept is None or self.kept.shape[1:] != new.shape[1:]:
            self.kept = new[:0].clone()
        given = []
        for pair in new:
            if len(self.kept) < self.size:
                self.kept = torch.cat([self.kept, pair[None]])
            elif torch.rand((), generator=generator) < 0.5:
                index = int(torch.randint(self.size, (), generator=generator))
                given.append(self.kept[index].clone())
                self.kept[index] = pair
                continue
            given.append(pair)
        out = torch.stack(given).to(images.device)
        return out[:, :1], out[:, 1:]
