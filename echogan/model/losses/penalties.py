"""The gradient penalty that keeps a discriminator from growing steep around real frames."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from echogan.model.losses.adversarial_losses import frame_scores
from echogan.model.networks.discriminator_layers import DiscriminatorOutput


def r1_penalty(
    discriminator: Callable[[Tensor], DiscriminatorOutput], real: Tensor, mask: Tensor | None = None
) -> Tensor:
    """Zero-centred R1: half the mean squared gradient of D on real frames (Mescheder et al., ICML 2018, eq. 9).

    |dD/dx|^2 is summed over the pixels inside the mask, the only ones that can change, where D is the frame's
    score: the mean of its scores inside the mask, plus the overall one. `real` and `mask` (N, 1, h, w). In
    float32 whatever surrounds it: the squares of small gradients vanish in bf16. It is dear, so it is taken lazily:
    only every k-th step, and counted k times (StyleGAN2; Karras et al., CVPR 2020, section 3.1).
    """
    with torch.autocast(real.device.type, enabled=False):
        x = real.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(frame_scores(discriminator(x), mask).sum(), x, create_graph=True)
        squared = slope**2 if mask is None else slope**2 * mask
        return 0.5 * squared.sum((1, 2, 3)).mean()
