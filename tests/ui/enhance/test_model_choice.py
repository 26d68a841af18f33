"""Which models a visitor may load: bundled ones and repositories; never a path of the machine."""

import pytest
import torch

from echogan.core.errors import CheckpointError, CheckpointNotFound
from echogan.model.checkpoints import checkpoint as store
from echogan.model.checkpoints.checkpoint import CheckpointConfig, save_checkpoint
from echogan.model.networks.generators import GeneratorConfig, build_generator
from echogan.ui.enhance.model_choice import ModelChoices


@pytest.fixture
def bundled(tmp_path, monkeypatch):
    torch.manual_seed(0)
    config = CheckpointConfig(name="tiny", generator=GeneratorConfig(channels=8, blocks=1))
    for name in ("one", "two", "three"):
        save_checkpoint(
            tmp_path / name, config, build_generator(config.generator), build_generator(config.generator)
        )
    monkeypatch.setattr(store, "BUNDLED", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_bundled_models_are_listed_and_loaded_once(bundled):
    models = ModelChoices()
    assert models.names() == ["one", "three", "two"]
    assert models.load(" one ") is models.load("one")
    assert models.load("one").source == "one"


def test_only_the_last_two_stay_in_memory(bundled):
    models = ModelChoices()
    first = models.load("one")
    models.load("two")
    models.load("three")
    assert models.load("one") is not first


@pytest.mark.parametrize(
    "text", ["/etc", "../one", "./one", "~", "one/config.json", "a b/c", "", "<script>", "x" * 500]
)
def test_paths_and_nonsense_are_refused_with_a_sentence(bundled, text):
    with pytest.raises(CheckpointNotFound) as refusal:
        ModelChoices().load(text)
    assert len(str(refusal.value)) < 250


def test_a_name_of_ten_megabytes_is_refused_with_a_short_sentence(bundled):
    with pytest.raises(CheckpointNotFound) as refusal:
        ModelChoices().check("x" * 10_000_000)
    assert len(str(refusal.value)) < 250


def test_a_name_does_not_tell_whether_a_folder_exists(tmp_path, monkeypatch):
    (tmp_path / "user" / "there").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    for name in ("user/there", "user/nowhere"):
        ModelChoices().check(name)


def test_a_folder_that_looks_like_a_repository_is_not_opened(bundled):
    nested = bundled / "user"
    (bundled / "one").rename(bundled / "moved")
    nested.mkdir()
    (bundled / "moved").rename(nested / "model")
    with pytest.raises(CheckpointNotFound):
        ModelChoices().load("user/model")


def test_without_a_connection_a_repository_is_refused_quickly(bundled, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(CheckpointError):
        ModelChoices().load("user/model@main")


def test_with_nothing_bundled_the_sentence_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "BUNDLED", tmp_path)
    with pytest.raises(CheckpointNotFound, match=r"echogan train.*user/model"):
        ModelChoices().load(None)


def test_a_host_offers_what_it_names_and_nothing_else(bundled, monkeypatch):
    monkeypatch.setenv("ECHOGAN_MODELS", "two,user/model,other/model@v1")
    models = ModelChoices()
    assert models.names() == ["two", "user/model", "other/model@v1"]
    assert models.first == "two"
    assert models.load("two").source == "two"
    for name in ("user/model", "user/model@v2", "other/model@v1"):
        models.check(name)
        assert not models.at_hand(name), "it is fetched from the Hub"
    for name in ("one", "other/model", "other/model@v2", "user/other", "user/model/x"):
        with pytest.raises(CheckpointNotFound) as refusal:
            models.check(name)
        assert len(str(refusal.value)) < 250
    with pytest.raises(
        CheckpointNotFound, match=r"does not offer the model one\. Choose one of two, user/model"
    ):
        models.load("one")


def test_a_run_of_this_server_is_offered_beside_what_the_host_names(bundled, monkeypatch):
    monkeypatch.setenv("ECHOGAN_MODELS", "two")
    models = ModelChoices()
    name = models.offer("mine", bundled / "one")
    assert models.names() == ["two", name]
    assert models.load(name).source == name
