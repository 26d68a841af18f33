"""Readers and their links: pseudonyms, hashed tokens that expire and can be revoked."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import sqlite3
from dataclasses import dataclass
from typing import Any

from echogan.core.errors import ReaderLinkError, StudyError, StudyStateError
from echogan.study.design import Case, assignments_of
from echogan.study.store.audit import commit_event
from echogan.study.store.store import Store, stored_protocol, study_row

DAY = 86_400.0
LINK_DAYS = 120.0  # two sessions, the washout between them, and some patience
ROLE = r"[A-Za-z][A-Za-z -]{0,39}"
SIMULATED = "simulated reader"
"""The role of a reader who is a program. Whatever such a study shows says that it is simulated."""
UNKNOWN_LINK = "This link does not lead to a study: ask the person who sent it for a new one."


@dataclass(frozen=True)
class Reader:
    """A reader under a pseudonym; `slot` says which of the prepared lists of assignments is theirs."""

    name: str
    slot: int
    role: str
    years: float | None


def invite(
    store: Store,
    actor: str,
    role: str = "reader",
    years: float | None = None,
    days: float = LINK_DAYS,
) -> tuple[Reader, str]:
    """A new reader and the secret of their link, which is stored as a hash only and cannot be shown again.

    Readers have no names here: keep a list of who got which pseudonym elsewhere. Raises StudyError.
    """
    if not re.fullmatch(ROLE, role):
        raise StudyError("Give the reader's role in a few plain words, such as cardiologist; no names.")
    if not 0 < days <= 3650:
        raise StudyError("A link can be valid for more than 0 and at most 3650 days.")
    if years is not None and not 0 <= years <= 80:
        raise StudyError("Give the reader's years of experience as a number from 0 to 80.")
    with store.write() as db:
        state = study_row(db)["state"]
        if state not in ("draft", "open"):
            raise StudyStateError(f"The study is {state}: nobody can be invited any more.")
        slot = db.execute("SELECT COUNT(*) FROM reader").fetchone()[0]
        reader = Reader(f"R{slot + 1:02d}", slot, role, years)
        token, invitation = _invitation(store, reader.name, days)
        row = {"name": reader.name, "slot": slot, "role": role, "years": years, "invited": store.clock()}
        detail: dict[str, Any] = {"reader": row, "invitation": invitation}
        prepared = db.execute("SELECT 1 FROM assignment WHERE slot = ? LIMIT 1", (slot,)).fetchone()
        if state == "open" and not prepared:
            detail["assignment"] = new_assignments(db, slot)
        commit_event(store, db, actor, "invited", **detail)
    return reader, token


def renew_link(store: Store, actor: str, name: str, days: float = LINK_DAYS) -> str:
    """Another link for a reader, whose older ones stop working. Raises StudyError."""
    revoke(store, actor, name)
    with store.write() as db:
        token, invitation = _invitation(store, name, days)
        commit_event(store, db, actor, "invited", invitation=invitation)
    return token


def revoke(store: Store, actor: str, name: str) -> None:
    """End all links of a reader; the ratings stay. Raises StudyError for an unknown reader."""
    with store.write() as db:
        if not db.execute("SELECT 1 FROM reader WHERE name = ?", (name,)).fetchone():
            raise StudyError(f"There is no reader '{name}' in this study: choose one of its list.")
        commit_event(store, db, actor, "revoked", reader=name)


def readers(store: Store) -> list[Reader]:
    """All readers, in order of invitation."""
    with store.read() as db:
        return [_reader(row) for row in db.execute("SELECT * FROM reader ORDER BY slot")]


def reader_by_token(store: Store, token: str) -> Reader:
    """Whose link it is. Raises ReaderLinkError for one that is unknown, expired or revoked."""
    with store.read() as db:
        row = db.execute(
            "SELECT reader.*, expires, revoked FROM invitation JOIN reader ON reader.name = reader "
            "WHERE token_hash = ?",
            (_hash(token),),
        ).fetchone()
    if row is None:
        raise ReaderLinkError(UNKNOWN_LINK)
    if row["revoked"] is not None or row["expires"] <= store.clock():
        raise ReaderLinkError("This link is no longer valid: ask the person who sent it for a new one.")
    return _reader(row)


def new_assignments(db: sqlite3.Connection, slot: int) -> list[dict[str, Any]]:
    """Rows of the table `assignment` for one reader. Each has an opaque id of its own, repeats too."""
    protocol, seed = stored_protocol(db), study_row(db)["seed"]
    stimuli = {(row["clip"], row["show"]): row["id"] for row in db.execute("SELECT * FROM stimulus")}
    made: list[dict[str, Any]] = []
    ids: dict[tuple[int, int], str] = {}
    for a in assignments_of(protocol, stored_cases(db), seed, slot):
        ids[a.session, a.position] = secrets.token_hex(16)
        made.append(
            {
                "id": ids[a.session, a.position],
                "slot": slot,
                "session": a.session,
                "position": a.position,
                "part": protocol.part_of(a.session).kind,
                "stimulus": stimuli[a.clip, a.show],
                "kind": a.kind,
                "repeat_of": None if a.repeat_of is None else ids[a.session, a.repeat_of],
            }
        )
    return made


def stored_cases(db: sqlite3.Connection) -> list[Case]:
    """The cases of the study, in the order of their pseudonyms."""
    rows = db.execute("SELECT * FROM clip ORDER BY clip")
    return [
        Case(r["clip"], r["patient"], r["view"], r["quality"], r["role"], json.loads(r["expected"]))
        for r in rows
    ]


def _invitation(store: Store, name: str, days: float) -> tuple[str, dict[str, Any]]:
    token = secrets.token_urlsafe(32)
    expires = store.clock() + days * DAY
    return token, {"token_hash": _hash(token), "reader": name, "expires": expires, "revoked": None}


def _hash(token: str) -> str:
    # A plain hash is enough: a token has 256 random bits, so it cannot be guessed from its hash.
    return hashlib.sha256(token.encode()).hexdigest()


def _reader(row: sqlite3.Row) -> Reader:
    return Reader(row["name"], row["slot"], row["role"], row["years"])
