"""`python -m echogan calibrate CHECKPOINT`: thresholds for what is flagged, written beside the weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from tyro.conf import OmitArgPrefixes, Positional, arg

from echogan.calibration.settings import CalibrationSettings
from echogan.cli.console import progress_bar, stop_on_interrupt


@dataclass
class Calibrate:
    """Find the thresholds from which a pixel of a checkpoint's results is flagged, on simulated clips.

    It takes minutes. The result, trust.json, is written into the checkpoint's folder and belongs to its weights.
    """

    checkpoint: Annotated[
        Positional[str], arg(metavar="CHECKPOINT", help="a bundled checkpoint, or a checkpoint folder")
    ]
    settings: OmitArgPrefixes[CalibrationSettings] = field(default_factory=CalibrationSettings)

    def run(self) -> int:
        """Calibrate, write, and print the thresholds; returns the exit code.

        Raises CheckpointError, SettingsError, OutputError and Cancelled.
        """
        # Imported here, so that the help of the program appears at once.
        from echogan.calibration.calibrate import calibrate
        from echogan.core.errors import OutputError
        from echogan.enhance.enhancer import Enhancer
        from echogan.model.checkpoints.hub import load_checkpoint
        from echogan.trust.calibration import TRUST_FILE, write_calibration

        self.settings.check()
        checkpoint = load_checkpoint(self.checkpoint)
        if checkpoint.folder is None or checkpoint.revision is not None:
            raise OutputError(
                f"{self.checkpoint} is no folder of this machine; copy the checkpoint into one."
            )
        with stop_on_interrupt() as cancel, progress_bar("calibrate") as progress:
            made = calibrate(Enhancer(checkpoint), self.settings, progress, cancel)
        found = made.calibration
        try:
            write_calibration(checkpoint.folder, found, made.reference.arrays())
        except OSError as error:
            raise OutputError(
                f"{TRUST_FILE} cannot be written to {checkpoint.folder} ({error.strerror or error}); free some space "
                "or copy the checkpoint to another folder."
            ) from None
        print(
            f"amber {found.amber:.4f}: misses at most {found.alpha_miss:.0%} of what was erased or invented"
        )
        print(f"red   {found.red:.4f}: flags at most {found.alpha_flag:.0%} of what is faithful")
        print(f"both on average over simulated clips like these {found.clips['faithful']}")
        return 0
