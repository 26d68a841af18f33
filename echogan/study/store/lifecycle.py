"""The states of a study: draft, open, frozen (and then unblinded), closed; never back."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from echogan.core.errors import StudyError, StudyStateError
from echogan.study.design import Case
from echogan.study.protocol import Protocol
from echogan.study.store.audit import commit_event
from echogan.study.store.readers import new_assignments
from echogan.study.store.store import Store, study_row


@dataclass(frozen=True)
class Stimulus:
    """One file of `media/`, named by its opaque id.

    show      original or enhanced; enhanced_left or enhanced_right for both arms in one video
    model     checkpoint and its hash, for what is enhanced; empty where it is not known
    encoding  width, height, frames, fps, and how it was encoded and padded
    """

    id: str
    clip: str
    show: str
    sha256: str
    bytes: int
    model: str
    encoding: Mapping[str, Any]


@dataclass(frozen=True)
class StudyFacts:
    """What everybody who runs the study may know at any time."""

    id: str
    title: str
    state: str
    unblinded: bool
    created: float
    protocol_sha256: str


def begin(
    store: Store,
    actor: str,
    protocol: Protocol,
    cases: Sequence[Case],
    stimuli: Sequence[Stimulus],
    seed: str | None = None,
) -> None:
    """Fill an empty store: the study is a draft then. Raises StudyError."""
    protocol.check()
    with store.write() as db:
        if db.execute("SELECT 1 FROM study").fetchone():
            raise StudyError("The study is made already: give a new folder.")
        study = {
            "id": secrets.token_hex(8),
            "protocol": protocol.to_json(),
            "sha256": protocol.sha256,
            "seed": seed or secrets.token_hex(16),
            "state": "draft",
            "created": store.clock(),
            "unblinded": None,
        }
        # In the order of their ids, so that the order of the rows tells nothing either.
        files = sorted((asdict(stimulus) for stimulus in stimuli), key=lambda row: row["id"])
        rows = [asdict(case) for case in cases]
        commit_event(store, db, actor, "created", study=[study], clip=rows, stimulus=files)


def facts(store: Store) -> StudyFacts:
    """State and title of the study."""
    protocol = store.protocol()
    with store.read() as db:
        row = study_row(db)
    unblinded = row["unblinded"] is not None
    return StudyFacts(row["id"], protocol.title, row["state"], unblinded, row["created"], row["sha256"])


def confirm_media(store: Store, actor: str) -> None:
    """Log that a person has looked at the stimuli and saw no name and no text on them. Raises StudyStateError."""
    with store.write() as db:
        _need(db, "draft", "the stimuli can be confirmed")
        commit_event(store, db, actor, "media confirmed")


def media_confirmed(store: Store) -> bool:
    """Whether a person has looked at the stimuli."""
    with store.read() as db:
        return db.execute("SELECT 1 FROM audit WHERE action = 'media confirmed'").fetchone() is not None


def fix_assignments(store: Store, actor: str) -> None:
    """Fix all assignments and let readers in. For `open_study`, which checks first. Raises StudyStateError."""
    protocol = store.protocol()
    with store.write() as db:
        _need(db, "draft", "it can be opened")
        invited = db.execute("SELECT COUNT(*) FROM reader").fetchone()[0]
        slots = range(max(protocol.readers, invited))
        rows = [row for slot in slots for row in new_assignments(db, slot)]
        commit_event(store, db, actor, "opened", assignment=rows)


def freeze(store: Store, actor: str) -> None:
    """End the reading: no rating is taken any more. Raises StudyStateError."""
    with store.write() as db:
        _need(db, "open", "it can be frozen")
        commit_event(store, db, actor, "frozen")


def unblind(store: Store, actor: str, reason: str) -> None:
    """Allow the arms to be read, by `tables`; logged. Raises StudyError, StudyStateError."""
    if not reason.strip():
        raise StudyError("Say why the study is unblinded; the reason is kept in the log.")
    with store.write() as db:
        _need(db, "frozen", "it can be unblinded")
        if study_row(db)["unblinded"] is None:
            commit_event(store, db, actor, "unblinded", reason=reason.strip())


def close(store: Store, actor: str) -> None:
    """End the study: nothing about it changes any more. Raises StudyStateError."""
    with store.write() as db:
        _need(db, "frozen", "it can be closed")
        commit_event(store, db, actor, "closed")


def need_unblinded(db: sqlite3.Connection) -> None:
    """Raise StudyStateError before the study was unblinded."""
    if study_row(db)["unblinded"] is None:
        raise StudyStateError(
            "The study is blinded: freeze and unblind it first, then arms can be told apart."
        )


def _need(db: sqlite3.Connection, state: str, what: str) -> None:
    now = study_row(db)["state"]
    if now != state:
        raise StudyStateError(f"The study is {now}: only while it is {state}, {what}.")
