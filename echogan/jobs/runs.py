"""The runs of one folder: start, stop, resume and find them. One trains at a time on this machine."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import psutil

from echogan.core.errors import SettingsError, TrainingError
from echogan.core.settings import NAME, check_setting, flatten_settings
from echogan.jobs.job import Job
from echogan.jobs.log_messages import BEGINS
from echogan.jobs.machine_lock import MachineLock, busy, lock_path
from echogan.jobs.process import ProcessId, read_process, write_process
from echogan.training.config import TrainingConfig, from_settings

FOLDER_VARIABLE = "ECHOGAN_RUNS"
ROOT = Path(__file__).resolve().parents[2]
STOP_GRACE = 8.0  # seconds a run has to see its stop file, before a signal reminds it
KILL_GRACE = 60.0  # seconds after the signal
UPLOADS_KEPT = 24 * 3600.0  # seconds


class Runs:
    """Starts runs in `folder` ($ECHOGAN_RUNS, else runs/) and finds them again, whoever started them."""

    def __init__(self, folder: Path | None = None, lock: Path | None = None) -> None:
        self._folder, self._lock = folder, lock
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def folder(self) -> Path:
        """Where the run folders are."""
        return self._folder or Path(os.environ.get(FOLDER_VARIABLE) or TrainingConfig.folder)

    @property
    def lock(self) -> MachineLock:
        """The machine's lock."""
        return MachineLock(self._lock or lock_path())

    def job(self, name: str) -> Job:
        """The run of that name. Raises TrainingError where there is none."""
        job = Job(self.path(name))
        if not job.exists():
            raise TrainingError(f"There is no run called '{name[:80]}'. Choose one from the list.")
        return job

    def path(self, name: str) -> Path:
        """The folder of a name that may be a run's. Raises SettingsError for any other."""
        check_setting(TrainingConfig, "name", name)
        return self.folder / name

    def list(self) -> list[Job]:
        """All runs, the one last written to first."""
        self._reap()
        try:
            jobs = self._folders()
        except OSError:
            return []
        return sorted((job for job in jobs if job.exists()), key=Job.changed, reverse=True)

    def current(self) -> Job | None:
        """The run that is being trained, else the last one, else None. Uploads that nobody came back for go first."""
        with suppress(OSError):
            for job in self._folders():
                forget_uploads(job)
        return self.training() or next(iter(self.list()), None)

    def training(self) -> Job | None:
        """The run of this folder that is being trained, by whomever it was started; None where there is none."""
        return next((job for job in self.list() if job.process()), None)

    def _folders(self) -> list[Job]:
        """Every folder whose name may be a run's; some hold but what was sent. Raises OSError."""
        return [Job(path) for path in self.folder.iterdir() if re.fullmatch(NAME, path.name)]

    def free_name(self, stem: str) -> str:
        """The first of stem-1, stem-2, ... that is no run yet."""
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
        """Begin a new run. Raises SettingsError and TrainingError; nothing has begun then."""
        config = replace(config, folder=str(self.folder), resume=False)
        self.check_free(config)
        return self._launch(config)

    def resume(self, name: str) -> Job:
        """Go on with a run, with the settings it was started with. Raises TrainingError."""
        job = self.job(name)
        begun = job.config.exists()  # else it was stopped while its clips were being prepared
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

        Raises TrainingError where it does not run.
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

    def _launch(self, config: TrainingConfig) -> Job:
        job = Job(self.path(config.name))
        with self.lock.deciding():
            if running := self.training():  # started from the command line, which asks for no lock
                raise busy(running.name)
            child = None
            try:
                job.path.mkdir(parents=True, exist_ok=True)
                # What an earlier process of this run left must not speak for the new one.
                job.stop_file.unlink(missing_ok=True)
                job.status_file.unlink(missing_ok=True)
                child = spawn(config, job.log)
                process = ProcessId.of(child.pid) or ProcessId(child.pid, time.time())
                write_process(job.process_file, process, settings=asdict(config))
                self.lock.take(process, config.name)
            except OSError as error:
                if child is not None:
                    with suppress(OSError):
                        os.killpg(child.pid, signal.SIGKILL)
                    child.wait()
                    job.process_file.unlink(missing_ok=True)
                raise TrainingError(
                    f"The run '{config.name}' cannot be started ({error.strerror}). Free some space or mend the "
                    "permissions of the runs' folder."
                ) from None
        self._children[config.name] = child
        return job

    def _reap(self) -> None:
        """Take leave of children that have ended, so that none stays behind as a zombie."""
        for name, child in list(self._children.items()):  # visitors come in several threads
            if child.poll() is not None:
                self._children.pop(name, None)


def forget_uploads(job: Job) -> None:
    """Remove the clips that were sent for a run, for they may tell who the patients are.

    A run removes them itself once it has made its shards; here go those of runs that never came so far: after
    UPLOADS_KEPT seconds without a process, within which such a run can still be resumed.
    """
    try:
        age = time.time() - job.uploads.stat().st_mtime
    except OSError:
        return
    if age > UPLOADS_KEPT and not job.process():
        shutil.rmtree(job.uploads, ignore_errors=True)


def spawn(config: TrainingConfig, log: Path) -> subprocess.Popen[bytes]:
    """The training process, in a session of its own: it outlives this one. Raises OSError."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
    with log.open("ab") as out:
        out.write(f"{BEGINS}{time.strftime('%Y-%m-%d %H:%M:%S')}\n".encode())
        out.flush()
        child = subprocess.Popen(
            command(config),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    with suppress(psutil.Error, OSError):
        psutil.Process(child.pid).nice(5)  # the page's own work goes first
    return child


def command(config: TrainingConfig) -> list[str]:
    """How to train with these settings. Clips of the user's are curated first, which the bare trainer cannot."""
    module = ["echogan", "train"] if config.low or config.high or config.semireal else ["echogan.training"]
    return [sys.executable, "-m", *module, *flags(config)]


def flags(config: TrainingConfig) -> list[str]:
    """The command line of these settings: a flag per setting that is not as it comes."""
    usual = {name: value for name, value, _ in flatten_settings(TrainingConfig())}
    given: list[str] = []
    for name, value, _ in flatten_settings(config):
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            given += [f"--{'' if value else 'no-'}{flag}"] if value != usual[name] else []
        elif value != usual[name]:
            given += [f"--{flag}", str(value)]
    return given


def insist(process: ProcessId, grace: float) -> None:
    """See that a process ends: a signal after `grace` seconds, and in the end the signal that cannot be caught."""
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
