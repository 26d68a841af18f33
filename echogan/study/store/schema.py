"""The tables of a study, their version, and the steps from older versions."""

from __future__ import annotations

import sqlite3

from echogan.core.errors import StudyError

_FIXED = """
CREATE TRIGGER {table}_no_{what} BEFORE {what} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END;
"""
FIRST = """
CREATE TABLE study (
    id TEXT PRIMARY KEY, protocol TEXT NOT NULL, sha256 TEXT NOT NULL, seed TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('draft', 'open', 'frozen', 'closed')),
    created REAL NOT NULL, unblinded REAL);
CREATE TABLE clip (
    clip TEXT PRIMARY KEY, patient TEXT NOT NULL, view TEXT NOT NULL, quality TEXT NOT NULL, role TEXT NOT NULL,
    expected TEXT NOT NULL);
CREATE TABLE stimulus (
    id TEXT PRIMARY KEY, clip TEXT NOT NULL REFERENCES clip, show TEXT NOT NULL, sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL, model TEXT NOT NULL, encoding TEXT NOT NULL, UNIQUE (clip, show));
CREATE TABLE reader (
    name TEXT PRIMARY KEY, slot INTEGER NOT NULL UNIQUE, role TEXT NOT NULL, years REAL, invited REAL NOT NULL);
CREATE TABLE invitation (
    token_hash TEXT PRIMARY KEY, reader TEXT NOT NULL REFERENCES reader, expires REAL NOT NULL, revoked REAL);
CREATE TABLE assignment (
    id TEXT PRIMARY KEY, slot INTEGER NOT NULL, session INTEGER NOT NULL, position INTEGER NOT NULL,
    part TEXT NOT NULL, stimulus TEXT NOT NULL REFERENCES stimulus, kind TEXT NOT NULL, repeat_of TEXT,
    UNIQUE (slot, session, position));
CREATE TABLE shown (assignment TEXT NOT NULL REFERENCES assignment, at REAL NOT NULL);
CREATE INDEX shown_assignment ON shown (assignment);
CREATE TABLE rating (
    uuid TEXT PRIMARY KEY, assignment TEXT NOT NULL REFERENCES assignment, revision INTEGER NOT NULL,
    supersedes TEXT REFERENCES rating, answers TEXT NOT NULL, shown REAL, submitted REAL NOT NULL,
    plays INTEGER NOT NULL, dwell_ms INTEGER NOT NULL, hidden_ms INTEGER NOT NULL, viewport TEXT NOT NULL,
    UNIQUE (assignment, revision));
CREATE VIEW current_rating AS
    SELECT * FROM rating AS r
    WHERE revision = (SELECT MAX(revision) FROM rating WHERE assignment = r.assignment);
CREATE TABLE override (
    reader TEXT NOT NULL REFERENCES reader, session INTEGER NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (reader, session));
CREATE TABLE audit (
    n INTEGER PRIMARY KEY, at REAL NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, detail TEXT NOT NULL,
    previous TEXT NOT NULL, hash TEXT NOT NULL);
""" + "".join(
    _FIXED.format(table=table, what=what)
    for table in ("rating", "audit", "assignment", "shown", "override")
    for what in ("UPDATE", "DELETE")
)
STEPS: tuple[str, ...] = (FIRST,)
"""The SQL that leads from version n to n + 1. A published step is never changed; a new one is added."""


def migrate(db: sqlite3.Connection) -> None:
    """Bring the tables to the newest version, in one transaction. Raises StudyError for those of a newer program."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(STEPS):
        raise StudyError(f"The study was made by a newer program (store version {version}): update this one.")
    for number, step in enumerate(STEPS[version:], version + 1):
        db.executescript(f"BEGIN IMMEDIATE;\n{step}\nPRAGMA user_version = {number};\nCOMMIT;")
