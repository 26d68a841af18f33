"""Deleted runs: where they are, that they come back whole, and when they are gone."""

import os
import time

import pytest

from echogan.core.errors import TrainingError
from echogan.jobs.job import Job
from echogan.jobs.process import ProcessId, write_process
from echogan.jobs.runs import Runs
from echogan.jobs.trash import DAY, KEPT_DAYS, discard, empty_trash, restore


@pytest.fixture
def runs(tmp_path) -> Runs:
    return Runs(tmp_path / "runs", tmp_path / "lock.json")


@pytest.fixture
def job(runs) -> Job:
    job = Job(runs.folder / "a run. 1")
    (job.path / "checkpoint").mkdir(parents=True)
    job.config.write_text('{"steps": 10}')
    (job.path / "checkpoint" / "model.safetensors").write_bytes(b"weights")
    (job.uploads / "low").mkdir(parents=True)
    return job


def test_a_deleted_run_is_listed_no_more_and_comes_back_without_its_uploads(runs, job):
    place = discard(job)
    assert runs.list() == []
    assert runs.free_name("a run. ") != ".trash"
    with pytest.raises(TrainingError, match="no run called"):
        runs.job(job.name)
    found = restore(runs.folder, place.name)
    assert [run.name for run in runs.list()] == ["a run. 1"]
    assert (found.path / "checkpoint" / "model.safetensors").read_bytes() == b"weights"
    assert not job.uploads.exists()
    assert not place.exists()


def test_one_that_is_being_trained_stays(job):
    mine = ProcessId.of(os.getpid())
    assert mine is not None
    write_process(job.process_file, mine)
    with pytest.raises(TrainingError, match="Stop it first"):
        discard(job)
    assert job.config.exists()
    assert job.uploads.exists()


def test_a_run_of_the_same_name_is_not_replaced(runs, job):
    place = discard(job)
    job.path.mkdir()
    with pytest.raises(TrainingError, match=r"another run called 'a run\. 1'"):
        restore(runs.folder, place.name)
    assert place.is_dir()


@pytest.mark.parametrize("entry", ["", ".", "..", "x", "a run. 1.5", "../runs/x.1", "/etc.1", "a run. 1."])
def test_nothing_but_an_entry_of_the_trash_is_taken_back(runs, job, entry):
    discard(job)
    with pytest.raises(TrainingError, match="not in the trash"):
        restore(runs.folder, entry)


def test_the_same_name_can_be_deleted_again(runs, job):
    first = discard(job)
    job.path.mkdir()
    job.config.write_text("{}")
    assert discard(job) != first
    assert len(list(first.parent.iterdir())) == 2


def test_runs_leave_the_trash_after_some_days_and_nothing_else_does(runs, job):
    place = discard(job)
    old = place.with_name(f"old.{int((time.time() - (KEPT_DAYS + 0.1) * DAY) * 1e9)}")
    other = place.with_name("notes")
    old.mkdir()
    other.mkdir()
    assert runs.current() is None
    assert sorted(path.name for path in place.parent.iterdir()) == sorted([place.name, "notes"])
    empty_trash(runs.folder / "nowhere")
