"""One training run at a time on this machine: a file that names the process which has it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from echogan.core.errors import TrainingError
from echogan.jobs.process import ProcessId, read_process, write_process


def lock_path() -> Path:
    """Where the machine's lock lies: one per user, for another's file could not be replaced."""
    return Path(tempfile.gettempdir()) / f"echogan-training-{os.getuid()}.json"


class MachineLock:
    """Held by a process and not by us, so it outlives the server. A lock whose process has ended is free."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def holder(self) -> str | None:
        """The name of the run that is being trained on this machine; None where there is none."""
        process, facts = read_process(self.path)
        return str(facts.get("run", "run")) if process and process.alive() else None

    def take(self, process: ProcessId, run: str) -> None:
        """Give the lock to that process. Call inside `deciding`."""
        write_process(self.path, process, run=run)

    @contextmanager
    def deciding(self) -> Iterator[None]:
        """Whoever is in here alone decides who trains; the system ends it with our process.

        Raises TrainingError where a run is being trained already, or where the file cannot be written.
        """
        guard = FileLock(self.path.with_suffix(".guard"), thread_local=False, fallback_to_soft=False)
        try:
            held = guard.acquire()
        except OSError as error:
            raise TrainingError(
                f"The lock of this machine cannot be written ({error.strerror}). Mend the permissions of "
                f"{self.path.parent}."
            ) from None
        with held:
            if run := self.holder():
                raise busy(run)
            yield


def busy(run: str) -> TrainingError:
    """The refusal while a run is being trained."""
    return TrainingError(
        f"The run '{run}' is being trained, and this machine trains one at a time. Stop it first, or wait for its end."
    )
