"""What storing a clip costs: JPEG's 8 x 8 DCT quantisation, and a smaller copy enlarged again."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.phantom.artefacts.degradation import Degradation

BLOCK = 8
# ITU-T T.81 (JPEG), Annex K, table K.1: luminance, rows of vertical frequency.
LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)


def store(grey: Tensor, degradation: Degradation) -> Tensor:
    """Grey levels 0 to 255 (T, H, W) as they come back from a degradation's storage: uint8."""
    grey = grey.round().clamp(0, 255)
    if degradation.down_up_px is not None:
        grey = down_up(grey, degradation.down_up_px)
    if degradation.jpeg_quality is not None:
        grey = jpeg(grey, degradation.jpeg_quality)
    return grey.to(torch.uint8)


def jpeg(frames: Tensor, quality: int) -> Tensor:
    """Frames as they come back from grey baseline JPEG: float32 (..., H, W), whole grey levels 0 to 255, same out.

    quality 1 to 100 scales the Annex K table as libjpeg does; only the lossy step is done, no bits are coded.
    """
    assert 1 <= quality <= 100, "JPEG quality runs from 1 to 100"
    height, width = frames.shape[-2:]
    image = frames.reshape(-1, 1, height, width).float()
    image = F.pad(image, (0, -width % BLOCK, 0, -height % BLOCK), mode="replicate") - 128
    count, _, high, wide = image.shape
    blocks = image.view(count, high // BLOCK, BLOCK, wide // BLOCK, BLOCK).transpose(2, 3)
    transform, steps = _transform(frames.device), _steps(quality, frames.device)
    coded = (blocks.reshape(-1, BLOCK * BLOCK) @ transform.T).div_(steps).round_().mul_(steps) @ transform
    image = coded.view(count, high // BLOCK, wide // BLOCK, BLOCK, BLOCK).transpose(2, 3)
    image = image.reshape(count, high, wide)[:, :height, :width]
    return (image + 128).round_().clamp_(0, 255).reshape(frames.shape)


def down_up(frames: Tensor, longer_px: int) -> Tensor:
    """Frames scaled down to `longer_px` on their longer side and back: float32 (..., H, W), whole levels 0 to 255.

    Frames that are no larger pass unchanged.
    """
    height, width = frames.shape[-2:]
    scale = longer_px / max(height, width)
    if scale >= 1:
        return frames
    small = max(1, round(height * scale)), max(1, round(width * scale))
    image = frames.reshape(-1, 1, height, width).float()
    image = F.interpolate(image, size=small, mode="bilinear", antialias=True, align_corners=False)
    image = F.interpolate(image, size=(height, width), mode="bilinear", align_corners=False)
    return image.round_().clamp_(0, 255).reshape(frames.shape)


@lru_cache(maxsize=8)
def _transform(device: torch.device) -> Tensor:
    """The orthonormal two-dimensional DCT-II of a block as one matrix, (64, 64)."""
    n = torch.arange(BLOCK, dtype=torch.float64)
    one = torch.cos(math.pi * (n[None] + 0.5) * n[:, None] / BLOCK) * math.sqrt(2 / BLOCK)
    one[0] /= math.sqrt(2)
    return torch.kron(one, one).float().to(device)


@lru_cache(maxsize=256)
def _steps(quality: int, device: torch.device) -> Tensor:
    """The quantiser's step of each frequency, (64,), 1 to 255."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    table = torch.tensor(LUMINANCE).flatten()
    return ((table * scale + 50) // 100).clamp(1, 255).float().to(device)
