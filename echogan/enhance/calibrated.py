"""The calibration that lies beside a checkpoint's weights, and what it finds in a clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from echogan.enhance.chunk import Chunk, PreparedClip
from echogan.enhance.enhancer import Enhancer
from echogan.model.checkpoints.checkpoint import Checkpoint
from echogan.trust.calibration import Calibration, read_calibration, read_reference
from echogan.trust.card.reference import Reference
from echogan.trust.error_finder import ErrorFinder, Probabilities
from echogan.trust.fusion import bundled_head, fusion_sha256
from echogan.trust.map_styles import unit


@dataclass(frozen=True)
class Calibrated:
    """The calibration of a checkpoint, and the reference that the trust card compares a clip with."""

    calibration: Calibration
    reference: Reference


class Flagger(ErrorFinder):
    """An ErrorFinder with the thresholds of the checkpoint's calibration: amber <= red, in [0, 1]."""

    def __init__(self, calibration: Calibration, tissue: np.ndarray):
        super().__init__(tissue, head=bundled_head())
        self.amber, self.red = calibration.amber, calibration.red


def calibration_of(checkpoint: Checkpoint) -> Calibrated | None:
    """The calibration of a checkpoint for the bundled fusion; None where it has none.

    Raises InvalidCheckpoint where it cannot be read, or was made for other weights.
    """
    folder = checkpoint.folder
    if folder is None:
        return None
    config = checkpoint.config
    found = read_calibration(folder, checkpoint.sha256, fusion_sha256(), config.applied)
    if found is None:
        return None
    return Calibrated(found, Reference.from_arrays(read_reference(folder, found)))


def found_in(chunk: Chunk, flagger: Flagger | None) -> Probabilities | None:
    """What a flagger finds in a chunk of its clip; None without one."""
    return None if flagger is None else flagger(unit(chunk.x), unit(chunk.g))


def flagger_for(enhancer: Enhancer, prepared: PreparedClip) -> Flagger | None:
    """The flagger of a clip's results; None where the checkpoint has no calibration. Raises InvalidCheckpoint."""
    found = calibration_of(enhancer.checkpoint)
    return None if found is None else Flagger(found.calibration, prepared.space.tissue)
