"""The hash chain: a changed, removed or added row is found; nothing can be changed by the program's own door."""

import sqlite3

import pytest
from studies import opened_study, rating

from echogan.study.store.audit import Event, events, verify
from echogan.study.store.ratings import record
from echogan.study.store.readers import invite, revoke
from echogan.study.store.reading import mark_shown, next_task, override_washout
from echogan.study.store.store import Store

CHANGED = """answers = replace(answers, '"overall":1', '"overall":5')"""


@pytest.fixture
def store(tmp_path) -> Store:
    store = opened_study(tmp_path)
    reader, _ = invite(store, "lead")
    while task := next_task(store, reader):
        mark_shown(store, reader, task.id)
        record(store, reader, rating(task))
    override_washout(store, "lead", reader, "a reason")
    revoke(store, "lead", reader.name)
    return store


def test_an_untouched_study_verifies(store):
    assert verify(store) == []
    assert [event.n for event in events(store)] == list(range(1, len(events(store)) + 1))


def test_an_event_goes_through_its_file(store):
    for event in events(store):
        assert Event.from_json(event.to_json()) == event
        assert Event.from_json(event.to_json()).hash == event.hash


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            f"UPDATE rating SET {CHANGED} WHERE revision = 0",
            "table rating",
        ),
        ("DELETE FROM rating WHERE rowid = (SELECT MAX(rowid) FROM rating)", "table rating"),
        ("UPDATE assignment SET position = position + 1000", "table assignment"),
        ("UPDATE clip SET view = 'SC'", "table clip"),
        ("UPDATE stimulus SET model = 'another' WHERE show = 'enhanced'", "table stimulus"),
        ("UPDATE study SET state = 'draft'", "table study"),
        ("DELETE FROM override", "table override"),
        ("UPDATE invitation SET revoked = NULL", "table invitation"),
        ("UPDATE audit SET at = at + 1 WHERE n = 5", "Entry 5 of"),
        ("DELETE FROM audit WHERE n = 5", "Entry 6 of"),
        (
            f"UPDATE audit SET {CHANGED.replace('answers', 'detail')} WHERE action = 'rated'",
            "of the audit log",
        ),
    ],
)
def test_a_changed_row_is_found(store, change, sentence):
    with sqlite3.connect(store.path) as db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        db.executescript(change)
    assert any(sentence in fault for fault in verify(store))


@pytest.mark.parametrize("table", ["rating", "audit", "assignment", "shown", "override"])
@pytest.mark.parametrize("change", ["UPDATE {} SET rowid = rowid + 1", "DELETE FROM {}"])
def test_rows_are_append_only(store, table, change):
    with pytest.raises(sqlite3.IntegrityError, match="append-only"), store.write() as db:
        db.execute(change.format(table))
    assert verify(store) == []
