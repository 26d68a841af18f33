"""What a generator removed or invented in the frames of one clip: their evidence, through the fusion."""

from __future__ import annotations

import numpy as np

from echogan.trust.evidence import EVIDENCE, Evidence
from echogan.trust.fusion import bundled_fusion, full_size

Probabilities = tuple[np.ndarray, np.ndarray]
"""Of removed and of invented, float32 (n, h, w) in [0, 1] each, zero outside the tissue."""


class ErrorFinder:
    """Finds in the frames of one clip what a generator removed or invented.

    tissue   bool (h, w): the sector without overlay, in the working space
    """

    def __init__(self, tissue: np.ndarray):
        self._tissue, self._evidence = tissue, Evidence(tissue)
        # Of a pixel without evidence, as all are outside the tissue: computed once.
        self._outside = bundled_fusion()(np.zeros(len(EVIDENCE), np.float32))

    def __call__(self, x: np.ndarray, g: np.ndarray) -> Probabilities:
        """What was removed or invented in frames; each is looked at on its own.

        x, g   float32 (n, h, w) in [0, 1]: the input and to_high(x)
        """
        evidence, inside = self._evidence(x, g), self._evidence.tissue
        found = []
        for of_nothing, of_tissue in zip(self._outside, bundled_fusion()(evidence[:, inside]), strict=True):
            probability = np.full(evidence.shape[:3], of_nothing)
            probability[:, inside] = of_tissue
            found.append(full_size(probability, self._tissue))
        removed, invented = found
        return removed, invented
