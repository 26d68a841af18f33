"""A reader's way through a study: order, undo, washout, resumption, progress; and what a browser is told."""

import json
import sqlite3
from dataclasses import replace

import pytest
from studies import DAY, Clock, draft, opened_study, rating, small

from echogan.core.errors import ReaderLinkError, StudyError, StudyNotSaved, StudyStateError
from echogan.study.store.lifecycle import freeze
from echogan.study.store.ratings import Rating, record
from echogan.study.store.readers import invite, reader_by_token, readers, renew_link, revoke
from echogan.study.store.reading import (
    mark_shown,
    media_file,
    next_task,
    override_washout,
    previous_task,
    progress,
    upcoming,
)
from echogan.study.store.store import Store


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path, clock) -> Store:
    return opened_study(tmp_path, clock=clock)


def read_session(store: Store, reader) -> list[str]:
    """Rate all that may be rated now; the ids in order."""
    done = []
    while task := next_task(store, reader):
        record(store, reader, rating(task))
        done.append(task.id)
    return done


def test_a_link_leads_to_its_reader_until_it_expires_or_is_revoked(store, clock):
    reader, token = invite(store, "lead", "cardiologist", 12, days=3)
    assert reader_by_token(store, token) == reader == readers(store)[0]
    with pytest.raises(ReaderLinkError, match="does not lead to a study"):
        reader_by_token(store, token[:-1])
    clock.now += 4 * DAY
    with pytest.raises(ReaderLinkError, match="no longer valid"):
        reader_by_token(store, token)
    newer = renew_link(store, "lead", reader.name)
    assert reader_by_token(store, newer) == reader
    revoke(store, "lead", reader.name)
    with pytest.raises(ReaderLinkError, match="no longer valid"):
        reader_by_token(store, newer)


def test_no_token_is_stored(store):
    _, token = invite(store, "lead")
    store.close()
    assert all(token.encode() not in path.read_bytes() for path in store.folder.glob("study.sqlite*"))


def test_showings_come_in_order_and_a_reload_shows_the_same(store):
    reader, _ = invite(store, "lead")
    first, second = upcoming(store, reader, 2)
    assert (first.position, second.position) == (0, 1)
    assert first.training
    assert not second.training
    assert next_task(store, reader) == next_task(Store(store.folder, clock=store.clock), reader) == first
    mark_shown(store, reader, first.id)
    record(store, reader, rating(first))
    assert next_task(store, reader) == second


def test_the_whole_study_is_read_with_washout_and_fidelity_last(store, clock):
    reader, _ = invite(store, "lead")
    parts = []
    for session in (1, 2, 3, 4):
        now = progress(store, reader)
        if session == 2:
            assert (now.state, now.opens) == ("washout", clock.now + 28 * DAY)
            assert next_task(store, reader) is None
            clock.now += 28 * DAY + 1
            now = progress(store, reader)
        assert (now.state, now.session, now.sessions, now.done) == ("reading", session, 4, 0)
        part = next_task(store, reader)
        assert part is not None
        parts.append(part.part)
        first = part.id
        for _ in range(now.total):
            task = next_task(store, reader)
            assert task is not None
            record(store, reader, rating(task))
        assert session == 4 or previous_task(store, reader) is None
        with pytest.raises((StudyError, StudyStateError)):
            record(store, reader, rating(replace(part, id=first)))
    assert parts == ["single", "single", "guess", "fidelity"]
    assert progress(store, reader).state == "finished"


def test_the_washout_cannot_be_passed_by_knowing_an_id(store, clock):
    reader, _ = invite(store, "lead")
    read_session(store, reader)
    with store.read() as db:
        later = db.execute("SELECT id FROM assignment WHERE slot = 0 AND session = 2").fetchone()["id"]
    answers = {"overall": 3, "border": 3, "contrast": 3, "artefact": 3, "diagnostic": 1}
    with pytest.raises(StudyStateError, match="washout"):
        record(store, reader, Rating("00000000-0000-4000-8000-000000000000", later, answers, plays=1))
    with pytest.raises(StudyStateError, match="washout"):
        media_file(store, reader, later)


def test_an_override_of_the_washout_is_logged_with_its_reason(store):
    reader, _ = invite(store, "lead")
    read_session(store, reader)
    with pytest.raises(StudyError, match="Say why"):
        override_washout(store, "lead", reader, " ")
    override_washout(store, "lead", reader, "the reader leaves next week")
    assert progress(store, reader).state == "reading"
    with store.read() as db:
        row = db.execute("SELECT * FROM audit ORDER BY n DESC LIMIT 1").fetchone()
    assert row["action"] == "washout overridden"
    assert "leaves next week" in row["detail"]


def test_undo_makes_a_revision_and_keeps_the_first_answer(store):
    reader, _ = invite(store, "lead")
    task = next_task(store, reader)
    assert task is not None
    record(store, reader, rating(task))
    back = previous_task(store, reader)
    assert back is not None
    assert back.id == task.id
    assert back.rated == {"overall": 1, "border": 1, "contrast": 1, "artefact": 1, "diagnostic": 0}
    changed = replace(rating(task), answers={**back.rated, "overall": None}, supersedes=back.current)
    assert record(store, reader, changed).revision == 1
    with store.read() as db:
        rows = db.execute("SELECT revision, answers FROM rating ORDER BY revision").fetchall()
    assert [json.loads(row["answers"])["overall"] for row in rows] == [1, None]
    assert previous_task(store, reader, before=0) is None


