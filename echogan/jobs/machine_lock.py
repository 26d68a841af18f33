"""A lock that allows one training run at a time on this machine: a file that names the process."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EPERM
from pathlib import Path

from filelock import FileLock

from echogan.core.errors import TrainingError
from echogan.jobs.process import ProcessId, read_process, write_process


def lock_path() -> Path:
    """Where the machine's lock lies: one per user, because another user's file cannot be replaced.

    It is in the system's temporary folder also where this process keeps its own temporary files elsewhere.
    """
    return Path(os.environ.get("TMPDIR") or "/tmp", f"echogan-training-{os.getuid()}.json")


class MachineLock:
    """Held by the training process, so it outlives the server. The lock is free once that process has ended."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def holder(self) -> str | None:
        """The name of the run that is being trained on this machine; None if there is none.

        Anybody may have made a file of that name, or a link: only this user's own file counts.
        """
        if not _is_own(self.path):
            return None
        process, facts = read_process(self.path)
        return str(facts.get("run", "run")) if process and process.alive() else None

    def take(self, process: ProcessId, run: str) -> None:
        """Give the lock to that process. Call inside `deciding`."""
        write_process(self.path, process, run=run)

    @contextmanager
    def deciding(self) -> Iterator[None]:
        """Only one process at a time can be in this block and start a run; the system releases it if we are killed.

        Raises TrainingError if a run is being trained already, or if the file cannot be written or is another user's.
        """
        path = self.path.with_suffix(".guard")
        guard = FileLock(path, thread_local=False, fallback_to_soft=False)  # it follows no link
        try:
            if os.path.lexists(path) and not _is_own(path):
                raise PermissionError(EPERM, "it is a link, or belongs to another user")
            held = guard.acquire()
        except OSError as error:
            raise TrainingError(
                f"The lock of this machine cannot be written ({error.strerror}). Correct the permissions of "
                f"{self.path.parent}."
            ) from None
        with held:
            if run := self.holder():
                raise busy(run)
            yield


def _is_own(path: Path) -> bool:
    """Whether a plain file is there, no link, that belongs to this user."""
    try:
        facts = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(facts.st_mode) and facts.st_uid == os.getuid()


def busy(run: str) -> TrainingError:
    """The refusal while a run is being trained."""
    return TrainingError(
        f"The run '{run}' is being trained, and this machine trains one at a time. Stop it first, or wait for its end."
    )
