"""A run's network as a zip file: weights, settings of the networks, model card, calibration, and the curves."""

from __future__ import annotations

import os
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

from echogan.core.atomic import replacing
from echogan.core.errors import OutputError, TrainingError
from echogan.jobs.job import Job
from echogan.model.checkpoints.checkpoint import read_checkpoint
from echogan.model.checkpoints.checkpoint_files import (
    CALIBRATION_FILES,
    CARD_FILE,
    CONFIG_FILE,
    LICENSE_FILE,
    WEIGHTS_FILE,
)
from echogan.model.checkpoints.model_card import model_card

FILES = (CONFIG_FILE, WEIGHTS_FILE, CARD_FILE, LICENSE_FILE, *CALIBRATION_FILES)


def pack_run(job: Job, folder: Path) -> Path:
    """Write NAME.zip into `folder`: a checkpoint's folder NAME, and metrics.jsonl in it. No clip and no shard is in it.

    Where the checkpoint has no model card, one is made. Raises TrainingError before the run's first save,
    CheckpointError where it cannot be loaded, and OutputError.
    """
    source = job.checkpoint()
    if source is None:
        raise TrainingError("This run has not saved a network yet. Wait for its first save.")
    checkpoint, target = read_checkpoint(source), folder / f"{job.name}.zip"
    files = {name: source / name for name in FILES} | {job.metrics.name: job.metrics}
    try:
        with replacing(target) as part, ZipFile(part, "w", ZIP_STORED) as packed:
            for name, path in files.items():
                if path.is_file():
                    packed.write(path, f"{job.name}/{name}")
            if not files[CARD_FILE].is_file():
                card = model_card(checkpoint, job.name, checkpoint.config.license)
                packed.writestr(f"{job.name}/{CARD_FILE}", card)
    except OSError as error:
        raise OutputError(f"{target.name} could not be written ({os.strerror(error.errno or 0)}).") from error
    return target
