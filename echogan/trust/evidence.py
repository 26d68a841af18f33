"""What the fusion knows of each pixel: the maps that cost no further pass, at half the working size.

Every map here is smooth at the size of a speckle cell, so half the size loses nothing and costs a quarter. A frame's
evidence needs that frame and the two before it; so it does not depend on how a clip is cut into batches.
"""

from __future__ import annotations

import cv2
import numpy as np

from echogan.trust.maps.degradation import explained_degradation
from echogan.trust.maps.flicker import flicker_excess
from echogan.trust.maps.smoothing import smooth
from echogan.trust.maps.tone import QUANTILES, ToneCurve

WIDE = 0.06  # sigma over the frame's height of a structure's surroundings
BEFORE = 2  # earlier frames that the flicker is measured over
EVIDENCE = (
    "tone-matched residual",
    "tone-matched residual, wide",
    "explained-degradation residual",
    "contrast in the input",
    "contrast in the result",
    "cycle error",
    "flicker excess",
    "rank in the input",
    "rank in the result",
)
"""What the last axis holds. Residuals are signed, positive is added; a rank is the share of tissue that is darker."""


class EvidenceStream:
    """Evidence of the frames of a clip as they come.

    tissue   bool (h, w): the sector without overlay, not empty
    """

    def __init__(self, tissue: np.ndarray):
        share = _half(tissue[None].astype(np.float32))
        self._share, self._all = share, tissue
        self.tissue = share[0] >= 0.5
        self._before: np.ndarray | None = None

    def add(self, x: np.ndarray, g: np.ndarray, cycled: np.ndarray) -> np.ndarray:
        """The evidence of the next frames, float32 (n, h // 2, w // 2, 9), zero outside the tissue.

        x, g, cycled   float32 (n, h, w) in [0, 1]: the input, to_high(x) and to_low(g)
        """
        poor, good, back = (self._reduced(frames) for frames in (x, g, cycled))
        parts = [still_evidence(*frame, self.tissue) for frame in zip(poor, good, back, strict=True)]
        found = np.stack(parts)
        found[..., EVIDENCE.index("flicker excess")] = self._flicker(poor, good)
        return found

    def _reduced(self, frames: np.ndarray) -> np.ndarray:
        """At half the size, from tissue alone, zero outside."""
        mean = _half(np.where(self._all, frames, 0).astype(np.float32)) / np.maximum(self._share, 1e-6)
        return np.where(self.tissue, mean, np.float32(0))

    def _flicker(self, poor: np.ndarray, good: np.ndarray) -> np.ndarray:
        pair = np.stack([poor, good])
        clip = pair if self._before is None else np.concatenate([self._before, pair], 1)
        earlier = clip.shape[1] - len(poor)
        self._before = clip[:, -BEFORE:]
        return flicker_excess(clip[0], clip[1], self.tissue, before=BEFORE, after=0)[earlier:]


def still_evidence(x: np.ndarray, g: np.ndarray, cycled: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """EVIDENCE of one frame without the flicker, float32 (h, w, 9); all float32 (h, w) in [0, 1], tissue bool."""
    matched = ToneCurve.fit(x[None], g[None], tissue)(x)
    both = np.stack([matched, g])
    near, far = smooth(both, tissue), smooth(both, tissue, WIDE)
    plain = smooth(np.stack([x, cycled]), tissue)
    maps = (
        near[1] - near[0],
        far[1] - far[0],
        explained_degradation(x[None], g[None], tissue)[0],
        near[0] - far[0],
        near[1] - far[1],
        plain[1] - plain[0],
        np.zeros_like(x),
        _rank(plain[0], tissue),
        _rank(near[1], tissue),
    )
    return np.stack(maps, -1).astype(np.float32)


def _rank(image: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    levels = np.quantile(image[tissue], QUANTILES)
    return np.where(tissue, np.interp(image, levels, QUANTILES), 0)


def _half(frames: np.ndarray) -> np.ndarray:
    height, width = (max(1, side // 2) for side in frames.shape[1:])
    return np.stack([cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) for frame in frames])
