"""The terms of the training loss, each a differentiable function naming its paper."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def masked_mean(values: Tensor, mask: Tensor | None = None) -> Tensor:
    """The mean of (N, 1, h, w) values, weighted by a mask (N, 1, h, w) in [0, 1] where one is given."""
    if mask is None:
        return values.mean()
    weight = mask.to(values.dtype)
    return (values * weight).sum() / weight.sum().clamp_min(1e-6)


def l1(a: Tensor, b: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean |a - b| of two (N, 1, h, w) images inside the mask."""
    return masked_mean((a - b).abs(), mask)


def cycle_loss(x: Tensor, cycled: Tensor, mask: Tensor | None = None) -> Tensor:
    """Cycle consistency |to_low(to_high(x)) - x| (Zhu et al., ICCV 2017, eq. 2). (N, 1, h, w) in [-1, 1]."""
    return l1(cycled, x, mask)


def identity_loss(x: Tensor, same: Tensor, mask: Tensor | None = None) -> Tensor:
    """|to_high(x) - x| for x that is high already (Taigman et al., ICLR 2017; Zhu et al., section 5.2)."""
    return l1(same, x, mask)


def lsgan_generator(scores_of_fake: Tensor, mask: Tensor | None = None) -> Tensor:
    """Least squares: fakes should score 1 (Mao et al., ICCV 2017, eq. 9).

    Scores (N, 1, a, b); mask (N, 1, h, w).
    """
    return masked_mean((scores_of_fake - 1) ** 2, _per_patch(mask, scores_of_fake))


def lsgan_discriminator(
    scores_of_real: Tensor,
    scores_of_fake: Tensor,
    real_mask: Tensor | None = None,
    fake_mask: Tensor | None = None,
) -> Tensor:
    """Least squares: real should score 1, fake 0, halved (Mao et al., ICCV 2017, eq. 9)."""
    real = masked_mean((scores_of_real - 1) ** 2, _per_patch(real_mask, scores_of_real))
    fake = masked_mean(scores_of_fake**2, _per_patch(fake_mask, scores_of_fake))
    return 0.5 * (real + fake)


def _per_patch(mask: Tensor | None, scores: Tensor) -> Tensor | None:
    """How much of each patch's centre lies inside the sector: an empty corner has no say."""
    if mask is None:
        return None
    return F.adaptive_avg_pool2d(mask.to(scores.dtype), (scores.shape[-2], scores.shape[-1]))
