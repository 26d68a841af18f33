"""A process by its id and start time, so that a reused id is not mistaken for it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from echogan.core.atomic import replacing

SAME_START = 2.0  # seconds: the clock may be set between two looks


@dataclass(frozen=True)
class ProcessId:
    """Identifies one process of this machine for ever. `started` is in seconds since 1970."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> ProcessId | None:
        """The process that has this id now; None if there is none."""
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except (psutil.Error, ValueError, OverflowError):
            return None

    def alive(self) -> bool:
        """Whether it still runs; a zombie, which has ended and waits for its parent, does not."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < SAME_START
            return same and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, ValueError, OverflowError):
            return False


def read_process(path: Path) -> tuple[ProcessId | None, dict[str, Any]]:
    """What `write_process` wrote; (None, {}) if the file is missing or damaged."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return ProcessId(int(facts.pop("pid")), float(facts.pop("started"))), facts
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None, {}


def write_process(path: Path, process: ProcessId, **facts: Any) -> None:
    """Write the process and JSON facts about it, whole or not at all. Raises OSError."""
    with replacing(path) as part:
        part.write_text(json.dumps(asdict(process) | facts) + "\n", encoding="utf-8")
