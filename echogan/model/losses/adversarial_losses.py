"""The adversarial terms, least squares or hinge: what generators and discriminators learn from each other's outputs.

Scores are (N, 1, a, b), one per patch or pixel, high for "real"; masks (N, 1, h, w) are 1 inside the sector.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.model.losses.loss_weights import AdversarialKind
from echogan.model.losses.losses import frame_means, masked_mean
from echogan.model.networks.discriminator_layers import DiscriminatorOutput

THRESHOLD: dict[AdversarialKind, float] = {"lsgan": 0.5, "hinge": 0.0}  # scores above it mean "real"


def seems_real(kind: AdversarialKind, scores: Tensor, mask: Tensor | None = None) -> Tensor:
    """How far scores (N, 1, a, b) or (N, 1) are from "real", as a discriminator learns it.

    lsgan: (s - 1)^2 (Mao et al., ICCV 2017, eq. 9); hinge: max(0, 1 - s) (Miyato et al., ICLR 2018, eq. 16).
    """
    return masked_mean((scores - 1) ** 2 if kind == "lsgan" else F.relu(1 - scores), _per_patch(mask, scores))


def seems_fake(kind: AdversarialKind, scores: Tensor, mask: Tensor | None = None) -> Tensor:
    """How far scores are from "fake": lsgan s^2, hinge max(0, 1 + s). See `seems_real`."""
    return masked_mean(scores**2 if kind == "lsgan" else F.relu(1 + scores), _per_patch(mask, scores))


def lsgan_generator(scores_of_fake: Tensor, mask: Tensor | None = None) -> Tensor:
    """Least squares: fakes should score 1 (Mao et al., ICCV 2017, eq. 9).

    Scores (N, 1, a, b); mask (N, 1, h, w).
    """
    return seems_real("lsgan", scores_of_fake, mask)


def hinge_generator(scores_of_fake: Tensor, mask: Tensor | None = None) -> Tensor:
    """Hinge: minus the mean score, without bound (Lim & Ye, 2017; Miyato et al., ICLR 2018, eq. 17)."""
    return -masked_mean(scores_of_fake, _per_patch(mask, scores_of_fake))


def lsgan_discriminator(
    scores_of_real: Tensor,
    scores_of_fake: Tensor,
    real_mask: Tensor | None = None,
    fake_mask: Tensor | None = None,
) -> Tensor:
    """Least squares: real should score 1, fake 0, halved (Mao et al., ICCV 2017, eq. 9)."""
    return _halved("lsgan", scores_of_real, scores_of_fake, real_mask, fake_mask)


def hinge_discriminator(
    scores_of_real: Tensor,
    scores_of_fake: Tensor,
    real_mask: Tensor | None = None,
    fake_mask: Tensor | None = None,
) -> Tensor:
    """Hinge: real above 1, fake below -1 (Miyato et al., ICLR 2018, eq. 16), halved as least squares is."""
    return _halved("hinge", scores_of_real, scores_of_fake, real_mask, fake_mask)


def adversarial_generator(
    kind: AdversarialKind, fake: DiscriminatorOutput, mask: Tensor | None = None
) -> Tensor:
    """What fakes cost their generator: lsgan or hinge.

    Where there is an overall output, the mean of the local and the overall loss (Schönfeld et al., CVPR 2020,
    eq. 5, add them): so a weight means the same for every discriminator.
    """
    loss = lsgan_generator if kind == "lsgan" else hinge_generator
    local = loss(fake.scores, mask)
    return local if fake.overall is None else 0.5 * (local + loss(fake.overall))


def adversarial_discriminator(
    kind: AdversarialKind,
    real: DiscriminatorOutput,
    fake: DiscriminatorOutput,
    real_mask: Tensor | None = None,
    fake_mask: Tensor | None = None,
) -> Tensor:
    """What a discriminator learns from: lsgan or hinge; local and overall as in `adversarial_generator`."""
    local = _halved(kind, real.scores, fake.scores, real_mask, fake_mask)
    if real.overall is None or fake.overall is None:
        return local
    return 0.5 * (local + _halved(kind, real.overall, fake.overall, None, None))


def frame_scores(output: DiscriminatorOutput, mask: Tensor | None = None) -> Tensor:
    """A score per frame, (N,): the mean of its scores inside the mask, plus the overall one where there is one."""
    local = _local(output, mask)
    return local if output.overall is None else local + output.overall[:, 0]


def share_right(
    kind: AdversarialKind,
    real: DiscriminatorOutput,
    fake: DiscriminatorOutput,
    real_mask: Tensor | None = None,
    fake_mask: Tensor | None = None,
) -> Tensor:
    """The share of frames on the right side of the threshold: by the overall output, else by the scores inside."""
    sides = ((real, real_mask), (fake, fake_mask))
    of_real, of_fake = (
        _local(output, mask) if output.overall is None else output.overall[:, 0] for output, mask in sides
    )
    return torch.cat([of_real > THRESHOLD[kind], of_fake < THRESHOLD[kind]]).float().mean()


def _local(output: DiscriminatorOutput, mask: Tensor | None) -> Tensor:
    """The mean of each frame's scores inside the mask, (N,)."""
    weight = _per_patch(mask, output.scores)
    return frame_means(output.scores, torch.ones_like(output.scores) if weight is None else weight)


def _halved(
    kind: AdversarialKind, real: Tensor, fake: Tensor, real_mask: Tensor | None, fake_mask: Tensor | None
) -> Tensor:
    """Halved as in CycleGAN, to slow the discriminator relative to the generator (Zhu et al., section 4)."""
    return 0.5 * (seems_real(kind, real, real_mask) + seems_fake(kind, fake, fake_mask))


def _per_patch(mask: Tensor | None, scores: Tensor) -> Tensor | None:
    """How much of each patch's centre lies inside the sector: an empty corner has no say.

    A PatchGAN's patches are centred on the cells of its stride, but for those at the edges, which have none.
    """
    if mask is None or mask.shape[-2:] == scores.shape[-2:]:
        return mask
    stride = mask.shape[-1] // (scores.shape[-1] + 2)
    return F.avg_pool2d(mask.to(scores.dtype), stride)[..., 1:-1, 1:-1]
