"""The settings: ranges, flags, and what a resumed run may change."""

from dataclasses import asdict, replace

import pytest

from echogan.cli.main import _parse
from echogan.core.errors import SettingsError, TrainingError
from echogan.core.settings import flatten_settings
from echogan.model.networks.discriminators import DiscriminatorConfig
from echogan.training.__main__ import main, parser, read, resumed
from echogan.training.config import TrainingConfig, check_same, with_settings
from echogan.training.run_folder import RunFolder


def test_defaults_are_allowed_and_every_setting_says_what_it_does():
    TrainingConfig().check()
    assert all(f.metadata.get("help") for _, _, f in flatten_settings(TrainingConfig()))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("steps", 0),
        ("steps", 2.5),
        ("batch_size", True),
        ("size", 250),
        ("size", 32),
        ("learning_rate", float("nan")),
        ("ema_decay", 1.0),
        ("device", "tpu"),
        ("discriminator.norm", "batch"),
        ("loss.cycle", 1e6),
        ("generator.channels", 2),
        ("phantom_share", -0.1),
        ("workers", -1),
        ("resume", "yes"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(setting, value):
    with pytest.raises(SettingsError, match=setting):
        with_settings(TrainingConfig(), {setting: value}).check()


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 200])
def test_a_name_is_one_folder(name):
    with pytest.raises(SettingsError, match="name"):
        TrainingConfig(name=name).check()


def test_a_resumed_run_may_move_and_report_otherwise():
    before = asdict(TrainingConfig())
    check_same(TrainingConfig(resume=True, workers=0, threads=2, tick=1, steps=9, folder="else"), before)


def test_a_resumed_run_keeps_what_decides_the_weights():
    with pytest.raises(TrainingError, match=r"loss.cycle was 5\.0, now 9\.0"):
        check_same(with_settings(TrainingConfig(), {"loss.cycle": 9.0}), asdict(TrainingConfig()))


def test_a_flag_for_every_setting():
    given = vars(parser().parse_args(["--learning-rate", "0.01", "--resume", "--discriminator.norm", "none"]))
    assert given.pop("separability") is None
    config = with_settings(TrainingConfig(), given)
    discriminator = DiscriminatorConfig(norm="none")
    assert config == TrainingConfig(learning_rate=0.01, resume=True, discriminator=discriminator)


def test_a_mistake_ends_with_its_sentence_and_2(capsys):
    assert main(["--steps", "0"]) == 2
    assert "steps is 0; give a whole number from 1" in capsys.readouterr().err


def test_discriminators_alone_for_the_whole_run_are_refused():
    with pytest.raises(SettingsError, match="discriminators_first is 10 of 10 steps"):
        TrainingConfig(steps=10, discriminators_first=10).check()


def test_a_run_may_be_moved_but_not_take_up_a_setting_it_had_not():
    before = asdict(TrainingConfig(low="/old/data/low"))
    check_same(TrainingConfig(low="/new/data/low", name="renamed"), before)
    del before["discriminators_first"]
    check_same(TrainingConfig(), before)
    with pytest.raises(TrainingError, match="discriminators_first was 0, now 5"):
        check_same(TrainingConfig(discriminators_first=5), before)


def test_half_size_leaves_the_discriminators_enough_to_see():
    with pytest.raises(SettingsError, match="half size give 128"):
        TrainingConfig(size=112, half_size_steps=10).check()
    TrainingConfig(size=128, half_size_steps=10).check()
    TrainingConfig(size=64).check()


def test_a_resumed_run_takes_from_its_folder_what_the_command_line_leaves_out(tmp_path):
    begun = with_settings(
        TrainingConfig(name="one", folder=str(tmp_path)),
        {"steps": 30_000, "loss.cycle": 3.0, "loss.cycle_jitter": True},
    )
    RunFolder(begun.run_path).write_config(asdict(begun))
    line = ["--name", "one", "--folder", str(tmp_path), "--resume"]
    wanted = replace(begun, resume=True)
    assert resumed(read(parser(), line)[0], line) == wanted
    assert _parse("train", line).config == wanted
    more = [*line, "--steps", "8000", "--workers", "0", "--loss.cycle-jitter"]  # 8000 is what a new run has
    wanted = replace(wanted, steps=8000, workers=0)
    assert resumed(read(parser(), more)[0], more) == wanted
    assert _parse("train", more).config == wanted
    assert _parse("train", line[:-1]).config == replace(TrainingConfig(), name="one", folder=str(tmp_path))
    (begun.run_path / "config.json").write_text('{"of_another_version": 1}')
    with pytest.raises(TrainingError, match="not those of this version"):
        _parse("train", line)
