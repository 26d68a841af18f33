"""The ratings as long tables for the analysis, one row an answer; only after unblinding."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from echogan.core.csv_guard import guarded
from echogan.core.errors import StudyError
from echogan.study.store.lifecycle import need_unblinded
from echogan.study.store.ratings import COMMENT
from echogan.study.store.store import Store


@dataclass(frozen=True)
class Answer:
    """One answer to one item, the latest revision.

    arm      original or enhanced; both for the parts pair and fidelity
    side     of the enhanced arm, left or right, for pair and fidelity; else empty
    value    None for "cannot assess"; for pairs turned so that plus favours the enhanced arm
    kind     main, repeat, training or gold
    revisions  how often the reader changed it
    plays      full loops; `dwell_ms` from shown to submitted, `hidden_ms` of it with the window hidden
    """

    reader: str
    patient: str
    clip: str
    view: str
    quality: str
    part: str
    arm: str
    side: str
    item: str
    value: float | None
    session: int
    position: int
    kind: str
    repeat_of: int | None
    revisions: int
    submitted: float
    plays: int
    dwell_ms: int
    hidden_ms: int
    comment: str

    def row(self) -> dict[str, Any]:
        """As a dictionary, for a table."""
        return asdict(self)


def answers(store: Store) -> list[Answer]:
    """Every current answer of an unblinded study, by reader, session and position. Raises StudyStateError."""
    with store.read() as db:
        need_unblinded(db)
        rows = db.execute(
            """SELECT reader.name, c.patient, c.clip, c.view, c.quality, a.part, s.show, a.session, a.position, a.kind,
                first.position AS repeat_of, r.revision, r.submitted, r.plays, r.dwell_ms, r.hidden_ms, r.answers
            FROM current_rating AS r JOIN assignment AS a ON a.id = r.assignment
            JOIN reader ON reader.slot = a.slot JOIN stimulus AS s ON s.id = a.stimulus
            JOIN clip AS c ON c.clip = s.clip LEFT JOIN assignment AS first ON first.id = a.repeat_of
            ORDER BY a.slot, a.session, a.position"""
        ).fetchall()
    return [answer for row in rows for answer in _answers(row)]


def as_csv(store: Store) -> str:
    """The same as CSV, one row an answer. Raises StudyStateError, and StudyError where there is none."""
    rows = [answer.row() for answer in answers(store)]
    if not rows:
        raise StudyError("Nobody has rated anything: there is no table to write.")
    text = io.StringIO()
    lines = csv.DictWriter(text, list(rows[0]))
    lines.writeheader()
    lines.writerows({column: guarded(cell) for column, cell in row.items()} for row in rows)
    return text.getvalue()


def _answers(row: Any) -> list[Answer]:
    given = json.loads(row["answers"])
    comment = given.pop(COMMENT, "")
    both = row["show"].startswith("enhanced_")
    side = row["show"].removeprefix("enhanced_") if both else ""
    turn = -1 if row["part"] == "pair" and side == "left" else 1
    return [
        Answer(
            reader=row["name"],
            patient=row["patient"],
            clip=row["clip"],
            view=row["view"],
            quality=row["quality"],
            part=row["part"],
            arm="both" if both else row["show"],
            side=side,
            item=item,
            value=None if value is None else float(turn * value),
            session=row["session"],
            position=row["position"],
            kind=row["kind"],
            repeat_of=row["repeat_of"],
            revisions=row["revision"],
            submitted=row["submitted"],
            plays=row["plays"],
            dwell_ms=row["dwell_ms"],
            hidden_ms=row["hidden_ms"],
            comment=comment,
        )
        for item, value in given.items()
    ]


def rating_rows(found: Iterable[Answer]) -> list[dict[str, Any]]:
    """What the analysis of the part single reads: one row an answer, training left out."""
    columns = ("reader", "patient", "clip", "arm", "item", "value", "session", "kind")
    return [
        {column: getattr(answer, column) for column in columns}
        for answer in found
        if answer.part == "single" and answer.kind != "training"
    ]


def pair_rows(found: Iterable[Answer], item: str) -> list[dict[str, Any]]:
    """What the analysis of one item of the part pair reads; plus favours the enhanced clip. First showings alone."""
    columns = ("reader", "patient", "clip", "side", "value")
    return [
        {column: getattr(answer, column) for column in columns}
        for answer in found
        if answer.part == "pair" and answer.kind == "main" and answer.item == item
    ]


def fidelity_rows(found: Iterable[Answer]) -> list[dict[str, Any]]:
    """What the analysis of the part fidelity reads: item added, removed or motion, with its grade."""
    columns = ("reader", "patient", "clip", "item")
    return [
        {**{column: getattr(answer, column) for column in columns}, "grade": answer.value}
        for answer in found
        if answer.part == "fidelity" and answer.kind == "main"
    ]


def guess_rows(found: Iterable[Answer]) -> list[dict[str, Any]]:
    """What the analysis of the blinding reads: the arm of each clip that was guessed, and the guess."""
    words = {0.0: "original", 1.0: "enhanced", None: ""}
    columns = ("reader", "patient", "clip", "arm")
    return [
        {**{column: getattr(answer, column) for column in columns}, "guess": words[answer.value]}
        for answer in found
        if answer.part == "guess" and answer.kind == "main"
    ]


def time_rows(found: Iterable[Answer]) -> list[dict[str, Any]]:
    """One row a showing, not an answer, with the seconds that it was looked at; training left out."""
    columns = ("reader", "patient", "clip", "arm", "part", "session", "position", "kind")
    showings = {(a.reader, a.session, a.position): a for a in found if a.kind != "training"}
    return [
        {
            **{column: getattr(a, column) for column in columns},
            "seconds": max(0, a.dwell_ms - a.hidden_ms) / 1000,
        }
        for a in showings.values()
    ]
