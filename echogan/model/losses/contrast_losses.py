"""The terms that keep structures of pairs: the contrast of lesions whose place is known, and spots of their size.

Images are (N, 1, h, w) in [-1, 1]; masks (N, 1, h, w) are 1 inside the sector and 0 outside.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.model.losses.losses import frame_means
from echogan.model.losses.paired_losses import mean_of_paired
from echogan.model.losses.smoothing import masked_blur

LESION, SURROUNDINGS = 1, 2
"""The values of a map of lesions; 0 is elsewhere."""
LEAST_PIXELS = 20  # of lesion and of surroundings that a frame needs
APPLIED = 1.25
"""The term of lesions looks at a change applied so many times, because full strength may apply more than once it."""
SPOT_SDS = ((1 / 128, 3 / 128), (2 / 128, 6 / 128))
"""Inner and outer sd of the differences of Gaussians, of the frame's longer side: spots of about 3 to 15 mm."""


def lesion_loss(x: Tensor, target: Tensor, translated: Tensor, lesions: Tensor) -> Tensor:
    """How much less a lesion stands out in the result than it does in both x and its target, mean over the frames.

    Nor may it stand out the other way than in the target. lesions (N, 1, h, w) holds LESION, SURROUNDINGS or 0; a
    frame without both counts 0.
    """
    before, wanted, after = (contrasts(image, lesions) for image in (x, target, translated))
    shown = before + APPLIED * (after - before)
    sign = wanted.sign()
    least = torch.minimum(sign * before, sign * wanted).clamp_min(0)
    return F.relu(least - sign * shown).mean()


def contrasts(image: Tensor, lesions: Tensor) -> Tensor:
    """Mean of the lesion less that of its surroundings, (N,); 0 where either is missing."""
    inside, around = (lesions == LESION).float(), (lesions == SURROUNDINGS).float()
    seen = torch.minimum(inside.sum((1, 2, 3)), around.sum((1, 2, 3))) >= LEAST_PIXELS
    return (frame_means(image, inside) - frame_means(image, around)) * seen


def between_loss(
    x: Tensor, target: Tensor, translated: Tensor, mask: Tensor, paired: Tensor | None = None
) -> Tensor:
    """How far the spots of the result lie outside of what is between x and the target, at the sizes of SPOT_SDS.

    What both show must stay, and what neither shows must not come. In between, as haze goes, nothing is asked.
    paired (N,) is 1 where a frame has a target, 0 where not, None where all have.
    """
    x, target, translated = (F.avg_pool2d(image, 2) for image in (x, target, translated))
    mask = -F.max_pool2d(-mask, 2)
    side = max(x.shape[-2:])
    values = []
    for inner, outer in SPOT_SDS:
        before, wanted, after = (
            masked_blur(image, mask, inner * side) - masked_blur(image, mask, outer * side)
            for image in (x, target, translated)
        )
        low, high = torch.minimum(before, wanted), torch.maximum(before, wanted)
        values.append(frame_means(F.relu(low - after) + F.relu(after - high), mask))
    return mean_of_paired(torch.stack(values).mean(0), paired)
