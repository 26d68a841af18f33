"""End a run cleanly: after a signal or a stop file the current step still finishes."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any


class StopSignal:
    """A context manager in which SIGTERM and SIGINT request a stop; a second signal ends the process at once."""

    def __init__(self, stop_file: Path) -> None:
        self.stop_file, self.reason = stop_file, ""
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopSignal:
        self.stop_file.unlink(missing_ok=True)
        if threading.current_thread() is threading.main_thread():  # only there may handlers be set
            self._before = {n: signal.signal(n, self._asked) for n in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *error: object) -> None:
        self._give_back()

    @property
    def wanted(self) -> bool:
        """Whether a stop was requested."""
        if not self.reason and self.stop_file.exists():
            self.reason = f"the file {self.stop_file.name}"
        return bool(self.reason)

    def _asked(self, number: int, frame: FrameType | None) -> None:
        self.reason = signal.Signals(number).name
        self._give_back()

    def _give_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
