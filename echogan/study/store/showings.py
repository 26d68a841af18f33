"""Queries about a reader's showings: which session is current, what is rated, when the next session may begin."""

from __future__ import annotations

import sqlite3
import statistics

from echogan.core.errors import StudyError, StudyStateError
from echogan.study.protocol import Protocol
from echogan.study.store.readers import DAY, Reader
from echogan.study.store.store import Store, stored_protocol, study_row

RECENT = 10  # ratings that the expected time per clip is taken from
NO_SHOWING = "There is no such clip among yours: reload the page."
SHOWINGS = """
SELECT a.*, clip.view, stimulus.encoding, r.uuid, r.revision, r.answers FROM assignment AS a
JOIN stimulus ON stimulus.id = a.stimulus JOIN clip ON clip.clip = stimulus.clip
LEFT JOIN current_rating AS r ON r.assignment = a.id"""
"""Every showing with its clip and its current rating."""


def showing(store: Store, db: sqlite3.Connection, reader: Reader, task_id: str) -> sqlite3.Row:
    """A showing of the reader's current session with its current rating.

    Raises StudyError for another reader's or another session's, StudyStateError where the study is not open or the
    session has not begun.
    """
    study = study_row(db)
    if study["state"] != "open":
        raise StudyStateError(f"The study is {study['state']}: nothing can be read or rated.")
    row = db.execute(SHOWINGS + " WHERE a.id = ? AND slot = ?", (task_id, reader.slot)).fetchone()
    if row is None or row["session"] != session_of(db, reader):
        raise StudyError(NO_SHOWING)
    opens = opens_at(db, stored_protocol(db), reader, row["session"])
    if opens is not None and opens > store.clock():
        raise StudyStateError("The next session has not begun: come back when the washout is over.")
    return row


def session_of(db: sqlite3.Connection, reader: Reader) -> int:
    """The first session with a showing that is not rated; the last one where all are."""
    row = db.execute(
        """SELECT MIN(CASE WHEN r.uuid IS NULL THEN session END) AS first, MAX(session) AS last
        FROM assignment AS a LEFT JOIN rating AS r ON r.assignment = a.id WHERE slot = ?""",
        (reader.slot,),
    ).fetchone()
    return row["first"] or row["last"] or 1


def counts(db: sqlite3.Connection, reader: Reader, session: int) -> tuple[int, int]:
    """How many showings of a session are rated, and how many it has."""
    row = db.execute(
        """SELECT COUNT(DISTINCT r.assignment) AS done, COUNT(DISTINCT a.id) AS total
        FROM assignment AS a LEFT JOIN rating AS r ON r.assignment = a.id WHERE slot = ? AND session = ?""",
        (reader.slot, session),
    ).fetchone()
    return row["done"], row["total"]


def opens_at(db: sqlite3.Connection, protocol: Protocol, reader: Reader, session: int) -> float | None:
    """When a session may begin; None where it follows at once or the washout was overridden."""
    days = protocol.washout_before(session)
    overridden = db.execute(
        "SELECT 1 FROM override WHERE reader = ? AND session = ?", (reader.name, session)
    ).fetchone()
    if not days or overridden:
        return None
    last = db.execute(
        "SELECT MAX(submitted) FROM rating JOIN assignment AS a ON a.id = assignment WHERE slot = ? AND session = ?",
        (reader.slot, session - 1),
    ).fetchone()[0]
    return None if last is None else last + days * DAY


def seconds_per_clip(db: sqlite3.Connection, protocol: Protocol, reader: Reader) -> float:
    """The median of the reader's recent ratings; the protocol's expectation before there are three."""
    rows = db.execute(
        "SELECT dwell_ms FROM rating JOIN assignment AS a ON a.id = assignment WHERE slot = ? "
        "ORDER BY submitted DESC LIMIT ?",
        (reader.slot, RECENT),
    ).fetchall()
    return statistics.median(row[0] for row in rows) / 1000 if len(rows) >= 3 else protocol.seconds_per_clip
