"""The terms between a frame and its translation, each a differentiable function naming its paper.

Images are (N, 1, h, w) in [-1, 1]; masks (N, 1, h, w) are 1 inside the sector and 0 outside, where nothing is learnt
from. More terms: adversarial_losses.py, paired_losses.py, anatomy_losses.py, cutmix.py and penalties.py.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.model.losses.smoothing import masked_blur
from echogan.model.losses.ssim import ssim_map

# The share of the input's change that an output may have: a little under 1, as clips never seen get more.
CALM = 0.9
STILL = 1e-3  # mean change, in [-1, 1], under which two frames are the same one
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
