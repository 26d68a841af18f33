"""Gaussian averages of images that do not let the outside of a mask leak in."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

TRUNCATE = 3.5  # the window's radius in sd: 11 px for sd 1.5


def gaussian_window(sd: float, like: Tensor) -> Tensor:
    """A Gaussian of `sd` px cut at 3.5 sd, of sum 1, as (taps,) with the dtype and device of `like`."""
    radius = int(TRUNCATE * sd + 0.5)
    offsets = torch.arange(-radius, radius + 1, dtype=like.dtype, device=like.device)
    window = torch.exp(-0.5 * (offsets / sd) ** 2)
    return window / window.sum()


def blur(x: Tensor, sd: float) -> Tensor:
    """Gaussian average of (N, C, h, w) with zeros beyond the border; at least float32, also under autocast."""
    with torch.autocast(x.device.type, enabled=False):
        x = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        window = gaussian_window(sd, x)
        flat, radius = x.reshape(-1, 1, *x.shape[-2:]), len(window) // 2
        rows = F.conv2d(flat, window.view(1, 1, -1, 1), padding=(radius, 0))
        return F.conv2d(rows, window.view(1, 1, 1, -1), padding=(0, radius)).view(x.shape)


def masked_blur(x: Tensor, mask: Tensor, sd: float) -> Tensor:
    """Gaussian average over the pixels inside the mask: blur(x * mask) / blur(mask), (N, C, h, w).

    Normalised convolution (Knutsson & Westin, CVPR 1993, section 3). `mask` (N, 1, h, w) of 0 and 1; what x is
    outside it has no influence. A pixel with nothing of the mask within reach becomes 0.
    """
    with torch.autocast(x.device.type, enabled=False):
        weight = mask.to(torch.promote_types(x.dtype, torch.float32))
        inside = torch.where(weight > 0, x.to(weight.dtype), 0.0)
        return blur(inside * weight, sd) / blur(weight, sd).clamp_min(1e-6)
