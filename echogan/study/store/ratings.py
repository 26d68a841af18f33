"""Taking a rating: checked, kept once whatever the browser sends again, changed only by a revision."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from echogan.core.errors import StudyError, StudyStateError
from echogan.study.protocol import Part, Protocol
from echogan.study.store.audit import canonical, commit_event
from echogan.study.store.readers import Reader
from echogan.study.store.showings import showing
from echogan.study.store.store import Store

UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
COMMENT, COMMENT_LENGTH = "comment", 500
VIEWPORT = re.compile(r"\d{1,5}x\d{1,5}(@\d(\.\d{1,3})?)?")
LONGEST_MS = 7 * 86_400_000


@dataclass(frozen=True)
class Rating:
    """What a browser sends.

    uuid        made by the browser, the same each time it sends this rating again
    task        the id of the showing
    answers     item -> value, None for "cannot assess"; every item is there. `comment` too where it is offered
    supersedes  the uuid of the rating that this one revises
    plays       full loops; dwell_ms from shown to submitted; hidden_ms of it with the tab hidden
    viewport    as 1280x800@2
    """

    uuid: str
    task: str
    answers: Mapping[str, Any] = field(default_factory=dict)
    supersedes: str | None = None
    plays: int = 0
    dwell_ms: int = 0
    hidden_ms: int = 0
    viewport: str = ""


@dataclass(frozen=True)
class Saved:
    """A rating that is on the disk. `again` where it was already."""

    uuid: str
    revision: int
    again: bool = False


def record(store: Store, reader: Reader, rating: Rating) -> Saved:
    """Keep a rating; when this returns, it is on the disk.

    Sent again, it is found by its uuid and kept once. Raises StudyError for answers that do not fit, StudyStateError
    where the study is not open, the washout has not ended, or the showing was rated otherwise meanwhile, and
    StudyNotSaved where it may be sent again.
    """
    protocol = store.protocol()
    with store.write() as db:
        if known := _known(db, reader, rating):
            return known
        row = showing(store, db, reader, rating.task)
        _check(protocol, protocol.part_of(row["session"]), rating)
        if row["uuid"] != rating.supersedes:
            raise StudyStateError(
                "This clip was rated meanwhile, perhaps in another window: reload the page."
            )
        revision = 0 if row["uuid"] is None else row["revision"] + 1
        shown = db.execute("SELECT MAX(at) FROM shown WHERE assignment = ?", (rating.task,)).fetchone()[0]
        commit_event(
            store,
            db,
            reader.name,
            "rated",
            uuid=rating.uuid,
            assignment=rating.task,
            revision=revision,
            supersedes=rating.supersedes,
            answers=dict(rating.answers),
            shown=shown,
            submitted=store.clock(),
            plays=rating.plays,
            dwell_ms=rating.dwell_ms,
            hidden_ms=rating.hidden_ms,
            viewport=rating.viewport,
        )
    return Saved(rating.uuid, revision)


def _known(db: sqlite3.Connection, reader: Reader, rating: Rating) -> Saved | None:
    """The same rating, where it is kept already; it may come again even after the session or the study has ended."""
    row = db.execute(
        "SELECT rating.*, slot FROM rating JOIN assignment AS a ON a.id = assignment WHERE uuid = ?",
        (rating.uuid,),
    ).fetchone()
    if row is None:
        return None
    same = row["slot"] == reader.slot and row["assignment"] == rating.task
    if not same or row["answers"] != canonical(dict(rating.answers)):
        raise StudyError("Another rating has this id: reload the page and rate the clip again.")
    return Saved(rating.uuid, row["revision"], again=True)


def _check(protocol: Protocol, part: Part, rating: Rating) -> None:
    """Raise StudyError unless every item has one of its answers."""
    if not (isinstance(rating.uuid, str) and UUID.fullmatch(rating.uuid)):
        raise StudyError("The rating has no proper id: reload the page.")
    known = {item.name for item in part.items} | ({COMMENT} if part.comment else set())
    if unknown := sorted(map(str, set(rating.answers) - known)):
        raise StudyError(f"'{unknown[0][:40]}' is no question of this part: reload the page.")
    for item in part.items:
        if item.name not in rating.answers:
            raise StudyError(f"'{item.name}' has no answer: choose one, or 'cannot assess'.")
        value = rating.answers[item.name]
        allowed = value is None if item.cannot_assess else False
        if not allowed and not (type(value) is int and value in item.values):
            raise StudyError(f"'{item.name}' has an answer that is none of its choices: choose again.")
    comment = rating.answers.get(COMMENT, "")
    if not isinstance(comment, str) or len(comment) > COMMENT_LENGTH:
        raise StudyError(f"The comment is longer than {COMMENT_LENGTH} characters: shorten it.")
    times = (rating.plays, rating.dwell_ms, rating.hidden_ms)
    if not all(type(n) is int and 0 <= n <= LONGEST_MS for n in times):
        raise StudyError("The times of the rating make no sense: reload the page.")
    if rating.supersedes is None and rating.plays < protocol.min_plays:
        raise StudyError(f"Watch the clip to its end first ({protocol.min_plays} time(s)).")
    if rating.viewport and not VIEWPORT.fullmatch(str(rating.viewport)):
        raise StudyError("The size of the window makes no sense: reload the page.")
