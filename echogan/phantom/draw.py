"""Random numbers and smooth random fields of one clip, all from one seed, the same on every device."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


class Draw:
    """A seeded source of numbers and smooth fields. Everything is drawn on the CPU, so that devices agree."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def uniform(self, low: float, high: float) -> float:
        """A number from low to high."""
        return low + (high - low) * float(torch.rand((), generator=self.generator))

    def within(self, limits: tuple[float, float]) -> float:
        """A number within limits (low, high)."""
        return self.uniform(*limits)

    def chance(self, probability: float) -> bool:
        """True with a probability of 0 to 1."""
        return float(torch.rand((), generator=self.generator)) < probability

    def normal(self, *shape: int) -> Tensor:
        """White Gaussian noise of unit variance: float32 `shape`."""
        return torch.randn(*shape, generator=self.generator)

    def scalar(self) -> float:
        """One number of mean 0 and variance 1."""
        return float(self.normal(1))

    def smooth(self, shape: tuple[int, int], sigma: float | tuple[float, float]) -> Tensor:
        """A Gaussian field of unit variance, correlated over `sigma` pixels (rows, columns): float32 (h, w).

        White noise on a grid of one knot per sigma, interpolated: smooth at any sigma without a wide blur.
        """
        rows, columns = sigma if isinstance(sigma, tuple) else (sigma, sigma)
        knots = (int(shape[0] / max(rows, 1)) + 4, int(shape[1] / max(columns, 1)) + 4)
        coarse = self.normal(1, 1, *knots)
        field = F.interpolate(coarse, size=shape, mode="bicubic", align_corners=True)[0, 0]
        return (field - field.mean()) / field.std().clamp_min(1e-6)


def blur(image: Tensor, sigma: float, sigma_columns: float | None = None) -> Tensor:
    """Separable Gaussian blur of (n, 1, h, w), edges replicated; sigma in pixels (rows, then columns if given)."""
    for axis, width in ((2, sigma), (3, sigma if sigma_columns is None else sigma_columns)):
        if width < 0.1:
            continue
        radius = max(1, math.ceil(3 * width))
        taps = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, device=image.device) / width) ** 2)
        taps = (taps / taps.sum()).view(1, 1, -1, 1) if axis == 2 else (taps / taps.sum()).view(1, 1, 1, -1)
        pad = (0, 0, radius, radius) if axis == 2 else (radius, radius, 0, 0)
        image = F.conv2d(F.pad(image, pad, mode="replicate"), taps)
    return image
