"""How the reading goes, for those who run the study: by reader, never by arm."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from echogan.study.store.readers import DAY, readers
from echogan.study.store.reading import progress
from echogan.study.store.store import Store

STALLED_DAYS = 7.0  # without a rating, while there is something to rate


@dataclass(frozen=True)
class ReaderStatus:
    """One reader.

    state           as `Progress`; done and total over all sessions
    last            time of the last rating; None before the first
    stalled         nothing was rated for STALLED_DAYS although something could be
    repeats         showings rated twice, and the share of their answers that agree exactly; None before the first
    gold_missed     gold clips answered outside what is expected: a flag, never a reason to leave a reader out unseen
    cannot_assess   share of answers
    link            valid, expired, revoked
    """

    name: str
    role: str
    years: float | None
    state: str
    session: int
    done: int
    total: int
    last: float | None
    stalled: bool
    repeats: int
    repeat_agreement: float | None
    gold_missed: int
    cannot_assess: float
    link: str


def monitor(store: Store) -> list[ReaderStatus]:
    """Every reader's status. Arms and clips are not in it, so it may be looked at while the study is open."""
    found = []
    for reader in readers(store):
        now = progress(store, reader)
        with store.read() as db:
            rows = db.execute(
                "SELECT r.answers, r.submitted, a.id, a.part, a.kind, a.repeat_of, clip.expected, stimulus.show "
                "FROM current_rating AS r JOIN assignment AS a ON a.id = r.assignment "
                "JOIN stimulus ON stimulus.id = a.stimulus JOIN clip ON clip.clip = stimulus.clip WHERE a.slot = ?",
                (reader.slot,),
            ).fetchall()
            total = db.execute("SELECT COUNT(*) FROM assignment WHERE slot = ?", (reader.slot,)).fetchone()[0]
            link = _link(db, reader.name, store.clock())
        last = max((row["submitted"] for row in rows), default=None)
        began = last if last is not None else _invited(store, reader.name)
        repeats, agreement = _repeats(rows)
        given = [value for row in rows for value in _scores(row).values()]
        found.append(
            ReaderStatus(
                name=reader.name,
                role=reader.role,
                years=reader.years,
                state=now.state,
                session=now.session,
                done=len(rows),
                total=total,
                last=last,
                stalled=now.state == "reading" and store.clock() - began > STALLED_DAYS * DAY,
                repeats=repeats,
                repeat_agreement=agreement,
                gold_missed=sum(map(_missed, rows)),
                cannot_assess=sum(value is None for value in given) / max(1, len(given)),
                link=link,
            )
        )
    return found


def _scores(row: sqlite3.Row) -> dict[str, int | None]:
    return {item: value for item, value in json.loads(row["answers"]).items() if item != "comment"}


def _repeats(rows: list[sqlite3.Row]) -> tuple[int, float | None]:
    """How many repeats are rated, and the share of answers equal to those of the first showing; sides are turned."""
    first = {row["id"]: _scores(row) for row in rows}
    equal = []
    for row in rows:
        if row["repeat_of"] in first:
            turn = -1 if row["part"] == "pair" else 1
            for item, value in _scores(row).items():
                before = first[row["repeat_of"]][item]
                equal.append(before == (None if value is None else turn * value))
    repeats = sum(row["repeat_of"] in first for row in rows)
    return repeats, (sum(equal) / len(equal) if equal else None)


def _missed(row: sqlite3.Row) -> bool:
    """Whether a gold clip was answered outside of what is expected."""
    if row["kind"] != "gold":
        return False
    turn = (
        -1 if row["part"] == "pair" and row["show"] == "enhanced_left" else 1
    )  # plus favours the enhanced arm
    given = {item: turn * value for item, value in _scores(row).items() if value is not None}
    expected = json.loads(row["expected"]).items()
    return any(item in given and not low <= given[item] <= high for item, (low, high) in expected)


def _invited(store: Store, name: str) -> float:
    with store.read() as db:
        return db.execute("SELECT invited FROM reader WHERE name = ?", (name,)).fetchone()[0]


def _link(db: sqlite3.Connection, name: str, now: float) -> str:
    """The state of the reader's newest link."""
    row = db.execute(
        "SELECT expires, revoked FROM invitation WHERE reader = ? ORDER BY expires DESC LIMIT 1", (name,)
    ).fetchone()
    if row is None or row["revoked"] is not None:
        return "revoked"
    return "valid" if row["expires"] > now else "expired"
