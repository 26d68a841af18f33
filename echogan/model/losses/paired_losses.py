"""The terms of pairs: how far a translated frame is from the target that is known of it.

Images are (N, 1, h, w) in [-1, 1]; masks (N, 1, h, w) are 1 inside the sector and 0 outside.
"""

from __future__ import annotations

import torch
from torch import Tensor

from echogan.model.losses.losses import frame_means
from echogan.model.losses.ssim import ssim_map


def paired_loss(
    x: Tensor,
    target: Tensor,
    translated: Tensor,
    mask: Tensor,
    paired: Tensor | None = None,
    removal: float = 1.0,
    addition: float = 1.0,
) -> Tensor:
    """|to_high(x) - target| of the frames that have a target (Isola et al., CVPR 2017, eq. 3).

    x, target, translated (N, 1, h, w); paired (N,) is 1 where a frame has a target, 0 where not, None where all have.
    A result darker than both its target and x has removed too much, which counts `removal` times: so that of what
    the frame leaves open not the median is shown but an upper quantile, as far as x itself (pinball loss; Koenker and
    Bassett, Econometrica 46, 1978). Haze is left in doubt rather than a wall taken away, and nothing is lit for it.
    A result brighter than both has added too much, which counts `addition` times: in doubt nothing is lit.
    """
    removed, added = translated < torch.minimum(x, target), translated > torch.maximum(x, target)
    times = 1 + (removal - 1) * removed + (addition - 1) * added
    cost = (translated - target).abs() * times
    return mean_of_paired(frame_means(cost, mask), paired)


def paired_structure_loss(
    target: Tensor, translated: Tensor, mask: Tensor, paired: Tensor | None = None
) -> Tensor:
    """1 - SSIM(target, to_high(x)) (Wang et al., IEEE TIP 13(4), 2004) of the frames that have a target."""
    return mean_of_paired(frame_means(1 - ssim_map(target, translated, mask), mask), paired)


def mean_of_paired(values: Tensor, paired: Tensor | None) -> Tensor:
    """The sum over the paired frames by the number of all (N,): the parts of a batch average to the whole."""
    return values.mean() if paired is None else (values * paired).mean()
