"""The folder of a study and its database: connections, transactions, the clock, the event writer."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Protocol as Interface

from echogan.core.errors import StudyError, StudyNotSaved
from echogan.study.protocol import Protocol
from echogan.study.store.schema import migrate

DATABASE, MEDIA = "study.sqlite", "media"
WAIT = 30.0  # seconds for another writer


class EventWriter(Interface):
    """Where each change is kept beside the database, for hosts without a disk that lasts."""

    def write(self, name: str, content: bytes) -> None:
        """Store an immutable file; it is safe when this returns. Raises OSError."""
        ...

    def names(self) -> list[str]:
        """The names of all files written so far."""
        ...

    def read(self, name: str) -> bytes:
        """The content of one of them."""
        ...


class Store:
    """A study in its folder. Its database is `study.sqlite`, its stimuli are in `media/`.

    Every thread has a connection of its own. A write is safe when its block has ended: WAL, synchronous=FULL, BEGIN
    IMMEDIATE, so that two writers never work from the same state.

    writer  keeps each change elsewhere too, before it is committed
    clock   seconds since 1970, UTC
    """

    def __init__(
        self,
        folder: Path,
        writer: EventWriter | None = None,
        clock: Callable[[], float] = time.time,
        media: Path | None = None,
    ) -> None:
        self.folder, self.writer, self.clock = folder, writer, clock
        self.media = media or folder / MEDIA
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._writing = (
            threading.Lock()
        )  # threads wait here, since SQLite's own waiting sleeps and is not fair
        if not self.path.is_file():
            raise StudyError(
                f"There is no study in the folder '{folder.name}': make one with `study create`."
            )
        migrate(self._connection())

    @classmethod
    def create(cls, folder: Path, writer: EventWriter | None = None, clock=time.time) -> Store:
        """A new, empty store in a folder that has none. Raises StudyError."""
        if (folder / DATABASE).exists():
            raise StudyError(f"The folder '{folder.name}' holds a study already: give a new folder.")
        try:
            (folder / MEDIA).mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
            (folder / DATABASE).touch(mode=0o600)
        except OSError as error:
            raise StudyError(
                f"No study can be made in '{folder.name}' ({error.strerror}): choose a folder you own."
            ) from None
        return cls(folder, writer, clock)

    @property
    def path(self) -> Path:
        """The database."""
        return self.folder / DATABASE

    def _connection(self) -> sqlite3.Connection:
        db = getattr(self._local, "db", None)
        if db is None:
            try:
                db = sqlite3.connect(self.path, timeout=WAIT, isolation_level=None, check_same_thread=False)
                db.row_factory = sqlite3.Row
                for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                    db.execute(f"PRAGMA {pragma}")
            except sqlite3.Error as error:
                raise StudyError(
                    f"The study's database cannot be opened ({error}): restore a backup."
                ) from None
            self._local.db = db
            with self._lock:
                self._connections.append(db)
        return db

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One consistent view for the whole block."""
        db = self._connection()
        if db.in_transaction:
            yield db
            return
        db.execute("BEGIN")
        try:
            yield db
        finally:
            db.execute("ROLLBACK")

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that nobody else can write beside; committed when the block ends, else rolled back.

        Raises StudyNotSaved where the disk or another program keeps it from being written.
        """
        with self._writing:
            db = self._connection()
            try:
                db.execute("BEGIN IMMEDIATE")
                yield db
                db.execute("COMMIT")
            except sqlite3.OperationalError as error:
                raise StudyNotSaved(
                    f"Not saved ({error}): check the disk of the study's folder and try again."
                ) from None
            finally:
                if db.in_transaction:
                    db.execute("ROLLBACK")

    def close(self) -> None:
        """Close all connections; the store is not used after that."""
        with self._lock:
            for db in self._connections:
                with suppress(sqlite3.Error):
                    db.close()
            self._connections.clear()
        self._local = threading.local()

    def protocol(self) -> Protocol:
        """The study's protocol, whose text has not changed since it was made. Raises StudyError."""
        with self.read() as db:
            return stored_protocol(db)


def study_row(db: sqlite3.Connection) -> sqlite3.Row:
    """The one row of the table `study`. Raises StudyError where creation was cut off."""
    row = db.execute("SELECT * FROM study").fetchone()
    if row is None:
        raise StudyError(
            "The study's folder is empty, since creating it was stopped: remove it and create it again."
        )
    return row


def stored_protocol(db: sqlite3.Connection) -> Protocol:
    """The study's protocol. Raises StudyError where its text is not what was hashed."""
    row = study_row(db)
    return _protocol(row["protocol"], row["sha256"])


@lru_cache(maxsize=16)  # every request of a reader needs it, and it never changes
def _protocol(content: str, sha256: str) -> Protocol:
    protocol = Protocol.from_json(content)
    if protocol.sha256 != sha256:
        raise StudyError("The protocol in the study's database was changed: restore a backup.")
    return protocol
