"""The calibration that lies beside a checkpoint's weights, and what it finds in a clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from echogan.enhance.chunk import Chunk, PreparedClip
from echogan.enhance.enhancer import Enhancer
from echogan.model.checkpoints.checkpoint import Checkpoint
from echogan.trust.calibration import Calibration, read_calibration, read_reference
from echogan.trust.card.reference import Reference
from echogan.trust.evidence import EVIDENCE, Evidence
from echogan.trust.fusion import bundled_fusion, full_size, fusion_sha256
from echogan.trust.map_styles import unit

Probabilities = tuple[np.ndarray, np.ndarray]
"""Of removed and of invented, float32 (n, h, w) in [0, 1] each, zero outside the tissue."""


@dataclass(frozen=True)
class Calibrated:
    """The calibration of a checkpoint, and the reference that the trust card compares a clip with."""

    calibration: Calibration
    reference: Reference


class Flagger:
    """Finds in the frames of one clip what a generator removed or invented.

    tissue       bool (h, w): the sector without overlay, in the working space
    amber, red   thresholds in [0, 1] from the checkpoint's calibration, amber <= red
    """

    def __init__(self, calibration: Calibration, tissue: np.ndarray):
        self.amber, self.red = calibration.amber, calibration.red
        self._tissue, self._evidence = tissue, Evidence(tissue)
        self._outside = bundled_fusion()(
            np.zeros(len(EVIDENCE), np.float32)
        )  # most of a frame: computed once

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


def calibration_of(checkpoint: Checkpoint) -> Calibrated | None:
    """The calibration of a checkpoint for the bundled fusion; None where it has none.

    Raises InvalidCheckpoint where it cannot be read, or was made for other weights.
    """
    folder = checkpoint.folder
    found = None if folder is None else read_calibration(folder, checkpoint.sha256, fusion_sha256())
    if folder is None or found is None:
        return None
    return Calibrated(found, Reference.from_arrays(read_reference(folder, found)))


def found_in(chunk: Chunk, flagger: Flagger | None) -> Probabilities | None:
    """What a flagger finds in a chunk of its clip; None without one."""
    return None if flagger is None else flagger(unit(chunk.x), unit(chunk.g))


def flagger_for(enhancer: Enhancer, prepared: PreparedClip) -> Flagger | None:
    """The flagger of a clip's results; None where the checkpoint has no calibration. Raises InvalidCheckpoint."""
    found = calibration_of(enhancer.checkpoint)
    return None if found is None else Flagger(found.calibration, prepared.space.tissue)
