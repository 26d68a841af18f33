"""One visitor's work: a private folder for its results, a stop signal, and the thread that does the job."""

from __future__ import annotations

import queue
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

KEEP_SECONDS = 3600  # how long a result stays, when its visitor does not leave or start another
KEPT_PER_VISITOR = 2  # the result on the page, and the one being made
HASH = re.compile("[0-9a-f]{40,}")

Progress = Callable[[int, int], None]


def app_folder(name: str) -> Path:
    """A folder of the app inside Gradio's own temporary folder, made if absent."""
    folder = Path(get_upload_folder()).resolve() / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@dataclass
class Run:
    """One piece of work: where it writes (a random name tells nothing) and how it is stopped."""

    folder: Path
    cancel: threading.Event = field(default_factory=threading.Event)
    began: float = field(default_factory=time.time)


class Sessions:
    """All visitors' runs. Thread-safe; the key is Gradio's session hash, which only that visitor knows."""

    def __init__(self, keep_seconds: float = KEEP_SECONDS):
        self.keep_seconds = keep_seconds
        self._runs: dict[str, list[Run]] = {}
        self._uploads: dict[str, Path] = {}
        self._lock = threading.Lock()

    def begin(self, key: str) -> Run:
        """A new run of this visitor; its earlier work is stopped, and old results go."""
        self.stop(key)
        self.sweep()
        run = Run(app_folder("sessions") / secrets.token_hex(16))
        run.folder.mkdir()
        with self._lock:
            runs = self._runs.setdefault(key, [])
            runs.append(run)
            old, self._runs[key] = runs[:-KEPT_PER_VISITOR], runs[-KEPT_PER_VISITOR:]
        _remove(old)
        return run

    def stop(self, key: str) -> None:
        """Ask this visitor's work to stop; it does so before its next batch."""
        with self._lock:
            for run in self._runs.get(key, ()):
                run.cancel.set()

    def drop(self, key: str, run: Run) -> None:
        """Forget a run that came to nothing."""
        with self._lock:
            if run in (runs := self._runs.get(key, [])):
                runs.remove(run)
        _remove([run])

    def hold(self, key: str, upload: str | None) -> None:
        """This visitor's clip is now `upload`. The one before goes: its very name may be a patient's."""
        with self._lock:
            before = self._uploads.pop(key, None)
            if upload is not None:
                self._uploads[key] = Path(upload).resolve()
            # Two visitors who send the same file share Gradio's copy of it.
            if before is not None and before not in self._uploads.values() and _is_upload(before):
                _remove_upload(before)

    def close(self, key: str) -> None:
        """The visitor left: stop the work and remove the clip and the results."""
        self.stop(key)
        self.hold(key, None)
        with self._lock:
            gone = self._runs.pop(key, [])
        _remove(gone)

    def sweep(self) -> None:
        """Remove what is older than `keep_seconds`, also what an earlier start of the app left behind."""
        oldest = time.time() - self.keep_seconds
        with self._lock:
            for key in list(self._runs):
                self._runs[key] = [r for r in self._runs[key] if r.began >= oldest or not r.cancel.is_set()]
        held = {run.folder for runs in self._runs.values() for run in runs if run.began >= oldest}
        for folder in app_folder("sessions").iterdir():
            if folder not in held and folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)


def _is_upload(path: Path) -> bool:
    """Whether a visitor sent this file: Gradio puts it into a folder of its own, named by a hash."""
    folder = path.parent
    return folder.parent == Path(get_upload_folder()).resolve() and bool(HASH.fullmatch(folder.name))


def _remove_upload(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
        path.parent.rmdir()


def _remove(runs: list[Run]) -> None:
    for run in runs:
        shutil.rmtree(run.folder, ignore_errors=True)


@dataclass(frozen=True)
class Done:
    """The last thing that `in_thread` yields."""

    result: Any


def in_thread(
    work: Callable[[Progress, threading.Event], Any], cancel: threading.Event
) -> Iterator[tuple[int, int] | Done]:
    """Run `work(progress, cancel)` beside the caller: yields (done, total) as it comes, then Done(result).

    What `work` raises is raised here. Closing the iterator (the visitor left, or pressed Stop) sets `cancel` and
    waits for the thread, so that the next visitor finds the device free.
    """
    messages: queue.SimpleQueue[tuple[int, int] | Done | BaseException] = queue.SimpleQueue()

    def body() -> None:
        try:
            messages.put(Done(work(lambda done, total: messages.put((done, total)), cancel)))
        except BaseException as error:
            messages.put(error)

    thread = threading.Thread(target=body, name="enhance", daemon=True)
    thread.start()
    try:
        while True:
            message = messages.get()
            if isinstance(message, BaseException):
                raise message
            yield message
            if isinstance(message, Done):
                return
    finally:
        cancel.set()
        thread.join()
