"""The states of a study, what they allow, the list of what is missing, and the tables after unblinding."""

import os
from dataclasses import replace

import pytest
from studies import Clock, draft, opened_study, rating, small, small_cases

from echogan.core.errors import StudyError, StudyStateError
from echogan.study.readiness import lasts, open_study, readiness
from echogan.study.store.audit import audit_lines
from echogan.study.store.lifecycle import close, confirm_media, facts, freeze, unblind
from echogan.study.store.monitor import STALLED_DAYS, monitor
from echogan.study.store.ratings import record
from echogan.study.store.readers import invite, reader_by_token
from echogan.study.store.reading import next_task
from echogan.study.store.rehearsal import rehearse
from echogan.study.store.store import Store
from echogan.study.store.tables import answers, fidelity_rows, pair_rows, rating_rows


def missing(store: Store, lasting: bool | None = True) -> list[str]:
    return [point.sentence for point in readiness(store, lasting) if point.needed and not point.ok]


def test_a_study_goes_from_draft_to_closed_and_never_back(tmp_path):
    store = draft(tmp_path)
    states = [facts(store).state]
    for step in (
        lambda: open_study(store, "lead"),
        lambda: freeze(store, "lead"),
        lambda: close(store, "lead"),
    ):
        step()
        states.append(facts(store).state)
    assert states == ["draft", "open", "frozen", "closed"]
    for step in (
        lambda: open_study(store, "lead"),
        lambda: freeze(store, "lead"),
        lambda: close(store, "lead"),
    ):
        with pytest.raises(StudyStateError, match="The study is closed"):
            step()
    with pytest.raises(StudyStateError, match="nobody can be invited"):
        invite(store, "lead")


def test_arms_are_told_after_the_logged_unblinding_only(tmp_path):
    store = opened_study(tmp_path)
    reader, _ = invite(store, "lead")
    task = next_task(store, reader)
    assert task is not None
    record(store, reader, rating(task))
    with pytest.raises(StudyStateError, match="only while it is frozen"):
        unblind(store, "lead", "analysis")
    freeze(store, "lead")
    with pytest.raises(StudyStateError, match="blinded"):
        answers(store)
    with pytest.raises(StudyError, match="Say why"):
        unblind(store, "lead", "")
    unblind(store, "lead", "analysis")
    assert {row.arm for row in answers(store)} <= {"original", "enhanced"}
    assert audit_lines(store)[-1] | {"at": 0} == {
        "n": 7,
        "at": 0,
        "actor": "lead",
        "action": "unblinded",
        "reason": "analysis",
    }


def test_a_sound_study_lacks_nothing(tmp_path):
    assert missing(draft(tmp_path)) == []


def test_every_fault_has_a_sentence(tmp_path):
    few = draft(tmp_path / "few", cases=small_cases(1, training=0))
    assert [sentence for sentence in missing(few) if "add" in sentence] == [
        "There are clips of 1 patient(s) to read, beside those for training: add more.",
        "The protocol wants 1 training clips and there are 0: add clips or lower `training` in the protocol.",
    ]
    mixed = draft(
        tmp_path / "mixed",
        cases=[*small_cases(3), replace(small_cases(1)[0], clip="P001-2", role="training")],
    )
    assert any("P001 is in training and in the study" in sentence for sentence in missing(mixed))
    changed = draft(tmp_path / "changed")
    next(changed.media.iterdir()).write_bytes(b"other")
    assert any("were changed" in sentence for sentence in missing(changed))
    unequal = draft(tmp_path / "unequal", media=bytes(9), enhanced_media=bytes(10))
    assert any("differ in size" in sentence for sentence in missing(unequal))
    with pytest.raises(StudyError, match="differ in size"):
        open_study(unequal, "lead")


def test_a_study_does_not_open_where_ratings_would_be_lost(tmp_path, monkeypatch):
    monkeypatch.setenv("SPACE_ID", "user/space")
    store = draft(tmp_path)
    assert not lasts(tmp_path)
    with pytest.raises(StudyError, match="loses its disk at a restart"):
        open_study(store, "lead")
    assert missing(Store(tmp_path, writer=object()), lasting=None) == []  # pyright: ignore
    monkeypatch.delenv("SPACE_ID")
    open_study(store, "lead")


def test_the_stimuli_are_looked_at_before_opening(tmp_path):
    store = draft(tmp_path, confirmed=False)
    assert any("look at them" in sentence for sentence in missing(store))
    confirm_media(store, "lead")
    assert missing(store) == []


