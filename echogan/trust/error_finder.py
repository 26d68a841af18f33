"""What a generator removed or invented in the frames of one clip: their evidence, through fusion and error head."""

from __future__ import annotations

import numpy as np

from echogan.trust.error_head import head_logits, shown
from echogan.trust.evidence import EVIDENCE, Evidence
from echogan.trust.fusion import Fusion, bundled_fusion, bundled_head, full_size, probabilities

ODDS = np.float32(np.exp(1))

Probabilities = tuple[np.ndarray, np.ndarray]
"""Of removed and of invented, float32 (n, h, w) in [0, 1] each, zero outside the tissue."""


class ErrorFinder:
    """Finds in the frames of one clip what a generator removed or invented.

    tissue   bool (h, w): the sector without overlay, in the working space
    fusion   the bundled one where not given
    head     weights of an error head, as `head_logits` takes them; without one the fusion decides alone
    """

    def __init__(
        self, tissue: np.ndarray, fusion: Fusion | None = None, head: dict[str, np.ndarray] | None = None
    ):
        self._tissue, self._evidence = tissue, Evidence(tissue)
        self._fusion, self._head = bundled_fusion() if fusion is None else fusion, head
        # Of a pixel without evidence, as all are outside the tissue: computed once.
        self._outside = self._fusion(np.zeros(len(EVIDENCE), np.float32))

    def __call__(self, x: np.ndarray, g: np.ndarray) -> Probabilities:
        """What was removed or invented in frames; each is looked at on its own.

        x, g   float32 (n, h, w) in [0, 1]: the input and to_high(x)
        """
        inside = self._evidence.tissue
        pairs = [
            (self._evidence.reduced(one), self._evidence.reduced(other))
            for one, other in zip(x, g, strict=True)
        ]
        logits = np.tile(self._outside[:, None, None], (len(pairs), 1, *inside.shape))
        for one, pair in zip(logits, pairs, strict=True):
            one[:, inside] = self._fusion(self._evidence.of_reduced(*pair)[inside]).T
        if self._head is not None:
            logits += head_logits(np.stack([shown(*pair, inside) for pair in pairs]), self._head) * inside
        removed, invented = (full_size(one, self._tissue) for one in probabilities(logits).swapaxes(0, 1))
        return (removed, invented) if self._head is None else (raised(removed), raised(invented))


def raised(probability: np.ndarray) -> np.ndarray:
    """Probabilities, float32, with their odds ODDS times as high.

    With a head, known errors are found at so low probabilities that a calibration's thresholds would lie within the
    first of the 127 steps that a map has for a probability. A calibration does not note ODDS: it may change only
    together with the weights of the fusion.
    """
    return probability * ODDS / (1 + probability * (ODDS - 1))


def bundled_finder(tissue: np.ndarray) -> ErrorFinder:
    """The finder that comes with the program, with its error head."""
    return ErrorFinder(tissue, head=bundled_head())
