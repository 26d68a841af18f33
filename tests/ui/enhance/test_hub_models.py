"""A model of the Hub is fetched while its clip waits; the device goes on with what others wait for."""

import threading

import pytest
import torch
from small_workplace import gif, in_state, line, sent

from echogan.core.errors import InvalidCheckpoint
from echogan.model.checkpoints.checkpoint import CheckpointConfig, read_checkpoint, save_checkpoint
from echogan.model.networks.generators import GeneratorConfig, build_generator
from echogan.ui.enhance import model_choice
from echogan.ui.enhance.model_choice import ModelChoices

COMMIT = "c" * 40


@pytest.fixture
def slow_hub(tmp_path, monkeypatch):
    """A Hub whose answer waits for `go`; the calls as (name, offline)."""
    torch.manual_seed(0)
    small = GeneratorConfig(channels=4, blocks=1)
    config = CheckpointConfig(name="tiny", generator=small, working_size=64)
    save_checkpoint(tmp_path / "tiny", config, build_generator(small), build_generator(small))
    go, calls = threading.Event(), []

    def load(name, offline=None):
        calls.append((name, offline))
        if not offline:
            assert go.wait(60)
        return read_checkpoint(tmp_path / "tiny", source=name, revision=COMMIT, notes=("A note.",))

    monkeypatch.setattr(model_choice, "load_repository", load)
    yield go, calls
    go.set()


def a_clip(place, tmp_path, seed):
    visit, _ = place.visits.arrive(None, f"page{seed}")
    (clip,), _ = place.add(visit, [sent(gif(tmp_path / f"{seed}.gif", seed=seed), tmp_path / "gradio")])
    in_state(place, visit, clip, "ready")
    return visit, clip


def test_a_clip_that_waits_for_its_model_keeps_nobody_from_the_device(place, tmp_path, slow_hub):
    go, calls = slow_hub
    slow, quick = a_clip(place, tmp_path, 1), a_clip(place, tmp_path, 2)
    place.enhance(slow[0], [slow[1]], "user/model")
    place.enhance(quick[0], [quick[1]], "halve")
    in_state(place, *quick, "done")
    waiting = line(place, *slow)
    assert (waiting["state"], waiting["progress"]) == ("queued", "Fetching the model")
    go.set()
    in_state(place, *slow, "done")
    assert calls == [("user/model", None), (f"user/model@{COMMIT}", True)]
    stored = place.clip(*slow).result
    assert (stored.checkpoint.source, stored.checkpoint.notes) == ("user/model", ("A note.",))


def test_a_clip_that_is_stopped_while_its_model_is_fetched_does_not_begin(place, tmp_path, slow_hub):
    go, _ = slow_hub
    visit, clip = a_clip(place, tmp_path, 1)
    place.enhance(visit, [clip], "user/model")
    place.stop(visit, [clip])
    go.set()
    place.enhancing.fetching.close()
    assert in_state(place, visit, clip, "ready")["error"] == ""
    assert place.enhancing.queue.places() == {}


def test_a_repository_that_is_refused_says_why(place, tmp_path, monkeypatch):
    def refuse(name, offline=None):
        raise InvalidCheckpoint("config.json of user/model has no field 'name'.")

    monkeypatch.setattr(model_choice, "load_repository", refuse)
    visit, clip = a_clip(place, tmp_path, 1)
    place.enhance(visit, [clip], "user/model")
    assert "no field" in in_state(place, visit, clip, "failed")["error"]


def test_what_is_bundled_is_at_hand_and_a_repository_is_not():
    models = ModelChoices()
    assert all(models.at_hand(name) for name in models.names())
    assert not models.at_hand("user/model")
