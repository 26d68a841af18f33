"""The licence that a run's weights may carry, and what its checkpoint tells of the machine it was made on."""

import json
from dataclasses import replace

import pytest
from shard_folders import shard_folder
from toy_clips import toy_data

from echogan.core.errors import SettingsError
from echogan.model.checkpoints.checkpoint import read_checkpoint
from echogan.model.networks.discriminators import DiscriminatorConfig
from echogan.model.networks.generators import GeneratorConfig
from echogan.training.config import TrainingConfig
from echogan.training.data.loader import open_data
from echogan.training.export import licence
from echogan.training.trainer import train


@pytest.fixture
def config(tmp_path) -> TrainingConfig:
    return TrainingConfig(
        folder=str(tmp_path), steps=1, size=64, batch_size=1, generator=GeneratorConfig(channels=8, blocks=1),
        discriminator=DiscriminatorConfig(filters=4), clips_per_round=1, frames_per_clip=1, workers=0, device="cpu",
        held_out_clips=1,
    )  # fmt: skip


def test_weights_of_recorded_clips_have_no_licence_that_we_could_know(config, tmp_path):
    high = str(shard_folder(tmp_path / "high"))
    assert licence(config, open_data(config)) == "MIT"
    mixed = replace(config, high=high, phantom_share=0.5)
    assert licence(mixed, open_data(mixed)) == "not stated"
    own = replace(mixed, license="CC BY-NC-SA 4.0")
    assert licence(own, open_data(own)) == "CC BY-NC-SA 4.0"
    with pytest.raises(SettingsError, match="plain characters"):
        replace(config, license="\n").check()


def test_a_run_inherits_the_licence_of_the_weights_it_starts_from(config):
    first = train(replace(config, name="first", license="CC BY-NC-SA 4.0"), toy_data(), lambda text: None)
    assert read_checkpoint(first / "checkpoint").config.license == "CC BY-NC-SA 4.0"
    then = train(replace(config, name="then", start_from=str(first)), toy_data(), lambda text: None)
    assert read_checkpoint(then / "checkpoint").config.license == "CC BY-NC-SA 4.0"
    about = json.loads((first / "checkpoint" / "config.json").read_text())
    about |= {"license": "MIT", "trained_on": {"low": {"mixture": [{"shards": "0123456789ab"}]}}}
    (first / "checkpoint" / "config.json").write_text(json.dumps(about))  # as earlier versions wrote it
    assert licence(replace(config, start_from=str(first)), toy_data()) == "not stated"
    (first / "checkpoint" / "config.json").unlink()
    assert licence(replace(config, start_from=str(first)), toy_data()) == "not stated"


def test_a_checkpoint_tells_no_folder_of_the_machine(config, tmp_path):
    first = train(replace(config, name="first"), toy_data(), lambda text: None)
    away = replace(
        config, segmenter=str(tmp_path / "patients" / "segmenter"), start_from=str(first), name="b"
    )
    kept = read_checkpoint(train(away, toy_data(), lambda text: None) / "checkpoint").config.training
    assert (kept["segmenter"], kept["start_from"]) == ("segmenter", "first")
    assert str(tmp_path) not in str(kept)


def test_a_checkpoint_asks_for_the_dark_level_that_it_was_trained_with(config):
    lifted = train(replace(config, dark_level=0.1), toy_data(), lambda text: None)
    assert read_checkpoint(lifted / "checkpoint").config.dark_level == 0.1
    plain = train(replace(config, name="plain"), toy_data(), lambda text: None)
    assert read_checkpoint(plain / "checkpoint").config.dark_level == 0.0
