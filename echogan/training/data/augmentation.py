"""Augmentation of real clips: small moves, so that few patients serve longer. No mirroring: it changes laterality."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

TURN_DEG, SCALE, SHIFT = 8.0, 0.1, 0.05


def moved(frames: Tensor, mask: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """All frames uint8 (T, h, w) and their sector bool (h, w) turned, scaled and shifted alike, as `seed` draws.

    By at most 8 degrees, 10 % and 5 % of the frame. The fan moves as a whole and stays a fan; what comes in is black.
    """
    drawn = torch.rand(4, generator=torch.Generator().manual_seed(seed * 31 + 17)) * 2 - 1
    turn, scale = math.radians(TURN_DEG) * float(drawn[0]), 1 + SCALE * float(drawn[1])
    c, s = math.cos(turn) / scale, math.sin(turn) / scale
    place = torch.tensor([[c, -s, 2 * SHIFT * float(drawn[2])], [s, c, 2 * SHIFT * float(drawn[3])]])
    both = torch.cat([frames, 255 * mask[None].to(torch.uint8)]).float()[None]
    grid = F.affine_grid(place[None], list(both.shape), align_corners=False)
    out = F.grid_sample(both, grid, align_corners=False)[0]
    inside = out[-1] > 254
    return torch.where(inside, out[:-1].round(), 0).to(torch.uint8), inside
