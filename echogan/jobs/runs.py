"""The runs of one folder: start, stop, resume and find them. One trains at a time on this machine."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from echogan.core.errors import SettingsError, TrainingError
from echogan.core.kept_folders import kept_folder
from echogan.core.settings import NAME, check_setting
from echogan.jobs.job import Job
from echogan.jobs.launch import command, spawn
from echogan.jobs.machine_lock import MachineLock, busy, lock_path
from echogan.jobs.process import ProcessId, read_process, write_process
from echogan.jobs.trash import empty_trash
from echogan.training.config import TrainingConfig, from_settings

FOLDER_VARIABLE = "ECHOGAN_RUNS"
STOP_GRACE = 8.0  # seconds until a run that ignores its stop file gets a signal
KILL_GRACE = 60.0  # seconds after that signal
UPLOADS_KEPT = 24 * 3600.0  # seconds


class Runs:
    """Starts runs in `folder` ($ECHOGAN_RUNS, else runs/, in $ECHOGAN_DATA where that is set).

    It finds runs that any process started.
    """

    def __init__(self, folder: Path | None = None, lock: Path | None = None) -> None:
        self._folder, self._lock = folder, lock
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def folder(self) -> Path:
        """Where the run folders are."""
        return self._folder or kept_folder(TrainingConfig.folder, FOLDER_VARIABLE)

    @property
    def lock(self) -> MachineLock:
        """The machine's lock."""
        return MachineLock(self._lock or lock_path())

    def job(self, name: str) -> Job:
        """The run of that name. Raises TrainingError if there is none."""
        job = Job(self.path(name))
        if not job.exists():
            raise TrainingError(f"There is no run called '{name[:80]}'. Choose one from the list.")
        return job

    def path(self, name: str) -> Path:
        """The folder of a name that may be a run's. Raises SettingsError for any other."""
        check_setting(TrainingConfig, "name", name)
        return self.folder / name

    def list(self) -> list[Job]:
        """All runs, the most recently written first."""
        self._reap()
        try:
            jobs = self._folders()
        except OSError:
            return []
        return sorted((job for job in jobs if job.exists()), key=Job.changed, reverse=True)

    def current(self) -> Job | None:
        """The run that is being trained, else the last one, else None.

        What has been in the trash for long, and abandoned uploads, are removed first.
        """
        empty_trash(self.folder)
        with suppress(OSError):
            for job in self._folders():
                forget_uploads(job)
        return self.training() or next(iter(self.list()), None)

    def training(self) -> Job | None:
        """The run of this folder that is being trained, whoever started it; None if there is none."""
        return next((job for job in self.list() if job.process()), None)

    def _folders(self) -> list[Job]:
        """Every folder whose name may be a run's; some hold only uploads. Raises OSError."""
        return [Job(path) for path in self.folder.iterdir() if re.fullmatch(NAME, path.name)]

    def free_name(self, stem: str) -> str:
        """The first of stem-1, stem-2, ... that does not exist yet."""
        number = 1
        while (self.folder / f"{stem}-{number}").exists():
            number += 1
        return f"{stem}-{number}"

    def check_free(self, config: TrainingConfig) -> None:
        """Raise SettingsError and TrainingError unless `start` could begin this run now."""
        config.check()
        job = Job(self.path(config.name))
        if job.exists():
            raise TrainingError(
                f"There is a run called '{config.name}' already. Give this one another name, or resume that one."
            )
        if run := self.lock.holder():
            raise busy(run)
        if job := self.training():
            raise busy(job.name)

    def start(self, config: TrainingConfig) -> Job:
        """Start a new run. Raises SettingsError and TrainingError; then nothing was started."""
        config = replace(config, folder=str(self.folder), resume=False)
        self.check_free(config)
        return self._launch(config)

    def check(self, config: TrainingConfig) -> Job:
        """Start the data check of a run that has not begun; `resume` begins it. Raises as `start`."""
        config = replace(config, folder=str(self.folder), resume=False)
        self.check_free(config)
        return self._launch(config, check=True)

    def resume(self, name: str) -> Job:
        """Resume a run, or begin one whose data were checked, with its settings. Raises TrainingError."""
        job = self.job(name)
        begun = job.config.exists()  # else its clips were being prepared, or its data checked
        try:
            config = from_settings(job.settings())
            config.check()
        except (SettingsError, TypeError, ValueError):
            raise TrainingError(
                f"The settings of '{name}' are not those of this version. Start a new run with them by hand."
            ) from None
        return self._launch(replace(config, name=job.name, folder=str(self.folder), resume=begun))

    def stop(self, name: str, grace: float = STOP_GRACE) -> None:
        """Ask a run to end after its current step: a file first, a signal after `grace` seconds. Returns at once.

        Raises TrainingError if it is not running.
        """
        job = self.job(name)
        process = job.process()
        if process is None:
            raise TrainingError(f"The run '{name}' is not being trained, so there is nothing to stop.")
        _, facts = read_process(job.process_file)
        with suppress(OSError):  # a full disk must not keep a run from being stopped
            write_process(job.process_file, process, **facts | {"stop_asked": True})
        with suppress(OSError):
            job.stop_file.touch()
        threading.Thread(target=insist, args=(process, grace), name="stop-run", daemon=True).start()

    def _launch(self, config: TrainingConfig, check: bool = False) -> Job:
        job = Job(self.path(config.name))
        with self.lock.deciding():
            if running := self.training():  # started from the command line, which takes no lock
                raise busy(running.name)
            child = None
            try:
                job.path.mkdir(parents=True, exist_ok=True)
                # The status of an earlier process of this run must not be read as that of the new one.
                job.stop_file.unlink(missing_ok=True)
                job.status_file.unlink(missing_ok=True)
                child = spawn(command(config, check), job.log)
                process = ProcessId.of(child.pid) or ProcessId(child.pid, time.time())
                facts = {"settings": asdict(config), "check": check, "from_step": job.saved_steps()}
                write_process(job.process_file, process, **facts)
                self.lock.take(process, config.name)
            except OSError as error:
                if child is not None:
                    with suppress(OSError):
                        os.killpg(child.pid, signal.SIGKILL)
                    child.wait()
                    job.process_file.unlink(missing_ok=True)
                raise TrainingError(
                    f"The run '{config.name}' cannot be started ({error.strerror}). Free some space or correct the "
                    "permissions of the runs' folder."
                ) from None
        self._children[config.name] = child
        return job

    def _reap(self) -> None:
        """Collect children that have ended, so that none remains as a zombie."""
        for name, child in list(self._children.items()):  # several threads call this
            if child.poll() is not None:
                self._children.pop(name, None)


def forget_uploads(job: Job) -> None:
    """Remove the clips that were uploaded for a run, because they may identify patients.

    A run removes them itself once it has made its shards. This removes those of runs that never did, after
    UPLOADS_KEPT seconds without a process; until then such a run can be resumed.
    """
    try:
        age = time.time() - job.uploads.stat().st_mtime
    except OSError:
        return
    if age > UPLOADS_KEPT and not job.process():
        shutil.rmtree(job.uploads, ignore_errors=True)


def insist(process: ProcessId, grace: float) -> None:
    """Make sure that a process ends: SIGTERM after `grace` seconds, and at last SIGKILL."""
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, KILL_GRACE)):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not process.alive():
                return
            time.sleep(0.2)
        with suppress(OSError):
            if number == signal.SIGKILL and os.getpgid(process.pid) == process.pid:
                os.killpg(process.pid, number)  # its workers too
            else:
                os.kill(process.pid, number)
