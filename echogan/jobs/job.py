"""The state of one run, read from its folder: status, metrics, previews. Reads only, never writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from echogan.jobs.log_messages import EXCEPTION, preparing, tail, why_it_failed
from echogan.jobs.process import SAME_START, ProcessId, read_process
from echogan.model.checkpoints.checkpoint_files import CONFIG_FILE, WEIGHTS_FILE
from echogan.training.data.shards import INDEX
from echogan.training.old_names import current_names

State = Literal[
    "empty", "checking", "checked", "starting", "running", "stopping", "stopped", "finished", "failed"
]
LIVE = frozenset({"checking", "starting", "running", "stopping"})
RECENT = 5  # ticks whose median speed gives the time left
CHECK_STOPPED = "The data check was stopped."
WARM = 3  # ticks before that speed is taken for that of the rest


@dataclass(frozen=True)
class Status:
    """How far a run is. `seconds_per_step` and `seconds_left` are None while unknown.

    state   "checked": its data were checked, and it has not begun
    """

    state: State
    step: int
    steps: int
    seconds_per_step: float | None = None
    seconds_left: float | None = None
    message: str = ""  # why it ended, or how far its clips are prepared

    @property
    def live(self) -> bool:
        """Whether a process is running."""
        return self.state in LIVE


class Job:
    """The paths of one run, read on demand. Cheap to create; `process.json` names the process that jobs started."""

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, path.name
        self.config, self.metrics = path / "config.json", path / "metrics.jsonl"
        self.status_file, self.stop_file = path / "status.json", path / "stop"
        self.process_file, self.log = path / "process.json", path / "log.txt"
        self.previews, self.uploads = path / "previews", path / ".uploads"
        self.data, self.check, self.sheet = path / "data", path / "check.json", path / "check.png"

    def exists(self) -> bool:
        """Whether there is a run here, or the attempt to start one."""
        return self.config.exists() or self.process_file.exists()

    def settings(self) -> dict[str, Any]:
        """config.json; the requested settings if it is not written yet; empty if there are neither."""
        asked = read_process(self.process_file)[1].get("settings")
        return current_names(_read_json(self.config) or (asked if isinstance(asked, dict) else {}))

    def lines(self) -> tuple[dict[str, Any], ...]:
        """The complete lines of metrics.jsonl."""
        try:
            found = self.metrics.stat()
        except OSError:
            return ()
        return _lines(self.metrics, found.st_mtime_ns, found.st_size)

    def preview_steps(self) -> list[int]:
        """The steps that have a preview, ascending."""
        names = (path.stem.removeprefix("step_") for path in self.previews.glob("step_*.npz"))
        return sorted(int(name) for name in names if name.isdigit())

    def preview(self, step: int) -> Path:
        """Where the preview of a step lies."""
        return self.previews / f"step_{step:06d}.npz"

    def checkpoint(self) -> Path | None:
        """The best checkpoint so far, else the last saved one; None before the first."""
        for folder in (self.path / "checkpoint_best", self.path / "checkpoint"):
            if (folder / CONFIG_FILE).exists() and (folder / WEIGHTS_FILE).exists():
                return folder
        return None

    def log_tail(self, lines: int = 40) -> list[str]:
        """The last lines of log.txt."""
        return tail(self.log, lines)

    def changed(self) -> float:
        """When anything of the run was last written, seconds since 1970."""
        files = (self.process_file, self.config, self.metrics, self.status_file)
        return max((_mtime(path) for path in files), default=0.0)

    def process(self) -> ProcessId | None:
        """The living process of this run, also of one that was started from the command line; else None."""
        process, _ = read_process(self.process_file)
        if process and process.alive():
            return process
        told = _read_json(self.status_file)
        if told.get("state") != "running" or not isinstance(told.get("pid"), int):
            return None
        # A process that began after the run last wrote its status only has the same id by chance.
        process = ProcessId.of(told["pid"])
        if process and process.started <= _mtime(self.status_file) + SAME_START and process.alive():
            return process
        return None

    def status(self) -> Status:
        """The run's status now."""
        told, settings, lines = _read_json(self.status_file), self.settings(), self.lines()
        ticks = [line for line in lines if "seconds_per_step" in line]
        step = int(max(told.get("step") or 0, ticks[-1]["step"] if ticks else 0))
        steps = int(told.get("steps") or settings.get("steps") or 0)
        if self.process():
            speed = _median([tick["seconds_per_step"] for tick in ticks[-RECENT:]])
            left = self._seconds_left(ticks, max(0, steps - step))
            live = self._live_state(step)
            message = preparing(self.log_tail(1)) if live in ("starting", "checking") else ""
            return Status(live, step, steps, speed, left, message)
        state, message = self._ended_state(told, step, steps)
        return Status(state, step, steps, message=message)

    def can_resume(self) -> bool:
        """Whether there is a run to continue. A run that never made its shards needs its clips for that."""
        settings = self.settings()
        given = [side for side in ("low", "high", "semireal") if settings.get(side)]
        there = self.config.exists() or all(
            Path(str(settings[side])).is_dir() or (self.data / side / INDEX).is_file() for side in given
        )
        return bool(settings) and there and self.status().state in ("stopped", "failed", "checked")

    def checked(self) -> dict[str, Any]:
        """The findings of the data check of the last process; empty where that was none, or has not ended."""
        asked = read_process(self.process_file)[1].get("check")
        return _read_json(self.check) if asked and _mtime(self.check) > _mtime(self.process_file) else {}

    def _seconds_left(self, ticks: list[dict[str, Any]], steps: int) -> float | None:
        """Seconds for so many steps; None until the process is warm, and while it trains at half size."""
        begun = read_process(self.process_file)[1].get("from_step") or 0
        quick = max(int(begun), int(self.settings().get("half_size_steps") or 0))
        warm = [tick["seconds_per_step"] for tick in ticks if tick["step"] > quick]
        speed = _median(warm[-RECENT:]) if len(warm) >= WARM else None
        return None if speed is None else steps * speed

    def _live_state(self, step: int) -> State:
        if self.stop_file.exists() or self._asked_to_stop(self.process()):
            return "stopping"
        if read_process(self.process_file)[1].get("check"):
            return "checking"
        fresh = _mtime(self.metrics) > _mtime(self.process_file)
        return "running" if step and fresh else "starting"

    def _asked_to_stop(self, process: ProcessId | None) -> bool:
        """Whether jobs asked this process to stop, and not an earlier process of the same run."""
        asked, facts = read_process(self.process_file)
        return bool(facts.get("stop_asked") and asked and process and asked.pid == process.pid)

    def saved_steps(self) -> int:
        """The step of the last save: all that is known of a run that ended without a message."""
        about = _read_json(self.path / "checkpoint" / CONFIG_FILE).get("training")
        return int(about.get("finished_steps") or 0) if isinstance(about, dict) else 0

    def _ended_state(self, told: dict[str, Any], step: int, steps: int) -> tuple[State, str]:
        """The state of a run without a process: from its own status, else from the files it left."""
        if told.get("state") in ("stopped", "finished", "failed"):
            message = str(told.get("message") or "")
            # For a fault of the program the status has only its kind; the log has more.
            unclear = told["state"] == "failed" and (not message or EXCEPTION.match(message))
            return told["state"], why_it_failed(self.log) if unclear else message
        if steps and self.saved_steps() >= steps:
            return "finished", ""
        process, facts = read_process(self.process_file)
        if self.checked():
            return "checked", ""
        last = ProcessId(int(told["pid"]), 0.0) if isinstance(told.get("pid"), int) else process
        if self._asked_to_stop(last) or any("; --resume goes on" in line for line in self.log_tail(3)):
            return "stopped", CHECK_STOPPED if facts.get("check") else ""
        if process or told.get("state") == "running":
            return "failed", why_it_failed(self.log)
        return ("stopped" if self.config.exists() else "empty"), ""


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@lru_cache(maxsize=8)
def _lines(path: Path, changed: int, size: int) -> tuple[dict[str, Any], ...]:
    found = []
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue  # the last one may be half-written
        if isinstance(line, dict) and isinstance(line.get("step"), int):
            found.append(current_names(line))
    return tuple(found)


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _median(values: list[float]) -> float | None:
    return sorted(values)[len(values) // 2] if values else None
