"""CutMix for the U-Net discriminator: a real frame with a box of a fake one, or the other way round."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from echogan.model.losses.adversarial_losses import seems_fake, seems_real
from echogan.model.losses.loss_weights import AdversarialKind
from echogan.model.losses.losses import frame_means, masked_mean
from echogan.model.networks.discriminator_layers import DiscriminatorOutput

LARGEST_CHANCE = 0.5
SEEN = 0.01  # share of the sector under which a make goes unnoticed


@dataclass(frozen=True)
class Mixed:
    """Real and fake frames in one: frames in [-1, 1], their sectors, and where they are real; (N, 1, h, w)."""

    frames: Tensor
    mask: Tensor
    real: Tensor

    def of_two_makes(self) -> Tensor:
        """1 for each frame that holds some of both makes inside its sector, else 0: (N, 1, 1, 1)."""
        share = frame_means(self.real, self.mask)
        return ((share > SEEN) & (share < 1 - SEEN)).float()[:, None, None, None]


def chance(step: int, warmup: int) -> float:
    """How often CutMix is drawn: rising linearly from 0 to 1/2 (Schönfeld et al., CVPR 2020, section 3.2).

    Early fakes are told from real frames by anything, and a box of them teaches nothing.
    """
    return LARGEST_CHANCE * min(1.0, step / warmup)


def draws(step: int, warmup: int) -> torch.Generator | None:
    """The generator of this step's boxes, or None where the step has no CutMix.

    It follows from the step alone: a resumed run repeats it, and all processes agree.
    """
    generator = torch.Generator().manual_seed(step)
    return generator if float(torch.rand((), generator=generator)) < chance(step, warmup) else None


def real_regions(count: int, height: int, width: int, generator: torch.Generator) -> Tensor:
    """Where each mixed frame is real: float (count, 1, height, width) of 0 and 1.

    A box anywhere in the frame, its share of the area uniform in (0, 1), with the frame's proportions (Yun et
    al., CutMix, ICCV 2019, section 3.2); by a fair coin the box is real, or all but the box.
    """
    regions = torch.zeros(count, 1, height, width)
    for region in regions:
        share, y, x, coin = torch.rand(4, generator=generator).tolist()
        tall, wide = (round(math.sqrt(share) * side) for side in (height, width))
        top, left = round(y * (height - tall)), round(x * (width - wide))
        region[:, top : top + tall, left : left + wide] = 1
        if coin < 0.5:
            region.copy_(1 - region)
    return regions


def cutmix(
    real: Tensor, fake: Tensor, real_mask: Tensor, fake_mask: Tensor, generator: torch.Generator
) -> Mixed:
    """Mix frames one by one; what is inside the sector is told by the side each pixel comes from."""
    count, _, height, width = real.shape
    region = real_regions(count, height, width, generator).to(real.device)
    frames, mask = torch.where(region > 0.5, real, fake), torch.where(region > 0.5, real_mask, fake_mask)
    return Mixed(frames, mask, region)


def cutmix_loss(
    kind: AdversarialKind,
    mixed: Mixed,
    of_mixed: DiscriminatorOutput,
    of_real: DiscriminatorOutput,
    of_fake: DiscriminatorOutput,
) -> Tensor:
    """What the mixed frames teach: their pixels' truth, that as a whole they are fake, and consistency.

    Schönfeld et al., CVPR 2020, section 3.2. A frame of two makes is fake: else the generator could learn to
    paste. One whose box lies outside the sector is of one make, and says nothing overall.
    """
    local = 0.5 * (
        seems_real(kind, of_mixed.scores, mixed.mask * mixed.real)
        + seems_fake(kind, of_mixed.scores, mixed.mask * (1 - mixed.real))
    )
    consistent = consistency_loss(mixed, of_mixed.scores, of_real.scores, of_fake.scores)
    if of_mixed.overall is None:
        return local + consistent
    overall = seems_fake(kind, of_mixed.overall[..., None, None], mixed.of_two_makes())
    return 0.5 * (local + 0.5 * overall) + consistent


def consistency_loss(mixed: Mixed, of_mixed: Tensor, of_real: Tensor, of_fake: Tensor) -> Tensor:
    """Squared difference of D(mix(real, fake)) and mix(D(real), D(fake)) in the sector, all (N, 1, h, w).

    Schönfeld et al., CVPR 2020, section 3.2: the output on a pixel should not hang on what is beside it.
    """
    expected = torch.where(mixed.real > 0.5, of_real, of_fake)
    return masked_mean((of_mixed - expected) ** 2, mixed.mask)
