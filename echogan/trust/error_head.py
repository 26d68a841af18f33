"""Error head: a small U-Net that sees a frame and its result, and says where the result is wrong.

The units of the fusion look at one pixel, and at how its change compares with that of its surroundings. The head sees
shapes: a wall that ends, haze that is cleared as a whole. After the conformal failure masks of "Trustworthy Endoscopic
Super-Resolution" (arXiv 2604.18001), whose head reads features inside one frozen generator. This one sees what every
generator has, the input and the result. `eval.hallucination.fit_head` fits it.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from echogan.core.convolution import convolved
from echogan.trust.maps.tone import QUANTILES, quantiles

# It works at half the size of the evidence, as wrong places are smooth, and halves that so often.
LEVELS_DOWN = 4
MULTIPLE = 2 ** (LEVELS_DOWN + 1)  # of which the sides of what it sees are, once padded
MOST = 3.0  # how far it moves a logit, up or down: a change that is strong enough is flagged whatever it says
RANGE = (0.05, 0.95)  # quantiles of the tissue between which a level is from 0 to 1
LEAST_RANGE = 0.05  # in grey range: in a clip that is nearly black everywhere nothing is divided by nothing
LEVELS, CHANGES = (-0.5, 2.0), 4.0  # beyond these a level or a change counts as so much
STRONGER = 4.0  # what a change is multiplied with, so that it is about as large as a level

Weights = Mapping[str, np.ndarray]


def shown(x: np.ndarray, g: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """What the head sees: float32 (3, h, w), level of the input, change, and tissue; zero outside the tissue.

    Both as shares of the range of the tissue's levels, so that a dim clip counts like another. A change that is the
    same everywhere is none.

    x, g     float32 (h, w) in [0, 1]: the input and to_high(x), at the size of the evidence
    tissue   bool (h, w), not empty
    """
    levels, change = x[tissue], (g - x)[tissue]
    low, high = np.interp(RANGE, QUANTILES, quantiles(levels))
    span = np.float32(max(high - low, LEAST_RANGE))
    middle = np.float32(quantiles(change)[len(QUANTILES) // 2])
    seen = np.zeros((3, *tissue.shape), np.float32)
    seen[0, tissue] = np.clip((levels - np.float32(low)) / span, *LEVELS) - np.float32(0.5)
    seen[1, tissue] = np.clip(np.float32(STRONGER) * (change - middle) / span, -CHANGES, CHANGES)
    seen[2] = tissue
    return seen


def head_logits(seen: np.ndarray, weights: Weights) -> np.ndarray:
    """What the head adds to the logits of removed and of invented, float32 (n, 2, h, w) in [-MOST, MOST].

    seen   float32 (n, 3, h, w), of each frame as `shown`
    """
    height, width = seen.shape[2:]
    padded = np.pad(seen, ((0, 0), (0, 0), (0, -height % MULTIPLE), (0, -width % MULTIPLE)))
    found = _resized(forward(_resized(padded, 0.5), weights), 2)[..., :height, :width]
    return np.clip(found, -MOST, MOST)


def forward(seen: np.ndarray, weights: Weights) -> np.ndarray:
    """The network's logits, float32 (n, 2, h, w), of (n, 3, h, w), both sides multiples of MULTIPLE / 2.

    weights   those of 3 x 3 convolutions, `down0a.weight` to `up2b.bias`; of the last layer, which mixes channels; and
              `scale` and `shift`, float32 (3,), of what is seen
    """
    x = seen.swapaxes(0, 1) * weights["scale"][:, None, None, None] + weights["shift"][:, None, None, None]
    levels = []
    for level in range(LEVELS_DOWN):
        x = _pair(x, weights, f"down{level}", 2)
        levels.append(x)
    x = levels.pop()
    for level in range(LEVELS_DOWN - 1):
        x = _pair(np.concatenate([x.repeat(2, 2).repeat(2, 3), levels.pop()]), weights, f"up{level}", 1)
    found = np.tensordot(weights["out.weight"], x, 1) + weights["out.bias"][:, None, None, None]
    return _resized(found.swapaxes(0, 1), 2)


def _resized(images: np.ndarray, factor: float) -> np.ndarray:
    """Images (n, k, h, w) at half the size, the mean of 2 x 2 pixels, or at twice the size."""
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    size = (int(images.shape[3] * factor), int(images.shape[2] * factor))
    return np.stack([[cv2.resize(one, size, interpolation=how) for one in maps] for maps in images])


def _pair(x: np.ndarray, weights: Weights, name: str, stride: int) -> np.ndarray:
    """Two convolutions, each with ReLU; the first with a stride. Images (C, n, h, w)."""
    for half, step in (("a", stride), ("b", 1)):
        kernel, bias = weights[f"{name}{half}.weight"], weights[f"{name}{half}.bias"]
        x = np.maximum(convolved(x, kernel, bias, step), 0)
    return x
