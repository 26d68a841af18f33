"""A queue on disk: objects that were received, results that wait to be delivered. It outlives the process."""

from __future__ import annotations

import os
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from echogan.core.atomic import output_errors, remove_unfinished
from echogan.core.errors import OutputError

LOCK = ".lock"
DONE = "done.txt"
ABANDONED_SECONDS = 300.0  # without a byte: the library ends an association that is silent for 60 s


class QueueFull(Exception):
    """As many objects wait as may."""


class StoreQueue:
    """The queue in a folder that only this user can read, for it holds whatever patients' objects were sent.

    incoming   files that are being received
    received   NUMBER.dcm, whole, to be enhanced in the order of the numbers
    results    NUMBER.dcm, enhanced, to be delivered
    refused    NUMBER.dcm, results that the receiver did not take
    done.txt   a line for each object that was enhanced, a hash in which nobody finds a UID again
    most       how many may wait, received and results together

    A context manager, inside which no other listener has the folder. Thread-safe. Raises OutputError.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self._most = folder, most
        parts = ("incoming", "received", "results", "refused")
        self.incoming, self.received, self.results, self.refused = (folder / part for part in parts)
        self._done: set[str] = set()
        self._lock = threading.Lock()
        self._owned = FileLock(folder / LOCK, thread_local=False)

    def __enter__(self) -> Self:
        with output_errors(self.folder):
            for folder in (self.folder, self.incoming, self.received, self.results, self.refused):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.folder.chmod(0o700)
            try:
                self._owned.acquire(blocking=False)
            except Timeout:
                raise OutputError(
                    f"Another listener uses the queue {self.folder}: give another folder."
                ) from None
            shutil.rmtree(self.incoming)
            self.incoming.mkdir(mode=0o700)
            remove_unfinished(self.received, self.results)
            for done in self._numbers(self.results):  # a kill came between the two
                self._received(done).unlink(missing_ok=True)
            with (self.folder / DONE).open("a+") as file:
                file.write("\n")  # a power cut may have come in the middle of a line
                file.seek(0)
                self._done = set(file.read().split())
        return self

    def __exit__(self, *_: object) -> None:
        self._owned.release()

    def put(self, path: Path) -> int:
        """Take over a whole file of `incoming`, on the disk when this returns; its number.

        Raises QueueFull, and OSError where the disk is full.
        """
        with path.open("rb") as file:
            os.fsync(file.fileno())
        with self._lock:
            waiting = self.waiting()
            if len(waiting) >= self._most:
                raise QueueFull
            number = max(waiting, default=0) + 1
            os.link(path, self._received(number))
        folder = os.open(self.received, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return number

    def remove_abandoned(self) -> None:
        """Remove what senders began to send and left when their connection ended."""
        for path in self.incoming.iterdir():
            with suppress(FileNotFoundError):  # it was taken meanwhile
                if path.stat().st_mtime < time.time() - ABANDONED_SECONDS:
                    path.unlink()

    def was_done(self, key: str) -> bool:
        """Whether an object of this key was enhanced, in this or an earlier process."""
        return key in self._done

    def note_done(self, key: str) -> None:
        """Remember that an object was enhanced; on the disk when this returns."""
        self._done.add(key)
        with output_errors(self.folder), (self.folder / DONE).open("a") as file:
            file.write(f"{key}\n")
            file.flush()
            os.fsync(file.fileno())

    def waiting(self) -> list[int]:
        """The numbers that are to be enhanced or delivered, in order."""
        return sorted({*self._numbers(self.received), *self._numbers(self.results)})

    def to_enhance(self) -> tuple[int, Path, Path] | None:
        """(number, file, where the result goes) of the next object; None where there is none."""
        number = min(self._numbers(self.received), default=None)
        return None if number is None else (number, self._received(number), self._result(number))

    def drop(self, number: int) -> None:
        """Forget a received object: it was enhanced, or cannot be."""
        self._received(number).unlink(missing_ok=True)

    def to_deliver(self) -> tuple[int, Path] | None:
        """(number, file) of the next result; None where there is none."""
        number = min(self._numbers(self.results), default=None)
        return None if number is None else (number, self._result(number))

    def delivered(self, number: int) -> None:
        """Forget a result."""
        self._result(number).unlink(missing_ok=True)

    def put_aside(self, number: int) -> None:
        """Keep a result that its receiver refuses, out of the others' way."""
        taken = self._numbers(self.refused)
        os.replace(self._result(number), self.refused / f"{max(taken, default=0) + 1:06d}.dcm")

    def _received(self, number: int) -> Path:
        return self.received / f"{number:06d}.dcm"

    def _result(self, number: int) -> Path:
        return self.results / f"{number:06d}.dcm"

    @staticmethod
    def _numbers(folder: Path) -> list[int]:
        return [int(path.stem) for path in folder.glob("*.dcm") if path.stem.isdecimal()]