def test_a_revision_needs_no_further_loop(store):
    reader, _ = invite(store, "lead")
    task = next_task(store, reader)
    assert task is not None
    saved = record(store, reader, rating(task))
    assert record(store, reader, rating(task, 1, supersedes=saved.uuid, plays=0)).revision == 1


def test_what_another_program_keeps_from_the_disk_may_be_sent_again(store, monkeypatch):
    reader, _ = invite(store, "lead")
    task = next_task(store, reader)
    assert task is not None
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr("echogan.study.store.store.WAIT", 0.05)
    store.close()  # the next connection waits no longer than that
    with pytest.raises(StudyNotSaved, match="try again"):
        record(store, reader, sent := rating(task))
    other.execute("ROLLBACK")
    assert not record(store, reader, sent).again


def test_a_rating_from_an_older_window_is_refused(store):
    reader, _ = invite(store, "lead")
    task = next_task(store, reader)
    assert task is not None
    record(store, reader, rating(task))
    with pytest.raises(StudyStateError, match="rated meanwhile"):
        record(store, reader, rating(task))


def test_sent_again_a_rating_is_kept_once(store):
    reader, _ = invite(store, "lead")
    task = next_task(store, reader)
    assert task is not None
    sent = rating(task)
    assert not record(store, reader, sent).again
    freeze(store, "lead")
    assert record(store, reader, sent).again
    with pytest.raises(StudyError, match="Another rating has this id"):
        record(store, reader, replace(sent, answers={**sent.answers, "overall": 5}))
    with store.read() as db:
        assert db.execute("SELECT COUNT(*) FROM rating").fetchone()[0] == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"answers": {"overall": 3}}, "'border' has no answer"),
        (
            {"answers": {"overall": 6, "border": 1, "contrast": 1, "artefact": 1, "diagnostic": 0}},
            "none of its",
        ),
        (
            {"answers": {"overall": True, "border": 1, "contrast": 1, "artefact": 1, "diagnostic": 0}},
            "none of its",
        ),
        ({"answers": {"patient": 1}}, "no question of this part"),
        ({"plays": 0}, "Watch the clip to its end"),
        ({"dwell_ms": -1}, "make no sense"),
        ({"viewport": "<b>"}, "size of the window"),
        ({"uuid": "1"}, "no proper id"),
    ],
)
def test_what_is_no_rating_is_refused(store, change, sentence):
    reader, _ = invite(store, "lead")
    task = next_task(store, reader)
    assert task is not None
    with pytest.raises(StudyError, match=sentence):
        record(store, reader, replace(rating(task), **change))
    assert next_task(store, reader) == task


def test_readers_reach_only_their_own_showings(store):
    (one, _), (two, _) = invite(store, "lead"), invite(store, "lead")
    task = next_task(store, one)
    assert task is not None
    assert media_file(store, one, task.id).read_bytes()
    for attempt in (lambda: media_file(store, two, task.id), lambda: record(store, two, rating(task))):
        with pytest.raises(StudyError, match="no such clip among yours"):
            attempt()


def test_nothing_can_be_read_before_the_study_opens(tmp_path):
    store = draft(tmp_path)
    reader, _ = invite(store, "lead")
    assert progress(store, reader).state == "closed"
    assert next_task(store, reader) is None
    with pytest.raises(StudyStateError, match="draft"):
        media_file(store, reader, "x")


@pytest.mark.parametrize("name", ["single", "pair"])
def test_a_task_tells_the_browser_no_arm_no_patient_and_no_repeat(tmp_path, name):
    store = opened_study(tmp_path, protocol=replace(small(name), washout_days=0.0))
    reader, _ = invite(store, "lead")
    kinds = []
    while task := next_task(store, reader):
        if task.part not in ("single", "pair"):
            break
        told = json.dumps(task.public())
        with store.read() as db:
            row = db.execute(
                "SELECT a.kind, s.id, s.show, s.clip, c.patient, c.quality FROM assignment AS a "
                "JOIN stimulus AS s ON s.id = stimulus JOIN clip AS c ON c.clip = s.clip WHERE a.id = ?",
                (task.id,),
            ).fetchone()
        kinds.append(row["kind"])
        assert not any(row[key] in told for key in ("id", "show", "clip", "patient", "quality"))
        assert not any(word in told for word in ("original", "enhanced", "repeat", "gold"))
        record(store, reader, rating(task))
    assert "repeat" in kinds


def test_the_expected_time_follows_the_readers_own(store):
    reader, _ = invite(store, "lead")
    before = progress(store, reader)
    assert before.seconds_left == 30.0 * before.total
    for _ in range(3):
        task = next_task(store, reader)
        assert task is not None
        record(store, reader, rating(task, dwell_ms=10_000))
    now = progress(store, reader)
    assert now.seconds_left == 10.0 * (now.total - 3)
