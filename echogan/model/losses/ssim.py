"""Structural similarity as a differentiable function, inside a mask."""

from __future__ import annotations

import torch
from torch import Tensor

from echogan.model.losses.smoothing import masked_blur

WINDOW_SD = 1.5  # px: a window of 11 x 11
RANGE = 2.0  # of frames in [-1, 1]


def ssim_map(a: Tensor, b: Tensor, mask: Tensor | None = None) -> Tensor:
    """SSIM of each pixel's surroundings, in [-1, 1], of two images in [-1, 1], all (N, 1, h, w).

    Wang et al., IEEE TIP 2004, eq. 13, with their 11 x 11 Gaussian window, K1 = 0.01 and K2 = 0.03. At the rim of
    the mask, and of the image, the window's part inside is taken, so nothing outside has any influence.
    """
    a, b = (x.float() if x.dtype in (torch.float16, torch.bfloat16) else x for x in (a, b))
    weight = torch.ones_like(a) if mask is None else mask
    # Black is 0, as the formula's brightness term wants it. What lies outside may be anything, even infinite: it must
    # not reach the products.
    a, b = (torch.where(weight > 0, x + 1, 0.0) for x in (a, b))
    moments = masked_blur(torch.cat([a, b, a * a, b * b, a * b], 1), weight, WINDOW_SD)
    mean_a, mean_b, square_a, square_b, product = moments.split(1, 1)
    c1, c2 = (0.01 * RANGE) ** 2, (0.03 * RANGE) ** 2
    brightness = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    variances = square_a - mean_a**2 + square_b - mean_b**2
    return brightness * (2 * (product - mean_a * mean_b) + c2) / (variances + c2)
