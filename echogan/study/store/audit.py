"""Every change is an event in a hash chain: applied to the tables, logged, written elsewhere, then committed.

The tables can be made again from the events, and a changed row is found by comparing the two.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from echogan.core.errors import StudyError, StudyNotSaved
from echogan.study.store.store import Store

START = "0" * 64  # what the first event follows


@dataclass(frozen=True)
class Event:
    """One change. `hash` is the SHA-256 of all other fields, `previous` that of the event before."""

    n: int
    at: float
    actor: str
    action: str
    detail: Mapping[str, Any]
    previous: str

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @property
    def name(self) -> str:
        """Of its file; sorts by number and says nothing of the content."""
        return f"{self.n:08d}-{self.hash[:16]}.json"

    def to_json(self) -> str:
        """Canonical JSON."""
        return canonical(
            {
                "n": self.n,
                "at": self.at,
                "actor": self.actor,
                "action": self.action,
                "detail": dict(self.detail),
                "previous": self.previous,
            }
        )

    @classmethod
    def from_json(cls, content: bytes | str) -> Event:
        """Read one. Raises ValueError, TypeError."""
        return cls(**json.loads(content))


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def commit_event(store: Store, db: sqlite3.Connection, actor: str, action: str, **detail: Any) -> Event:
    """Apply, log and write one event inside the caller's transaction. Raises StudyNotSaved."""
    last = last_event(db)
    n, previous = (last.n + 1, last.hash) if last else (1, START)
    event = Event(n, store.clock(), actor, action, json.loads(canonical(detail)), previous)
    log(db, event)
    if store.writer is not None:
        try:
            store.writer.write(event.name, event.to_json().encode())
        except OSError as error:
            raise StudyNotSaved(
                f"Not saved, since the event store did not answer ({error}): try again."
            ) from None
    return event


def log(db: sqlite3.Connection, event: Event) -> None:
    """Apply an event to the tables and append it to the log."""
    _apply(db, event)
    db.execute(
        "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            event.n,
            event.at,
            event.actor,
            event.action,
            canonical(dict(event.detail)),
            event.previous,
            event.hash,
        ),
    )


def last_event(db: sqlite3.Connection) -> Event | None:
    """The newest event of the log."""
    row = db.execute("SELECT * FROM audit ORDER BY n DESC LIMIT 1").fetchone()
    return _event(row) if row else None


def events(store: Store) -> list[Event]:
    """The whole log, oldest first. It holds the arms: for the program, not for a page; see `audit_lines`."""
    with store.read() as db:
        return [_event(row) for row in db.execute("SELECT * FROM audit ORDER BY n")]


def audit_lines(store: Store) -> list[dict[str, Any]]:
    """The log as an administrator may read it at any time: n, at, actor, action, reason; no ratings, no arms."""
    return [
        {
            "n": e.n,
            "at": e.at,
            "actor": e.actor,
            "action": e.action,
            "reason": str(e.detail.get("reason", "")),
        }
        for e in events(store)
    ]


def verify(store: Store) -> list[str]:
    """What in the log or in the tables made from it was changed afterwards, as sentences; none where all is sound."""
    faults, previous = [], START
    replayed = sqlite3.connect(":memory:")
    with store.read() as db:
        rows = db.execute("SELECT * FROM audit ORDER BY n").fetchall()
        for number, row in enumerate(rows, 1):
            event = _event(row)
            if row["n"] != number or event.previous != previous or event.hash != row["hash"]:
                faults.append(f"Entry {row['n']} of the audit log was changed, or one before it was removed.")
            previous = row["hash"]
        db.backup(replayed)
        stored = _tables(db)
    faults += _differences(replayed, [_event(row) for row in rows], stored)
    replayed.close()
    return faults


_MADE_OF_EVENTS = ("rating", "override", "assignment", "invitation", "reader", "stimulus", "clip", "study")


def _tables(db: sqlite3.Connection) -> dict[str, list[tuple]]:
    return {
        table: sorted(map(tuple, db.execute(f"SELECT * FROM {table}")), key=repr) for table in _MADE_OF_EVENTS
    }


def _differences(db: sqlite3.Connection, log_: list[Event], stored: dict[str, list[tuple]]) -> list[str]:
    """Empty a copy of the database, apply all events to it, and name the tables that differ from what is stored."""
    db.row_factory = sqlite3.Row
    triggers = db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for (name,) in triggers:
        db.execute(f"DROP TRIGGER {name}")
    db.execute("DELETE FROM shown")
    for table in _MADE_OF_EVENTS:
        db.execute(f"DELETE FROM {table}")
    try:
        for event in log_:
            _apply(db, event)
    except (sqlite3.Error, KeyError, StudyError):
        return ["The tables cannot be made from the audit log: one of its entries was changed."]
    made = _tables(db)
    return [
        f"The table {table} was changed without an entry in the audit log."
        for table in _MADE_OF_EVENTS
        if made[table] != stored[table]
    ]


def _event(row: sqlite3.Row) -> Event:
    detail = json.loads(row["detail"])
    return Event(row["n"], row["at"], row["actor"], row["action"], detail, row["previous"])


def _insert(db: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> None:
    """Insert one row; what is no plain value is stored as canonical JSON."""
    values = [canonical(v) if isinstance(v, dict | list) else v for v in row.values()]
    marks = ", ".join("?" * len(values))
    db.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", values)


def _apply(db: sqlite3.Connection, event: Event) -> None:
    """Make the change in the tables. Raises sqlite3.Error where it contradicts them."""
    detail = dict(event.detail)
    match event.action:
        case "created":
            for table in ("study", "clip", "stimulus"):
                for row in detail[table]:
                    _insert(db, table, row)
        case "invited":
            if "reader" in detail:
                _insert(db, "reader", detail["reader"])
            _insert(db, "invitation", detail["invitation"])
            for row in detail.get("assignment", ()):
                _insert(db, "assignment", row)
        case "revoked":
            db.execute(
                "UPDATE invitation SET revoked = ? WHERE reader = ? AND revoked IS NULL",
                (event.at, detail["reader"]),
            )
        case "opened":
            db.execute("UPDATE study SET state = 'open'")
            for row in detail["assignment"]:
                _insert(db, "assignment", row)
        case "frozen" | "closed":
            db.execute("UPDATE study SET state = ?", (event.action,))
        case "unblinded":
            db.execute("UPDATE study SET unblinded = ?", (event.at,))
        case "washout overridden":
            _insert(
                db, "override", {"reader": detail["reader"], "session": detail["session"], "at": event.at}
            )
        case "rated":
            _insert(db, "rating", detail)
        case "media confirmed" | "exported" | "backed up":
            pass  # for the record alone
        case _:
            raise StudyError(f"The audit log has an unknown entry '{event.action}': update the program.")
