"""The terms of the training loss, each a differentiable function naming its paper.

Images are (N, 1, h, w) in [-1, 1]; masks (N, 1, h, w) are 1 inside the sector
and 0 outside, where nothing is learnt from. More terms: anatomy_losses.py, cutmix.py and penalties.py.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.model.losses.loss_weights import AdversarialKind
from echogan.model.losses.smoothing import masked_blur
from echogan.model.losses.ssim import ssim_map
from echogan.model.networks.discriminator_layers import DiscriminatorOutput

# The share of the input's change that an output may have: a little under 1, as clips never seen get more.
CALM = 0.9
STILL = 1e-3  # mean change, in [-1, 1], under which two frames are the same one
THRESHOLD: dict[AdversarialKind, float] = {"lsgan": 0.5, "hinge": 0.0}  # scores above it mean "real"
LOW_PASS = 1 / 24  # sd of the illumination's average, of the frame's longer side: 11 px of 256


def masked_mean(values: Tensor, mask: Tensor | None = None) -> Tensor:
    """The mean of (N, 1, h, w) values, weighted by a mask (N, 1, h, w) in [0, 1] where one is given.

    Of each frame first, then over the frames: so that the mean over the parts of a batch, as several processes
    take it, is that of the whole batch, whatever the areas of its sectors. A frame with nothing inside counts as 0.
    """
    if mask is None:
        return values.mean()
    return frame_means(values, mask).mean()


def frame_means(values: Tensor, mask: Tensor) -> Tensor:
    """The mean of each frame of (N, 1, h, w) values, weighted by a mask (N, 1, h, w) in [0, 1]; (N,)."""
    weight = mask.to(values.dtype)
    return (values * weight).sum((1, 2, 3)) / weight.sum((1, 2, 3)).clamp_min(1e-6)


def l1(a: Tensor, b: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean |a - b| of two (N, 1, h, w) images inside the mask."""
    return masked_mean((a - b).abs(), mask)


def cycle_loss(x: Tensor, cycled: Tensor, mask: Tensor | None = None) -> Tensor:
    """Cycle consistency |to_low(to_high(x)) - x| (Zhu et al., ICCV 2017, eq. 2). (N, 1, h, w) in [-1, 1]."""
    return l1(cycled, x, mask)


def identity_loss(x: Tensor, same: Tensor, mask: Tensor | None = None) -> Tensor:
    """|to_high(x) - x| for x that is high already (Taigman et al., ICLR 2017; Zhu et al., section 5.2)."""
    return l1(same, x, mask)


def structure_loss(x: Tensor, translated: Tensor, mask: Tensor | None = None) -> Tensor:
    """1 - SSIM(x, G(x)) (Wang et al., IEEE TIP 13(4), 2004), in [0, 2].

    After the structure loss of StillGAN (Ma et al., IEEE TMI 2021, section III), which takes the structure factor of
    SSIM alone; here changes of brightness and contrast cost too, though less than a wall that has moved. Too much
    of it gives a generator that does nothing.
    """
    return 1 - masked_mean(ssim_map(x, translated, mask), mask)


def illumination_loss(x: Tensor, translated: Tensor, mask: Tensor | None = None) -> Tensor:
    """|low-pass(G(x)) - low-pass(x)|: the brightness of each region stays; its texture is free.

    After StillGAN's illumination regularisation (Ma et al., IEEE TMI 2021, section III), which draws the mean of
    each tile towards the mean of the image. That suits a retina lit unevenly; in a fan it would grey the cavities,
    darken the walls and brighten the black corners. So here a region keeps the brightness it has in x, and the
    low-pass is a Gaussian over the sector alone: the black outside does not leak in.
    """
    weight = torch.ones_like(x) if mask is None else mask
    change = masked_blur(translated - x, weight, LOW_PASS * max(x.shape[-2:]))
    return masked_mean(change.abs(), mask)


def temporal_loss(
    x: Tensor, translated: Tensor, x_next: Tensor, translated_next: Tensor, mask: Tensor | None = None
) -> Tensor:
    """|r' - r| of the residuals r = G(x) - x of adjacent frames: the translation adds no flicker of its own.

    Blind video consistency (Lai et al., ECCV 2018, section 3) without optical flow, which is unreliable on poor
    frames. r' - r is the change of G(x) beyond that of x: motion that the output shows exactly as the input does
    costs nothing. It is a plain L1: an allowance of |x' - x| per pixel would hide a brightness that pumps, since
    speckle changes that much everywhere. The price is that noise, which changes too, is a little dearer to remove.
    """
    return l1(translated_next - x_next, translated - x, mask)


def flicker_loss(
    x: Tensor, translated: Tensor, x_next: Tensor, translated_next: Tensor, mask: Tensor | None = None
) -> Tensor:
    """How far |G(x') - G(x)| exceeds CALM |x' - x| of adjacent frames, as a share of |x' - x|; 0 where it does not.

    The means over each frame are compared, not the pixels: walls may gain contrast, moving ones too, as long as the
    speckle is calmed in return. After the warping error of Lai et al. (ECCV 2018, section 5), without their optical
    flow. A frame without a neighbour (a still) costs nothing.
    """
    weight = torch.ones_like(x) if mask is None else mask
    before, after = (
        frame_means((b - a).abs(), weight) for a, b in ((x, x_next), (translated, translated_next))
    )
    return ((before > STILL) * F.relu(after / before.clamp_min(STILL) - CALM)).mean()


def paired_loss(
    x: Tensor,
    target: Tensor,
    translated: Tensor,
    mask: Tensor,
    paired: Tensor | None = None,
    removal: float = 1.0,
) -> Tensor:
    """|to_high(x) - target| of the frames that have a target (Isola et al., CVPR 2017, eq. 3).

    x, target, translated (N, 1, h, w); paired (N,) is 1 where a frame has a target, 0 where not, None where all have.
    A result darker than both its target and x has removed too much, which counts `removal` times: so that of what
    the frame leaves open not the median is shown but an upper quantile, as far as x itself (pinball loss; Koenker and
    Bassett, Econometrica 46, 1978). Haze is left in doubt rather than a wall taken away, and nothing is lit for it.
    """
    removed = translated < torch.minimum(x, target)
    cost = (translated - target).abs() * torch.where(removed, removal, 1.0)
    return _of_paired(frame_means(cost, mask), paired)


def paired_structure_loss(
    target: Tensor, translated: Tensor, mask: Tensor, paired: Tensor | None = None
) -> Tensor:
    """1 - SSIM(target, to_high(x)) (Wang et al., IEEE TIP 13(4), 2004) of the frames that have a target."""
    return _of_paired(frame_means(1 - ssim_map(target, translated, mask), mask), paired)


def _of_paired(values: Tensor, paired: Tensor | None) -> Tensor:
    """The sum over the paired frames by the number of all (N,): the parts of a batch average to the whole."""
    return values.mean() if paired is None else (values * paired).mean()


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
