"""The tables' version: older ones are brought up to date, newer ones refused; and many writers at once."""

import sqlite3
import threading

import pytest
from studies import draft, opened_study, rating, small

from echogan.core.errors import StudyError
from echogan.study.store import schema
from echogan.study.store.audit import verify
from echogan.study.store.lifecycle import facts
from echogan.study.store.ratings import record
from echogan.study.store.readers import invite
from echogan.study.store.reading import next_task, progress
from echogan.study.store.store import Store


def version(store: Store) -> int:
    with store.read() as db:
        return db.execute("PRAGMA user_version").fetchone()[0]


def test_a_database_is_brought_to_the_newest_version(tmp_path, monkeypatch):
    store = draft(tmp_path)
    before = facts(store)
    store.close()
    steps = (*schema.STEPS, "ALTER TABLE clip ADD COLUMN weight REAL NOT NULL DEFAULT 1;")
    monkeypatch.setattr(schema, "STEPS", steps)
    newer = Store(tmp_path, clock=store.clock)
    assert version(newer) == len(steps)
    assert facts(newer) == before
    with newer.read() as db:
        assert {row["weight"] for row in db.execute("SELECT weight FROM clip")} == {1.0}
    assert version(Store(tmp_path)) == len(steps)


def test_a_step_that_fails_leaves_the_database_as_it_was(tmp_path, monkeypatch):
    store = draft(tmp_path)
    before = facts(store)
    store.close()
    monkeypatch.setattr(
        schema,
        "STEPS",
        (*schema.STEPS, "ALTER TABLE clip ADD COLUMN weight REAL; ALTER TABLE nothing ADD x;"),
    )
    with pytest.raises(sqlite3.OperationalError):
        Store(tmp_path)
    monkeypatch.undo()
    again = Store(tmp_path)
    assert version(again) == len(schema.STEPS)
    assert facts(again) == before


def test_a_database_of_a_newer_program_is_refused(tmp_path):
    draft(tmp_path).close()
    with sqlite3.connect(tmp_path / "study.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StudyError, match="newer program"):
        Store(tmp_path)


def test_every_commit_waits_for_the_disk(tmp_path):
    with draft(tmp_path).read() as db:
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert db.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL


def test_readers_who_rate_at_once_all_get_through(tmp_path):
    store = opened_study(tmp_path, protocol=small("fidelity", readers=6))
    all_readers = [invite(store, "lead")[0] for _ in range(6)]
    faults: list[Exception] = []

    def read(reader) -> None:
        try:
            while task := next_task(store, reader):
                sent = rating(task)
                twice = [threading.Thread(target=record, args=(store, reader, sent)) for _ in range(2)]
                for thread in twice:
                    thread.start()
                for thread in twice:
                    thread.join()
                assert record(store, reader, sent).again
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=read, args=(reader,)) for reader in all_readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert {progress(store, reader).state for reader in all_readers} == {"finished"}
    with store.read() as db:
        assert db.execute("SELECT COUNT(*), MAX(revision) FROM rating").fetchone()[:] == (6 * 7, 0)
    assert verify(store) == []
