"""Download, publish, delete and undo: what they do, for whom, and that a token is nowhere afterwards."""

from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile

import huggingface_hub
import pytest
from fakehub import FakeHub
from huggingface_hub import constants
from small_archive import small_checkpoint

from echogan.jobs.job import Job
from echogan.jobs.runs import Runs
from echogan.model.checkpoints.checkpoint import CheckpointConfig, read_checkpoint, save_checkpoint
from echogan.ui.enhance.model_choice import ModelChoices
from echogan.ui.train import run_actions
from echogan.ui.train.actions_layout import Actions
from echogan.ui.train.ownership import NOT_YOURS, claim
from echogan.ui.train.run_actions import OWNERS_ALONE, RunActions

TOKEN = "t" * 43
HUB = ("heart/echo", "", False)  # repository, licence, whether all may see it


@pytest.fixture
def told(monkeypatch) -> list[str]:
    """The sentences of toasts."""
    found: list[str] = []
    monkeypatch.setattr(run_actions, "show_error", lambda error, title: found.append(str(error)))
    return found


@pytest.fixture
def runs(tmp_path) -> Runs:
    """A folder with the run `one` of TOKEN, which has a network."""
    found = Runs(tmp_path / "runs", tmp_path / "lock.json")
    job = Job(found.path("one"))
    claim(job, TOKEN)
    job.config.write_text('{"name": "one", "steps": 10}')
    small_checkpoint(job.path / "checkpoint")
    return found


@pytest.fixture
def acts(runs, monkeypatch, tmp_path) -> RunActions:
    monkeypatch.setattr(run_actions, "app_folder", lambda name: tmp_path)
    return actions_of(runs)


def actions_of(runs: Runs, own_machine: bool = True) -> RunActions:
    names: Any = SimpleNamespace(**{field.name: field.name for field in fields(Actions)})
    return RunActions(runs, ModelChoices(), names, own_machine)


def everything(acts: RunActions, token: str, entry: str = "one.1") -> None:
    """Ask for all that can be done."""
    acts.download("one", token)
    acts.publish("one", token, *HUB, "hf_typedSecret")
    acts.ask("one", token)
    acts.delete("one", token)


def test_the_network_is_downloaded_as_a_zip(acts, told):
    button = acts.download("one", TOKEN)["save"]
    assert button.visible
    assert button.value is not None
    assert "Save one.zip, " in button.label
    with ZipFile(next(acts.runs.folder.parent.rglob("one.zip"))) as file:
        assert "one/model.safetensors" in file.namelist()
    assert told == []


@pytest.mark.parametrize(
    ("own_machine", "token", "why"), [(False, TOKEN, OWNERS_ALONE), (True, "x" * 43, NOT_YOURS)]
)
def test_others_and_visitors_of_a_shared_server_are_refused(runs, told, monkeypatch, own_machine, token, why):
    monkeypatch.setattr(run_actions, "publish", lambda *_, **__: pytest.fail("published"))
    everything(actions_of(runs, own_machine), token)
    assert told == [why] * 4
    assert [job.name for job in runs.list()] == ["one"]


def test_a_visitor_of_a_shared_server_takes_nothing_back(runs, told):
    acts = actions_of(runs)
    entry = acts.delete("one", TOKEN)[0]["deleted"]
    assert actions_of(runs, own_machine=False).undo(entry, TOKEN)[1] is None
    assert told == [OWNERS_ALONE]
    assert runs.list() == []


def test_a_run_is_deleted_after_a_question_and_comes_back(runs, told):
    acts = actions_of(runs)
    name = acts.models.offer("one", runs.job("one").path / "checkpoint")
    question = acts.ask("one", TOKEN)
    assert question["sure"].visible
    assert "Delete 'one'?" in question["question"]
    assert [job.name for job in runs.list()] == ["one"]
    assert not acts.keep()["sure"].visible
    update, done = acts.delete("one", TOKEN)
    assert done
    assert update["undoing"].visible
    assert runs.list() == []
    assert name not in acts.models.names()
    update, job = acts.undo(update["deleted"], TOKEN)
    assert job is not None
    assert [job.name for job in runs.list()] == ["one"]
    assert not update["undoing"].visible
    assert told == []


def test_a_run_that_is_being_trained_is_not_deleted(runs, told, monkeypatch):
    monkeypatch.setattr(Job, "process", lambda self: object())
    acts = actions_of(runs)
    acts.ask("one", TOKEN)
    assert acts.delete("one", TOKEN)[1] is False
    assert told == ["The run 'one' is being trained. Stop it first."] * 2
    assert runs.job("one").exists()


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A Hub on 127.0.0.1, and no token in the environment."""
    fake = FakeHub()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # the loopback Hub speaks plain LFS
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "home" / "token"))
    monkeypatch.setattr(constants, "ENDPOINT", fake.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    huggingface_hub.close_session()
    yield fake
    fake.close()
    huggingface_hub.close_session()


def test_what_is_published_is_private_and_the_token_is_nowhere(acts, hub, told, tmp_path, capfd):
    made = acts.publish("one", TOKEN, *HUB, hub.token)
    assert told == []
    assert [repo["private"] for repo in hub.created] == [True]
    assert "only you see it" in made["published"]
    assert f'href="{hub.url}/heart/echo/commit/' in made["published"]
    assert made["hub_token"] == ""
    assert hub.token not in str(made)
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and hub.token.encode() in p.read_bytes()]
    shown = capfd.readouterr()
    assert hub.token not in shown.out + shown.err


def test_the_token_of_the_environment_serves_where_none_is_typed_and_all_may_see_it_if_asked(
    acts, hub, told, monkeypatch
):
    assert acts.publish("one", TOKEN, *HUB, "")["published"] == ""
    assert "Set HF_TOKEN" in told.pop()
    monkeypatch.setenv("HF_TOKEN", hub.token)
    assert "everybody sees it" in acts.publish("one", TOKEN, "heart/echo", "", True, "")["published"]
    assert [repo["private"] for repo in hub.created] == [False]


def test_a_refusal_is_said_without_the_token_and_the_field_is_emptied(acts, hub, told):
    made = acts.publish("one", TOKEN, *HUB, "hf_wrongSecret")
    assert made == {"hub_token": "", "published": ""}
    assert "does not let this token write" in told[0]
    assert "Secret" not in told[0]


def test_the_licence_of_weights_of_own_clips_is_asked_for(acts, hub, told, runs):
    folder: Path = runs.job("one").path / "checkpoint"
    there = read_checkpoint(folder)
    config: CheckpointConfig = replace(there.config, trained_on={"low": {"shards": 1}}, license="not stated")
    save_checkpoint(folder, config, there.to_high, there.to_low)
    acts.publish("one", TOKEN, *HUB, hub.token)
    assert "licence of these weights is not stated" in told.pop()
    assert hub.created == []
    acts.publish("one", TOKEN, "heart/echo", " CC-BY-4.0 ", False, hub.token)
    assert told == []
    repository = hub.repos["heart/echo"]
    assert b"cc-by-4.0" in repository.commits[repository.refs["main"]]["README.md"]


def test_before_the_first_save_there_is_nothing_to_publish_or_download(runs, told):
    (runs.job("one").path / "checkpoint" / "model.safetensors").unlink()
    acts = actions_of(runs)
    acts.publish("one", TOKEN, *HUB, "hf_x")
    assert len(told) == 1
    assert "first save" in told[0]
