"""What a reader is shown next, from where the stimulus comes, and how far the reader is.

Nothing here tells a reader's browser the arm, the patient, or that a showing is a repeat.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from echogan.core.errors import StudyError, StudyStateError
from echogan.study.protocol import PartKind, Protocol
from echogan.study.store.audit import commit_event
from echogan.study.store.readers import Reader
from echogan.study.store.showings import SHOWINGS, counts, opens_at, seconds_per_clip, session_of, showing
from echogan.study.store.store import Store, stored_protocol, study_row


@dataclass(frozen=True)
class Task:
    """One showing, as the reader's browser may know it.

    id         opaque, of this showing alone: for `media_file` and for the rating
    part       which page to show: one clip, or two panes side by side in one video
    position   from 0 within the session; `total` showings, training included
    training   the rating is for practice
    items      name, question, values, labels and whether "cannot assess" is offered, worded for the view
    video      width, height, frames and fps of the file; equal for both arms. Two panes are its two halves
    rated      the answers given so far, for a revision; `current` is the id of that rating
    """

    id: str
    part: PartKind
    view: str
    session: int
    position: int
    total: int
    training: bool
    items: tuple[dict[str, Any], ...]
    comment: bool
    video: dict[str, Any]
    rated: dict[str, Any] | None = None
    current: str | None = None

    def public(self) -> dict[str, Any]:
        """As JSON for the browser."""
        return asdict(self)


@dataclass(frozen=True)
class Progress:
    """How far a reader is.

    state         closed   the study is not open, or not any more
                  reading  there is something to rate
                  washout  the next session begins at `opens`, seconds since 1970
                  finished all done
    done, total   showings of the session, training and repeats included
    seconds_left  of the session, from the reader's own recent times
    """

    state: Literal["closed", "reading", "washout", "finished"]
    session: int
    sessions: int
    done: int
    total: int
    seconds_left: float
    opens: float | None = None


def progress(store: Store, reader: Reader) -> Progress:
    """How far the reader is, and in which session."""
    protocol = store.protocol()
    with store.read() as db:
        session = session_of(db, reader)
        done, total = counts(db, reader, session)
        opens = opens_at(db, protocol, reader, session)
        seconds = seconds_per_clip(db, protocol, reader)
        is_open = study_row(db)["state"] == "open"
    state: Any = "reading"
    if not is_open:
        state = "closed"
    elif done == total:
        state = "finished"
    elif opens is not None and opens > store.clock():
        state = "washout"
    waiting = opens if state == "washout" else None
    return Progress(state, session, protocol.sessions, done, total, seconds * (total - done), waiting)


def upcoming(store: Store, reader: Reader, count: int = 2) -> list[Task]:
    """The next showings without a rating, in order: the one to rate, then those to preload.

    None while none may be read. The same after a reload, a crash, or on another device.
    """
    if progress(store, reader).state != "reading":
        return []
    protocol = store.protocol()
    with store.read() as db:
        session = session_of(db, reader)
        rows = db.execute(
            SHOWINGS + " WHERE slot = ? AND session = ? AND uuid IS NULL ORDER BY position LIMIT ?",
            (reader.slot, session, count),
        ).fetchall()
        total = counts(db, reader, session)[1]
    return [_task(protocol, row, total) for row in rows]


def next_task(store: Store, reader: Reader) -> Task | None:
    """The showing to rate now; None where none may be read: see `progress`."""
    return next(iter(upcoming(store, reader, 1)), None)


def previous_task(store: Store, reader: Reader, before: int | None = None) -> Task | None:
    """For undo: the last rated showing, or the last before a position, with its answers; None where there is none.

    Only within the session: when its last showing is rated, a session cannot be changed, except the study's last one.
    """
    protocol = store.protocol()
    with store.read() as db:
        session = session_of(db, reader)
        total = counts(db, reader, session)[1]
        row = db.execute(
            SHOWINGS
            + " WHERE slot = ? AND session = ? AND position < ? AND uuid IS NOT NULL ORDER BY position DESC LIMIT 1",
            (reader.slot, session, total if before is None else before),
        ).fetchone()
        is_open = study_row(db)["state"] == "open"
    return _task(protocol, row, total) if row and is_open else None


def media_file(store: Store, reader: Reader, task_id: str) -> Path:
    """The stimulus of a showing in the reader's current session. Raises StudyError, StudyStateError."""
    with store.read() as db:
        row = showing(store, db, reader, task_id)
    return store.media / f"{row['stimulus']}.webm"


def mark_shown(store: Store, reader: Reader, task_id: str) -> None:
    """Note the server's time at which a showing began; may be called again after a reload."""
    with store.write() as db:
        showing(store, db, reader, task_id)
        db.execute("INSERT INTO shown VALUES (?, ?)", (task_id, store.clock()))


def override_washout(store: Store, actor: str, reader: Reader, reason: str) -> None:
    """Let a reader begin the next session before the washout has ended; logged. Raises StudyError."""
    if not reason.strip():
        raise StudyError("Say why the washout is cut short; the reason is kept in the log.")
    with store.write() as db:
        session = session_of(db, reader)
        opens = opens_at(db, stored_protocol(db), reader, session)
        if opens is None or opens <= store.clock():
            raise StudyStateError(f"{reader.name} is not in a washout: there is nothing to cut short.")
        commit_event(
            store, db, actor, "washout overridden", reader=reader.name, session=session, reason=reason.strip()
        )


def _task(protocol: Protocol, row: sqlite3.Row, total: int) -> Task:
    part, encoding = protocol.part_of(row["session"]), json.loads(row["encoding"])
    items = []
    for item in part.items:
        wording = item.worded(row["view"])
        items.append(
            {
                "name": item.name,
                "question": wording.question,
                "values": list(item.values),
                "labels": list(wording.labels),
                "cannot_assess": item.cannot_assess,
            }
        )
    return Task(
        id=row["id"],
        part=part.kind,
        view=row["view"],
        session=row["session"],
        position=row["position"],
        total=total,
        training=row["kind"] == "training",
        items=tuple(items),
        comment=part.comment,
        video={key: encoding[key] for key in ("width", "height", "frames", "fps")},
        rated=json.loads(row["answers"]) if row["answers"] else None,
        current=row["uuid"],
    )
