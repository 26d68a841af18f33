"""Deleted runs: they stay in a folder of their own for some days, from which they can be taken back."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

from echogan.core.errors import TrainingError
from echogan.jobs.job import Job

TRASH = ".trash"  # no run's name begins with a dot
KEPT_DAYS = 7
DAY = 24 * 3600.0


def discard(job: Job) -> Path:
    """Move a run's folder to the trash; where it is then. Clips that were uploaded for it are removed at once.

    Raises TrainingError where the run is being trained, or where its folder cannot be moved.
    """
    if job.process():
        raise TrainingError(f"The run '{job.name}' is being trained. Stop it first.")
    place = job.path.parent / TRASH / f"{job.name}.{time.time_ns()}"
    try:
        shutil.rmtree(job.uploads, ignore_errors=True)  # they may identify patients
        place.parent.mkdir(exist_ok=True)
        os.replace(job.path, place)
    except OSError as error:
        raise TrainingError(
            f"The run '{job.name}' cannot be moved to the trash ({error.strerror}). Correct the permissions of the "
            "runs' folder."
        ) from None
    return place


def restore(folder: Path, entry: str) -> Job:
    """Take a run back into `folder`; `entry` is the name of its place in the trash. Raises TrainingError."""
    name, _, when = entry.rpartition(".")
    place, job = folder / TRASH / entry, Job(folder / name)
    if not when.isdigit() or os.sep in entry or not place.is_dir():
        raise TrainingError("This run is not in the trash any more.")
    if job.path.exists():
        raise TrainingError(f"There is another run called '{name}' by now. Delete that one first.")
    try:
        os.replace(place, job.path)
    except OSError as error:
        raise TrainingError(f"The run '{name}' cannot be taken back ({error.strerror}).") from None
    return job


def empty_trash(folder: Path, days: float = KEPT_DAYS) -> None:
    """Remove the runs that have been in the trash of `folder` for so many days."""
    with suppress(OSError):
        for place in (folder / TRASH).iterdir():
            when = place.name.rpartition(".")[2]
            if when.isdigit() and time.time() - int(when) / 1e9 > days * DAY:
                shutil.rmtree(place, ignore_errors=True)
