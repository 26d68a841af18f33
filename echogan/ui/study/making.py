"""A study in the making: its stimuli are written behind the page, one study at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from echogan.core.errors import Cancelled, StudyError
from echogan.study.creation import create_study
from echogan.study.protocol import Protocol
from echogan.ui.error_words import log_place, sentence

OWNER = "owner"
"""The actor of whatever is done on the page, in the log of a study: the server has no accounts."""


@dataclass
class _Work:
    name: str
    cancel: threading.Event
    done: int = 0
    total: int = 0
    ended: bool = False
    message: str = ""
    error: str = ""


class Making:
    """Starts, watches and stops the making of a study. Thread-safe."""

    def __init__(self, make: Callable[..., object] = create_study) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._work: _Work | None = None
        self._thread: threading.Thread | None = None

    def start(self, place: Path, folder: Path, protocol: Protocol, model: str) -> None:
        """Begin. Raises StudyError while another study is being made."""
        with self._lock:
            if self._work is not None and not self._work.ended:
                raise StudyError("Another study is being made: wait for it, or stop it.")
            work = self._work = _Work(folder.name, threading.Event())
            arguments = (work, place, folder, protocol, model)
            self._thread = threading.Thread(target=self._run, args=arguments, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask the one that is being made to stop; nothing of it stays."""
        with self._lock:
            if self._work is not None:
                self._work.cancel.set()

    def wait(self) -> None:
        """Until it has ended; for tests, and for whoever ends the app."""
        if self._thread is not None:
            self._thread.join()

    def status(self) -> dict[str, object] | None:
        """name, done and total clips, ended, and then a message or an error; None before the first."""
        with self._lock:
            work = self._work
            if work is None:
                return None
            facts: dict[str, object] = {
                "name": work.name,
                "done": work.done,
                "total": work.total,
                "ended": work.ended,
            }
            return facts | {"message": work.message, "error": work.error}

    def _run(self, work: _Work, place: Path, folder: Path, protocol: Protocol, model: str) -> None:
        def progress(done: int, total: int) -> None:
            work.done, work.total = done, total

        try:
            made = self._make(
                place, folder, protocol, model, actor=OWNER, progress=progress, cancel=work.cancel
            )
            work.message = f"{made}."
        except Cancelled:
            work.message = "Stopped. Nothing was kept."
        except Exception as error:  # the page says it; a thread has nobody to raise to
            if not isinstance(error, StudyError):
                log_place(error)
            work.error = sentence(error)
        finally:
            work.ended = True
