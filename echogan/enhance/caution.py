"""Caution: a share of a generator's change is withheld where it looks like a structure removed or invented."""

from __future__ import annotations

import cv2
import numpy as np

from echogan.trust.error_finder import ErrorFinder
from echogan.trust.map_styles import unit
from echogan.trust.maps.smoothing import SPECKLE

SUSPECTED = (0.11, 0.18)  # probabilities above which caution begins, and at which it is complete


class Caution:
    """Withholds a share of the change in the frames of one clip, where the fusion suspects an error.

    The fusion alone, without the error head, so that the page without a server can do the same.

    Softly, with nothing sharper than a speckle cell: haze that stays behind a sharp edge would look like a structure.

    share    of the change, from 0 to 1, where an error is suspected
    tissue   bool (h, w): the sector without overlay, in the working space
    """

    def __init__(self, share: float, tissue: np.ndarray):
        self._share, self._find = np.float32(share), ErrorFinder(tissue)
        self._sigma = SPECKLE * tissue.shape[0]
        reach = max(1, round(self._sigma))
        self._around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))

    def __call__(self, x: np.ndarray, g: np.ndarray) -> np.ndarray:
        """g with less of its change from x, float32 (n, h, w) in [-1, 1] as both. Each frame is looked at alone."""
        removed, invented = self._find(unit(x), unit(g))
        withheld = np.stack([self._suspected(frame) for frame in np.maximum(removed, invented)])
        return g + self._share * withheld * (x - g)

    def _suspected(self, probability: np.ndarray) -> np.ndarray:
        """How much caution each pixel asks for, float32 (h, w) in [0, 1]."""
        begins, complete = SUSPECTED
        asked = np.clip((probability - begins) / (complete - begins), 0, 1).astype(np.float32)
        return cv2.GaussianBlur(cv2.dilate(asked, self._around), (0, 0), self._sigma)
