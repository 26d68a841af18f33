"""Whose a run is, and what others may see and do."""

import json
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from echogan.core.errors import SettingsError, TrainingError
from echogan.jobs.job import Job, Status
from echogan.jobs.runs import Runs
from echogan.ui.train import layout, run_samples
from echogan.ui.train.actions_layout import Actions
from echogan.ui.train.handlers import TrainHandlers
from echogan.ui.train.ownership import check_owns, claim, owns, release, token_of

TOKEN = "t" * 43


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """A folder with a live run `own` of own clips and one `simulated`, both of TOKEN; what was stopped is noted."""
    found = Runs(tmp_path / "runs", tmp_path / "lock.json")
    frames = np.random.default_rng(0).integers(0, 255, (2, 32, 32), dtype=np.uint8)
    for name, low in (("own", str(tmp_path / "patients")), ("simulated", "")):
        job = Job(found.path(name))
        claim(job, TOKEN)
        job.previews.mkdir()
        job.config.write_text(json.dumps({"name": name, "steps": 100, "low": low}))
        job.log.write_text(f"reading {low}/doe_jane.dcm")
        np.savez(job.preview(10), poor=frames, enhanced=frames)
    running = Status("starting", 1, 100, message="reading doe_jane.dcm")
    monkeypatch.setattr(Job, "status", lambda self: running)
    monkeypatch.setattr(Job, "can_resume", lambda self: True)
    stopped: list[str] = []
    monkeypatch.setattr(Runs, "stop", lambda self, name: stopped.append(name))
    found.stopped = stopped  # type: ignore[attr-defined]
    return found


def handlers_of(runs: Runs, own_machine: bool = True, folders=()) -> Any:
    view: Any = SimpleNamespace(**{field.name: field.name for field in fields(layout.RunView)})
    view.actions = SimpleNamespace(**{field.name: f"act {field.name}" for field in fields(Actions)})
    form: Any = SimpleNamespace(stop="stop", progress="progress", low_zip="low", high_zip="high", settings={})
    nothing: Any = SimpleNamespace(names=list)
    return TrainHandlers(runs, nothing, nothing, form, view, nothing, list(folders), own_machine)


def test_a_token_is_random_and_one_that_was_kept_stays():
    assert len({token_of("") for _ in range(3)} | {token_of(None)}) == 4
    assert token_of(TOKEN) == TOKEN
    assert token_of("x") != "x"


def test_a_run_is_of_its_token_and_one_of_the_command_line_of_the_machine(runs):
    job = runs.job("own")
    assert owns(job, TOKEN, own_machine=False)
    for wrong in (None, "", "x" * 43, TOKEN + "x", 7, [TOKEN], "\ud800"):
        assert not owns(job, wrong, own_machine=True)
        with pytest.raises(TrainingError, match="browser that started"):
            check_owns(job, wrong, own_machine=True)
    (job.path / ".owner").unlink()
    assert owns(job, "", own_machine=True)
    assert not owns(job, "", own_machine=False)


def test_a_run_that_did_not_begin_leaves_no_owner_and_one_that_is_there_keeps_its(runs):
    new = Job(runs.path("new"))
    claim(new, TOKEN)
    release(new)
    assert not new.path.exists()
    release(runs.job("own"))
    assert owns(runs.job("own"), TOKEN, own_machine=False)


@pytest.mark.parametrize("token", ["", "x" * 43])
def test_others_see_no_sample_and_no_word_of_a_run_with_own_clips(runs, token):
    handlers = handlers_of(runs)
    seen = str(handlers.refresh("own", None, {}, token)) + str(handlers.show_samples("own", 10, token))
    assert "data:image" not in seen
    assert "doe_jane" not in seen
    assert run_samples.PRIVATE in str(handlers.show_samples("own", 10, token))
    shown = handlers.refresh("own", None, {}, TOKEN)
    assert "data:image" in shown["samples"]
    assert "doe_jane" in shown["log"]
    assert "data:image" in handlers.refresh("simulated", None, {}, token)["samples"]


@pytest.mark.parametrize("name", ["own", "simulated"])
def test_others_cannot_stop_resume_or_use_a_run(runs, name, monkeypatch):
    handlers = handlers_of(runs)
    told: list[str] = []
    monkeypatch.setattr("echogan.ui.train.handlers.show_error", lambda error, title: told.append(str(error)))
    monkeypatch.setattr(Runs, "resume", lambda self, name: pytest.fail("resumed"))
    for act in (handlers.stop, handlers.resume):
        answer = act(name, None, {}, "x" * 43)
        assert not answer["stop"].interactive
    handlers.use(name, "x" * 43)
    assert [sentence for sentence in told if "browser that started" in sentence] == told
    assert len(told) == 3
    assert runs.stopped == []
    handlers.stop(name, None, {}, TOKEN)
    assert runs.stopped == [name]


def test_folders_are_taken_inside_offered_ones_only_and_never_told_apart(runs, tmp_path):
    inside, outside = tmp_path / "offered" / "poor", tmp_path / "offered-not"
    for folder in (inside, outside):
        folder.mkdir(parents=True)
    (tmp_path / "offered" / "link").symlink_to(outside)
    handlers = handlers_of(runs, folders=[tmp_path / "offered"])
    assert handlers.folders.of_side("poor", str(inside)) == inside
    sentences = set()
    for wrong in (
        outside,
        tmp_path / "nowhere",
        inside / ".." / ".." / "offered-not",
        tmp_path / "offered" / "link",
        "/",
    ):
        with pytest.raises(SettingsError) as caught:
            handlers.folders.of_side("poor", str(wrong))
        sentences.add(str(caught.value))
    assert len(sentences) == 1
    assert str(tmp_path) not in sentences.pop()


def test_without_offered_folders_none_is_taken(runs, tmp_path):
    with pytest.raises(SettingsError, match="ECHOGAN_DATA_FOLDERS"):
        handlers_of(runs).folders.of_side("poor", str(tmp_path))
