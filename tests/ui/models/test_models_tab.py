"""The Models tab: every model at hand with its facts and card, and removal by the machine's owner alone."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from huggingface_hub import constants

from echogan.model.checkpoints import checkpoint as store
from echogan.model.checkpoints.checkpoint import BUNDLED, describe_checkpoint
from echogan.model.checkpoints.hub_cache import cached_checkpoints
from echogan.ui.enhance.model_choice import ModelChoices
from echogan.ui.models.model_facts import list_models
from echogan.ui.models.tab import ModelsTab, table_html

COMMIT = "c" * 40
CACHED = f"heart/net@{COMMIT}"


@pytest.fixture
def choices(tmp_path, monkeypatch) -> ModelChoices:
    """Bundled models, one of a run, and in the cache one checkpoint and one model of another program."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(store, "BUNDLED", BUNDLED)  # the pages of browser tests have models of their own
    root = tmp_path / "models--heart--net"
    shutil.copytree(BUNDLED / "echogan-unpaired", root / "snapshots" / COMMIT)
    for name in ("README.md", "trust.json", "trust.safetensors"):
        (root / "snapshots" / COMMIT / name).unlink()
    bert = tmp_path / "models--other--bert" / "snapshots" / COMMIT
    bert.mkdir(parents=True)
    (bert / "config.json").write_text('{"model_type": "bert"}')
    (bert / "model.safetensors").write_bytes(b"0")
    models = ModelChoices()
    models.offer("mine", BUNDLED / "echogan")
    return models


def test_every_model_is_listed_with_its_facts(choices):
    found = {facts.name: facts for facts in list_models(choices)}
    assert list(found) == ["echogan", "echogan-camus", "echogan-unpaired", "run: mine", CACHED]
    assert [facts.kind for facts in found.values()] == [*["bundled"] * 3, "added", "cached"]
    assert [facts.calibrated for facts in found.values()] == [True, True, True, True, False]
    assert found["echogan"].trained_on == "simulated clips"
    assert found["echogan-camus"].trained_on == "simulated and recorded clips"
    assert found["echogan-camus"].license == "CC BY-NC-SA 4.0"
    info = describe_checkpoint(BUNDLED / "echogan")
    assert (found["echogan"].sha256, found["echogan"].parameters) == (info.sha256, info.parameters)
    assert found["echogan"].size == (BUNDLED / "echogan" / "model.safetensors").stat().st_size
    assert "folder" not in found["echogan"].told()


def test_the_card_is_shown_without_its_header(choices):
    card, button = ModelsTab(choices).choose("echogan")
    assert card.startswith("# echogan")
    assert "library_name" not in card.partition("# echogan")[0]
    assert button.visible is False
    card, button = ModelsTab(choices).choose(CACHED)
    assert card == "Its card is at huggingface.co/heart/net."
    assert button.visible is True


def test_the_owner_removes_from_the_cache_and_nobody_else(choices, monkeypatch):
    tab, told = ModelsTab(choices), []
    monkeypatch.setattr("echogan.ui.models.tab.show_error", lambda error, title: told.append(str(error)))
    monkeypatch.setenv("ECHOGAN_HOSTS", "echo.example.org")
    tab.remove(CACHED)
    assert "whoever runs this server" in told.pop()
    assert CACHED in {one.name for one in cached_checkpoints()}
    assert CACHED not in {facts.name for facts in list_models(choices)}  # what others fetched is not shown
    monkeypatch.delenv("ECHOGAN_HOSTS")
    tab.remove("echogan")
    assert "not in the cache" in told.pop()
    table, chosen, *_ = tab.remove(CACHED)
    assert told == []
    assert CACHED not in table
    assert chosen.value == "echogan"
    assert (BUNDLED / "echogan" / "model.safetensors").is_file()


def test_what_a_repository_says_of_itself_is_no_html(choices):
    (facts,) = [one for one in list_models(choices) if one.name == CACHED]
    shown = table_html([replace(facts, license="<script>x</script>")])
    assert "<script>" not in shown
