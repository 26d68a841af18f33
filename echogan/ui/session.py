"""One visitor's work: a private folder for its results, a stop signal, and the thread that does the job."""

from __future__ import annotations

import queue
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

from echogan.ui.enhance.open_clips import OpenClips

KEEP_SECONDS = 3600  # how long a result stays, when its visitor does not leave or start another
KEPT_PER_VISITOR = 3  # the one being made, that on the page, and one that a client with several still fetches
HASH = re.compile("[0-9a-f]{40,}")

Progress = Callable[[int, int], None]


def app_folder(name: str) -> Path:
    """A folder of the app inside Gradio's own temporary folder, made if absent."""
    folder = Path(get_upload_folder()).resolve() / name
    # Other users of the machine must not read it.
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(exist_ok=True)
    return folder


@dataclass
class VisitorTask:
    """A piece of work for a visitor: the folder it writes to, of a random name, and how it is stopped."""

    folder: Path
    cancel: threading.Event = field(default_factory=threading.Event)  # set when it ends, too
    stopped: bool = (
        False  # by the visitor, or by what the visitor did next: its result is not wanted any more
    )
    finished: bool = False  # its result is on the page


class Sessions:
    """All visitors' tasks, uploads and open clips (`clips`). Thread-safe.

    The key is Gradio's session hash, which only that visitor knows.
    """

    def __init__(self, keep_seconds: float = KEEP_SECONDS):
        self.keep_seconds = keep_seconds
        self.clips = OpenClips()
        self._tasks: dict[str, list[VisitorTask]] = {}
        self._uploads: dict[str, Path] = {}
        self._sent: dict[str, set[Path]] = {}
        self._asked: dict[str, str] = {}
        self._lock = threading.Lock()

    def begin(self, key: str) -> VisitorTask:
        """A new task of this visitor; its earlier work is stopped, and old results go."""
        self.stop(key)
        self.sweep()
        task = VisitorTask(app_folder("sessions") / secrets.token_hex(16))
        task.folder.mkdir()
        with self._lock:
            tasks = self._tasks.setdefault(key, [])
            tasks.append(task)
            old, self._tasks[key] = tasks[:-KEPT_PER_VISITOR], tasks[-KEPT_PER_VISITOR:]
        _remove(old)
        return task

    def stop(self, key: str) -> None:
        """Ask this visitor's work to stop, which it does before its next batch; what waits will not begin."""
        with self._lock:
            self._asked.pop(key, None)
            for task in self._tasks.get(key, ()):
                task.stopped = True
                task.cancel.set()

    def ask(self, key: str) -> str:
        """A ticket for this visitor, who waits for the machine; an earlier one is void."""
        ticket = secrets.token_hex(8)
        with self._lock:
            self._asked[key] = ticket
        return ticket

    def take(self, key: str, ticket: str | None) -> bool:
        """The machine is free for this ticket: whether the visitor still wants it."""
        with self._lock:
            if ticket is None or self._asked.get(key) != ticket:
                return False
            del self._asked[key]
            return True

    def has_result(self, key: str) -> bool:
        """Whether this visitor's page shows a result."""
        with self._lock:
            tasks = self._tasks.get(key)
            return bool(tasks and tasks[-1].finished)

    def drop(self, key: str, task: VisitorTask) -> None:
        """Forget a task without a result, and remove its folder."""
        with self._lock:
            if task in (tasks := self._tasks.get(key, [])):
                tasks.remove(task)
        _remove([task])

    def hold(self, key: str, upload: str | None) -> None:
        """This visitor's clip is now `upload`. The one before goes: its very name may be a patient's."""
        self.clips.close(key)
        with self._lock:
            before = self._uploads.pop(key, None)
            if upload is not None:
                self._uploads[key] = Path(upload).resolve()
            self._let_go({before} if before is not None else set())

    def _let_go(self, uploads: set[Path]) -> None:
        """Remove clips. Visitors who send the same file share Gradio's copy of it, which the last one removes."""
        needed = {*self._uploads.values(), *(path for sent in self._sent.values() for path in sent)}
        for path in uploads - needed:
            if _is_upload(path):
                _remove_upload(path)

    @contextmanager
    def using(self, key: str, upload: str) -> Iterator[None]:
        """Keep a clip while it is worked on. It may be waiting to be worked on again: it goes with its visitor."""
        path, now = Path(upload).resolve(), f"{key}/{secrets.token_hex(8)}"
        with self._lock:
            self._uploads[now] = path
            self._sent.setdefault(key, set()).add(path)
        try:
            yield
        finally:
            with self._lock:
                self._uploads.pop(now, None)
                if key not in self._sent:  # the visitor has left meanwhile
                    self._let_go({path})

    def close_all(self) -> None:
        """The app ends: stop all work, and remove the clips and the results of every visitor."""
        with self._lock:
            keys = {*self._tasks, *self._uploads, *self._sent}
        for key in keys:
            self.close(key)

    def close(self, key: str) -> None:
        """The visitor left: stop the work and remove the clip and the results."""
        self.stop(key)
        self.hold(key, None)
        with self._lock:
            gone = self._tasks.pop(key, [])
            self._let_go(self._sent.pop(key, set()))
        _remove(gone)

    def sweep(self) -> None:
        """Remove what is older than `keep_seconds` and not in use, also what an earlier start of the app left."""
        self.clips.sweep(self.keep_seconds)
        oldest = time.time() - self.keep_seconds
        with self._lock:
            # A task's signal is set when it ends, too.
            used = {
                task.folder for tasks in self._tasks.values() for task in tasks if not task.cancel.is_set()
            }
            used |= {upload.parent for upload in self._uploads.values()}
        sessions = app_folder("sessions")
        uploads = [folder for folder in sessions.parent.iterdir() if HASH.fullmatch(folder.name)]
        for folder in (*sessions.iterdir(), *uploads):
            if folder not in used and _changed(folder) < oldest:
                shutil.rmtree(folder, ignore_errors=True)
        with self._lock:
            for key, tasks in self._tasks.items():
                self._tasks[key] = [task for task in tasks if task.folder.exists()]


def _changed(folder: Path) -> float:
    """When something last came into or left a folder; never, where it is gone meanwhile."""
    try:
        return folder.stat().st_mtime
    except OSError:
        return float("inf")


def _is_upload(path: Path) -> bool:
    """Whether a visitor sent this file: Gradio puts it into a folder of its own, named by a hash."""
    folder = path.parent
    return folder.parent == Path(get_upload_folder()).resolve() and bool(HASH.fullmatch(folder.name))


def _remove_upload(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
        path.parent.rmdir()


def _remove(tasks: list[VisitorTask]) -> None:
    for task in tasks:
        shutil.rmtree(task.folder, ignore_errors=True)


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
