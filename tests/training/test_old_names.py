"""What earlier versions called otherwise still loads: settings, saved state, metrics and flags."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from toy_clips import ToyClips, toy_data

from echogan.core.errors import TrainingError
from echogan.jobs.job import Job
from echogan.model.networks.discriminators import DiscriminatorConfig
from echogan.model.networks.generators import GeneratorConfig
from echogan.training.__main__ import parser, read
from echogan.training.config import TrainingConfig, as_begun, from_settings
from echogan.training.data.loader import TrainingData
from echogan.training.old_names import RENAMED, current_flags, current_name, current_names
from echogan.training.resume_checks import OTHER_PHANTOM
from echogan.training.trainer import train

OLD = {new: old for old, new in RENAMED.items()}


def old_name(name: str) -> str:
    """A name as the version before wrote it."""
    for new, old in OLD.items():
        name = name.replace(new, old) if name == new or not name.startswith("evaluations") else name
    return name


def test_every_old_name_has_its_current_one():
    assert current_name("judge.norm") == "discriminator.norm"
    assert current_name("gan/judge_high.body.0.weight") == "gan/discriminator_high.body.0.weight"
    assert current_name("judges_first") == "discriminators_first"
    assert current_name("worse") == "evaluations_without_improvement"
    assert current_name("prejudge.worsening") == "prejudge.worsening"  # only whole parts of a name


def test_flags_are_renamed_and_values_are_not():
    line = ["--judge.kind", "unet", "--judges-first=40", "--name", "judge", "--start-from", "runs/judge"]
    renamed = ["--discriminator.kind", "unet", "--discriminators-first=40", *line[3:]]
    assert current_flags(line) == renamed
    config, _ = read(parser(), line)
    assert (config.discriminator.kind, config.discriminators_first) == ("unet", 40)
    assert (config.name, config.start_from) == ("judge", "runs/judge")


def test_settings_of_an_earlier_version_are_read():
    settings = asdict(TrainingConfig(discriminators_first=7, discriminator=DiscriminatorConfig(filters=8)))
    old = {old_name(name): value for name, value in settings.items()}
    assert "judge" in old
    assert current_names(old) == settings
    assert from_settings(old) == from_settings(settings)


def age(run: Path) -> None:
    """Write a run's config.json, state and metrics as the version before did."""
    config = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({old_name(name): v for name, v in config.items()}))
    path = run / "state.safetensors"
    with safe_open(path, "pt") as file:
        facts = json.loads(file.metadata()["facts"])
    facts = {old_name(name): value for name, value in facts.items()}
    assert "worse" in facts
    save_file({old_name(k): t for k, t in load_file(path).items()}, path, {"facts": json.dumps(facts)})
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    aged = [json.dumps({old_name(name): v for name, v in line.items()}) for line in lines]
    (run / "metrics.jsonl").write_text("\n".join(aged) + "\n")


@pytest.fixture
def config(tmp_path: Path) -> TrainingConfig:
    return TrainingConfig(
        folder=str(tmp_path), steps=4, size=64, batch_size=1, generator=GeneratorConfig(channels=8, blocks=1),
        discriminator=DiscriminatorConfig(filters=4), pool_size=3, clips_per_round=2, frames_per_clip=2,
        steps_per_round=4, workers=0, device="cpu", tick=1, save_every=2, eval_every=2, preview_every=4,
        held_out_clips=1,
    )  # fmt: skip


def stopped_after_two(config: TrainingConfig, data: TrainingData) -> Path:
    run = Path(config.folder) / config.name
    train(config, data, lambda text: (run / "stop").touch() if text.startswith("step 1/") else None)
    return run


def test_a_run_of_an_earlier_version_resumes_with_the_same_bits(config):
    whole = train(replace(config, name="whole"), toy_data(), lambda text: None)
    run = stopped_after_two(replace(config, name="old"), toy_data())
    age(run)
    begun = as_begun(replace(config, name="old", resume=True))
    assert begun.discriminator == config.discriminator
    train(replace(config, name="old", resume=True), toy_data(), lambda text: None)
    one, other = (load_file(folder / "state.safetensors") for folder in (whole, run))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert all("discriminators" in line for line in Job(run).lines() if "seconds_per_step" in line)


class PhantomClips(ToyClips):
    """Toy clips that say they are of a version of the phantom."""

    version = "1.2.0"

    def facts(self) -> dict[str, object]:
        return {**super().facts(), "phantom": self.version}


def test_a_run_of_an_earlier_phantom_goes_on_and_says_so(config, monkeypatch):
    data = TrainingData(PhantomClips("degraded"), PhantomClips("clear"), PhantomClips("pair"))
    config = replace(config, name="phantom")
    stopped_after_two(config, data)
    monkeypatch.setattr(PhantomClips, "version", "1.3.0")
    said: list[str] = []
    train(replace(config, resume=True), data, said.append)
    assert f"note: {OTHER_PHANTOM}" in said
    with pytest.raises(TrainingError, match="not those it began with"):
        train(replace(config, resume=True, steps=6), toy_data(alike=True), lambda text: None)