def test_a_late_reader_changes_nothing_for_the_others(tmp_path):
    store = opened_study(tmp_path)

    def lists() -> list[tuple]:
        with store.read() as db:
            return [tuple(row) for row in db.execute("SELECT * FROM assignment WHERE slot < 2 ORDER BY id")]

    before = lists()
    late = [invite(store, "lead")[0] for _ in range(3)][-1]
    assert next_task(store, late) is not None
    assert lists() == before


def test_pairs_are_turned_so_that_plus_favours_the_enhanced_clip(tmp_path):
    store = opened_study(tmp_path, protocol=small("pair"))
    reader, _ = invite(store, "lead")
    while (task := next_task(store, reader)) and task.part == "pair":
        with store.read() as db:
            show = db.execute(
                "SELECT show FROM assignment JOIN stimulus AS s ON s.id = stimulus WHERE assignment.id = ?",
                (task.id,),
            ).fetchone()["show"]
        record(store, reader, rating(task, -2 if show == "enhanced_left" else 2))
    status = monitor(store)[0]
    assert (status.repeats, status.repeat_agreement) == (1, 1.0)
    freeze(store, "lead")
    unblind(store, "lead", "analysis")
    rows = answers(store)
    assert {row.side for row in rows} == {"left", "right"}
    assert {row.value for row in rows} == {2.0}
    table = pair_rows(rows, "preference")
    assert len(table) == 6  # neither training nor repeats
    assert set(table[0]) == {"reader", "patient", "clip", "side", "value"}


def test_the_rows_for_the_analysis_leave_training_out_and_tell_repeats(tmp_path):
    store = opened_study(tmp_path, protocol=replace(small(), washout_days=0.0))
    reader, _ = invite(store, "lead")
    while task := next_task(store, reader):
        record(store, reader, rating(task))
    freeze(store, "lead")
    unblind(store, "lead", "analysis")
    rows = rating_rows(answers(store))
    main = [row for row in rows if row["kind"] == "main"]
    assert {(row["clip"], row["arm"], row["item"]) for row in main} == {
        (f"P00{n}-1", arm, item)
        for n in range(1, 7)
        for arm in ("original", "enhanced")
        for item in ("overall", "border", "contrast", "artefact", "diagnostic")
    }
    assert len(main) == 60
    assert {row["kind"] for row in rows} == {"main", "repeat"}
    grades = fidelity_rows(answers(store))
    assert len(grades) == 18
    assert {row["item"] for row in grades} == {"added", "removed", "motion"}


def test_gold_clips_answered_otherwise_are_flagged(tmp_path):
    gold = replace(
        small_cases(1)[0], clip="P900-1", patient="P900", role="gold", expected={"overall": (1, 2)}
    )
    store = opened_study(tmp_path, cases=[*small_cases(), gold])
    (good, _), (bad, _) = invite(store, "lead"), invite(store, "lead")
    for reader, value in ((good, 1), (bad, 5)):
        while task := next_task(store, reader):
            answers_ = {item["name"]: min(value, item["values"][-1]) for item in task.items}
            record(store, reader, replace(rating(task), answers=answers_))
    assert [status.gold_missed for status in monitor(store)] == [0, 1]


def test_the_monitor_shows_who_is_stalled_and_no_arm(tmp_path):
    clock = Clock()
    store = opened_study(tmp_path, clock=clock)
    reader, _ = invite(store, "lead", "sonographer", 4)
    task = next_task(store, reader)
    assert task is not None
    record(store, reader, rating(task))
    (status,) = monitor(store)
    assert (status.done, status.stalled, status.link, status.last) == (1, False, "valid", clock.now)
    clock.now += (STALLED_DAYS + 1) * 86_400
    (status,) = monitor(store)
    assert status.stalled
    assert not any(word in repr(status) for word in ("original", "enhanced", "P001"))


def test_a_rehearsal_leaves_no_trace(tmp_path):
    store = draft(tmp_path / "study")
    (tmp_path / "copy").mkdir()
    with store.read() as db:
        before = list(map(tuple, db.execute("SELECT * FROM audit")))
    rehearsal, token = rehearse(store, tmp_path / "copy")
    reader = reader_by_token(rehearsal, token)
    task = next_task(rehearsal, reader)
    assert task is not None
    record(rehearsal, reader, rating(task))
    with store.read() as db:
        assert list(map(tuple, db.execute("SELECT * FROM audit"))) == before
    assert facts(store).state == "draft"


def test_the_folder_is_for_its_owner_alone(tmp_path):
    store = draft(tmp_path / "study")
    assert os.stat(store.folder).st_mode & 0o077 == 0
    assert os.stat(store.path).st_mode & 0o077 == 0
