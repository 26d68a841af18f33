"""Ending a run cleanly: a signal or a stop file lets the current step finish."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any


class StopSignal:
    """While entered, SIGTERM and SIGINT ask for an end; a second one ends at once, as it would without us."""

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
        """Whether somebody asked for an end."""
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
