"""The calibration that lies beside a checkpoint's weights."""

from __future__ import annotations

from echogan.model.checkpoints.checkpoint import Checkpoint
from echogan.trust.calibration import Calibration, read_calibration
from echogan.trust.fusion import fusion_sha256


def calibration_of(checkpoint: Checkpoint) -> Calibration | None:
    """The calibration of a checkpoint for the bundled fusion; None where it has none.

    Raises InvalidCheckpoint where it cannot be read, or was made for other weights.
    """
    if checkpoint.folder is None:
        return None
    return read_calibration(checkpoint.folder, checkpoint.sha256, fusion_sha256())
