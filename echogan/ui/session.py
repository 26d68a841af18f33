"""Private folders on the server and the files that visitors send: who needs them, and when they are removed."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from gradio.utils import get_upload_folder

from echogan.ui.old_files import remove_old

KEEP_SECONDS = 3600  # how long what a visitor made or sent stays after the last sign of life
KEPT_PER_CLIENT = (
    3  # results of the API: the one being made, and those that a client with several still fetches
)
TAKEN_SECONDS = (
    30  # a file that was taken stays so long where it came in: another visitor may send the same one now
)
HASH = re.compile("[0-9a-f]{40,}")


def app_folder(name: str) -> Path:
    """A folder of the app inside Gradio's own temporary folder, made if absent."""
    folder = Path(get_upload_folder()).resolve() / name
    # Other users of the machine must not read it.
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(exist_ok=True)
    return folder


@dataclass
class ClientTask:
    """A piece of work for a client of the API: the folder it writes to, of a random name, and how it is stopped."""

    folder: Path
    cancel: threading.Event = field(default_factory=threading.Event)  # set when it ends, too


class Sessions:
    """The folders in use, and the uploads. Thread-safe.

    A key is Gradio's session hash, which only that page or client knows. Gradio's own temporary folder is taken to be
    this app's alone; `temporary` is where this process' other temporary files lie, if that is the app's alone, too.
    """

    def __init__(self, keep_seconds: float = KEEP_SECONDS, temporary: Path | None = None):
        self.keep_seconds, self.temporary = keep_seconds, temporary
        self._folders: set[Path] = set()
        self._tasks: dict[str, list[ClientTask]] = {}
        self._uploads: dict[str, Path] = {}
        self._sent: dict[str, set[Path]] = {}
        self._taken: dict[Path, float] = {}
        self._lock = threading.Lock()

    # Folders.

    def make_folder(self) -> Path:
        """A new folder of a random name; it stays until `remove_folder`."""
        folder = app_folder("sessions") / secrets.token_hex(16)
        folder.mkdir()
        with self._lock:
            self._folders.add(folder)
        return folder

    def remove_folder(self, folder: Path) -> None:
        """Remove a folder of `make_folder` with all that is in it."""
        with self._lock:
            self._folders.discard(folder)
        shutil.rmtree(folder, ignore_errors=True)

    # The API's work.

    def begin(self, key: str) -> ClientTask:
        """A new task of this client, who may have several; the oldest results go."""
        self.sweep()
        task = ClientTask(self.make_folder())
        with self._lock:
            tasks = self._tasks.setdefault(key, [])
            old = [before for before in tasks[: -KEPT_PER_CLIENT + 1] if before.cancel.is_set()]
            self._tasks[key] = [*(before for before in tasks if before not in old), task]
        self._remove(old)
        return task

    def drop(self, key: str, task: ClientTask) -> None:
        """Forget a task without a result, and remove its folder."""
        with self._lock:
            if task in (tasks := self._tasks.get(key, [])):
                tasks.remove(task)
        self._remove([task])

    def _remove(self, tasks: list[ClientTask]) -> None:
        for task in tasks:
            self.remove_folder(task.folder)

    # Uploads.

    def take(self, upload: str, target: Path) -> None:
        """Make `target` the file that a visitor sent. It goes from where it came in: its name may be a patient's.

        Raises FileNotFoundError where `upload` is no file that was sent to this server, or is there no more.
        """
        path = _resolved(upload)
        if path is None or not is_upload(path) or not path.is_file():
            raise FileNotFoundError
        try:
            os.link(path, target)
        except FileNotFoundError:
            raise
        except OSError:  # a file system without hard links
            shutil.copyfile(path, target)
        self._mark(path)

    def discard(self, upload: str) -> None:
        """Remove a file that a visitor sent, and that nobody wants; nothing, where it is no such file."""
        path = _resolved(upload)
        if path is not None and is_upload(path):
            self._mark(path)

    def _mark(self, path: Path) -> None:
        """Let `sweep` remove an upload soon."""
        with self._lock:
            self._taken[path] = time.monotonic()

    def hold(self, key: str, upload: str | None) -> None:
        """Keep an upload for this visitor; the one before goes."""
        with self._lock:
            before = self._uploads.pop(key, None)
            if upload is not None:
                self._uploads[key] = Path(upload).resolve()
            self._let_go({before} if before is not None else set())

    def _let_go(self, uploads: set[Path]) -> None:
        """Remove uploads. Visitors who send the same file share Gradio's copy of it, which the last one removes."""
        needed = {*self._uploads.values(), *(path for sent in self._sent.values() for path in sent)}
        for path in uploads - needed:
            if is_upload(path):
                _remove_upload(path)

    @contextmanager
    def using(self, key: str, upload: str) -> Iterator[None]:
        """Keep a clip while it is worked on. It may be waiting to be worked on again: it goes with its client."""
        path, now = Path(upload).resolve(), f"{key}/{secrets.token_hex(8)}"
        with self._lock:
            self._uploads[now] = path
            self._sent.setdefault(key, set()).add(path)
        try:
            yield
        finally:
            with self._lock:
                self._uploads.pop(now, None)
                if key not in self._sent:  # the client has left meanwhile
                    self._let_go({path})

    @property
    def pending(self) -> bool:
        """Whether `sweep` has still to remove files that were taken."""
        with self._lock:
            return bool(self._taken)

    # The end.

    def close(self, key: str) -> None:
        """A page or a client left: stop its work, and remove what it holds and what was made for it."""
        self.hold(key, None)
        with self._lock:
            gone = self._tasks.pop(key, [])
            self._let_go(self._sent.pop(key, set()))
        for task in gone:
            task.cancel.set()
        self._remove(gone)

    def close_all(self) -> None:
        """The app ends: stop all work, and remove every upload and every folder."""
        with self._lock:
            keys = {*self._tasks, *self._uploads, *self._sent}
        for key in keys:
            self.close(key)
        self.sweep(taken_seconds=0)
        for folder in list(self._folders):
            self.remove_folder(folder)

    def sweep(self, taken_seconds: float = TAKEN_SECONDS) -> None:
        """Remove what is older than `keep_seconds` and not in use, whatever its name is: what was sent in a way that
        Gradio refuses, or not to its end, too.
        """
        now = time.monotonic()
        with self._lock:
            gone = {path for path, when in self._taken.items() if now - when >= taken_seconds}
            # Whoever sent the same file again a moment ago has not taken it yet.
            gone = {path for path in gone if time.time() - _changed(path.parent) >= taken_seconds}
            self._taken = {path: when for path, when in self._taken.items() if path not in gone}
            self._let_go(gone)
            ended = {t.folder for tasks in self._tasks.values() for t in tasks if t.cancel.is_set()}
            used = (self._folders - ended) | {upload.parent for upload in self._uploads.values()}
        sessions = app_folder("sessions")
        remove_old(sessions, used, self.keep_seconds)
        remove_old(sessions.parent, {*used, sessions}, self.keep_seconds)
        if self.temporary is not None:
            remove_old(self.temporary, (), self.keep_seconds)
        with self._lock:
            for folder in (
                self._folders - ended
            ):  # another app with this temporary folder sees that they are in use
                with suppress(OSError):
                    os.utime(folder)
            for key, tasks in self._tasks.items():
                self._tasks[key] = [task for task in tasks if task.folder.exists()]
            self._folders = {folder for folder in self._folders if folder.exists()}


def _resolved(path: str) -> Path | None:
    """The path without links; None where the text is no path."""
    try:
        return Path(path).resolve()
    except (OSError, ValueError, RuntimeError):
        return None


def _changed(folder: Path) -> float:
    """When something last came into or left a folder; long ago, where it is gone meanwhile."""
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0


def is_upload(path: Path) -> bool:
    """Whether a visitor sent this file: Gradio puts it into a folder of its own, named by a hash."""
    folder = path.parent
    return folder.parent == Path(get_upload_folder()).resolve() and bool(HASH.fullmatch(folder.name))


def _remove_upload(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
        path.parent.rmdir()
