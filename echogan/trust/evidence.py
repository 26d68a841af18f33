"""What the fusion knows of each pixel: maps of one frame and its result, at half the working size.

Every map here is smooth at the size of a speckle cell, so half the size loses nothing and costs a quarter. Nothing here
needs a further pass of a network: not the way back either, which may restore what the result has lost.
"""

from __future__ import annotations

import cv2
import numpy as np

from echogan.trust.maps.smoothing import SPECKLE, Smoother
from echogan.trust.maps.tone import QUANTILES, ToneCurve, quantiles

WIDE, FAR = (
    0.06,
    0.12,
)  # sigmas over the frame's height: of a structure's surroundings, and of what haze covers
RANGE = (
    0.05,
    0.95,
)  # quantiles of the tissue that a residual is a share of, so that a dim clip counts like another
LEAST_RANGE = 0.05  # in grey range: in a clip that is nearly black everywhere nothing is divided by nothing
EVIDENCE = (
    "residual",
    "residual, of the tissue's range",
    "residual, wide",
    "residual, wide, of the tissue's range",
    "residual, far, of the tissue's range",
    "contrast in the input, of the tissue's range",
    "rank in the input",
    "rank in the result",
)
"""What the last axis holds. Residuals are tone-matched and signed, positive is added; a rank is the share of tissue
that is darker."""


class Evidence:
    """The evidence of frames of one clip; each frame's depends on that frame alone.

    tissue   bool (h, w): the sector without overlay, not empty
    """

    def __init__(self, tissue: np.ndarray):
        self._all, self._share = tissue, _half(tissue.astype(np.float32))
        self.tissue = self._share >= 0.5
        self._near, self._wide, self._far = (Smoother(self.tissue, s) for s in (SPECKLE, WIDE, FAR))

    def __call__(self, x: np.ndarray, g: np.ndarray) -> np.ndarray:
        """The evidence of frames, float32 (n, h // 2, w // 2, 8), zero outside the tissue.

        x, g   float32 (n, h, w) in [0, 1]: the input and to_high(x)
        """
        return np.stack([self.of_reduced(*map(self.reduced, pair)) for pair in zip(x, g, strict=True)])

    def reduced(self, frame: np.ndarray) -> np.ndarray:
        """A frame float32 (h, w) at half the size, from tissue alone, zero outside."""
        inside = np.where(self._all, frame, 0).astype(np.float32, copy=False)
        mean = _half(inside) / np.maximum(self._share, 1e-6)
        return np.where(self.tissue, mean, np.float32(0))

    def of_reduced(self, x: np.ndarray, g: np.ndarray) -> np.ndarray:
        """The evidence of one reduced frame and its reduced result, float32 (h // 2, w // 2, 8)."""
        matched = np.zeros_like(x)
        matched[self.tissue] = ToneCurve.fit(x[None], g[None], self.tissue)(x[self.tissue])
        change = g - matched
        near, wide, far = self._near(change), self._wide(change), self._far(change)
        before = self._near(matched)
        contrast, after = before - self._wide(matched), before + near
        ranks, span = [], LEAST_RANGE
        for level in (before, after):
            rank, span = self._rank(level)
            ranks.append(rank)
        maps = (near, near / span, wide, wide / span, far / span, contrast / span, *ranks)
        return np.stack(maps, -1)

    def _rank(self, level: np.ndarray) -> tuple[np.ndarray, float]:
        """The rank of each pixel's level (h, w) among the tissue, and the range of the levels."""
        inside = level[self.tissue]
        levels = quantiles(inside)
        low, high = np.interp(RANGE, QUANTILES, levels)
        rank = np.zeros(level.shape, np.float32)
        rank[self.tissue] = np.interp(inside, levels, QUANTILES)
        return rank, max(float(high - low), LEAST_RANGE)


def _half(frame: np.ndarray) -> np.ndarray:
    height, width = (max(1, side // 2) for side in frame.shape)
    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
