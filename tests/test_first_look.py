"""The first look: what it counts, what it advises, and what it leaves in the run's folder."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from shard_folders import shard_folder
from toy_clips import toy_data

from echogan.errors import Cancelled
from echogan.first_look import FirstLook, Side, advise, count_duplicates, first_look, held_back
from echogan.model.discriminators import DiscriminatorConfig
from echogan.model.generators import GeneratorConfig
from echogan.training.config import TrainingConfig
from echogan.training.shards import open_shards


@pytest.fixture
def config(tmp_path) -> TrainingConfig:
    return TrainingConfig(
        name="look", folder=str(tmp_path), size=64, generator=GeneratorConfig(channels=8, blocks=1), steps=3600,
        judge=DiscriminatorConfig(filters=8), workers=0, device="cpu", batch_size=2,
    )  # fmt: skip


def test_what_differs_is_worth_starting_and_what_does_not_is_not(config):
    said: list[str] = []
    found = first_look(config, said.append, toy_data())
    assert found.separability > 0.8
    assert found.worth_starting
    assert found.seconds_per_step == pytest.approx(found.hours, rel=1e-6)  # 3600 steps
    assert any("judged right" in line for line in said)
    assert "simulated" in found.text()
    kept = json.loads((config.run_path / "check.json").read_text())
    assert kept["separability"] == found.separability
    sheet = cv2.imread(str(config.run_path / "check.png"))
    assert sheet is not None
    assert sheet.shape[1] > 8 * 128
    alike = first_look(replace(config, name="alike"), said.append, toy_data(alike=True))
    assert alike.separability < found.separability
    assert not alike.worth_starting
    assert alike.advice[-1].startswith("Not worth starting")


def test_patients_held_back_are_the_ones_judged(config, tmp_path):
    """A network that knows its few clips by heart must not pass for one that sees a difference."""
    folders = [
        shard_folder(
            tmp_path / side, clips=6, splits=("train", "train", "val"), first_patient=first, seed=first
        )
        for side, first in (("low", 0), ("high", 50))
    ]
    given = replace(config, low=str(folders[0]), high=str(folders[1]))
    unseen = held_back(given, "cpu")
    assert unseen is not None
    assert unseen.facts()["low"]["split"] == "val"
    assert first_look(given, lambda _: None).separability < 0.75  # both sides are the same noise
    assert held_back(config, "cpu") is None
    assert held_back(replace(given, high=str(shard_folder(tmp_path / "no_val"))), "cpu") is None


def test_it_can_be_stopped(config):
    with pytest.raises(Cancelled):
        first_look(config, lambda _: None, toy_data(), cancel=lambda: True)
    assert not (config.run_path / "check.json").exists()


def test_clips_on_both_sides_are_counted(tmp_path):
    one, other = (
        shard_folder(tmp_path / "a", clips=5),
        shard_folder(tmp_path / "b", clips=5, first_patient=3, seed=1),
    )
    low, high = open_shards(one), open_shards(other)
    assert count_duplicates(low, high) == 0
    assert count_duplicates(low, low) == 5
    assert count_duplicates(None, high) == count_duplicates(low, None) == 0
    with np.load(one / "shard_0000.npz") as file:
        arrays = dict(file)
    with np.load(other / "shard_0000.npz") as file:
        arrays["frames"][2] = file["frames"][4]
    np.savez_compressed(one / "shard_0000.npz", **arrays)
    again = open_shards(shard_copy(one, tmp_path / "c"))
    assert count_duplicates(again, high) == 1


def shard_copy(folder, target):
    target.mkdir()
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target


SIDE = Side(clips=500, patients=400, mean_grey=60, sd_grey=30)
PLAIN = FirstLook(SIDE, SIDE, 0.9, 0, 0, 1.0, 1.0, (), True)


@pytest.mark.parametrize(
    ("changed", "worth", "words"),
    [
        ({}, True, ["Worth starting"]),
        ({"separability": 0.65}, True, ["long run only"]),
        ({"separability": 0.55}, False, ["Not worth starting"]),
        ({"duplicates": 3}, True, ["3 clips are on both sides", "Worth starting"]),
        ({"shared_patients": 2}, True, ["2 patients are on both sides", "Worth starting"]),
        ({"low": replace(SIDE, clips=20)}, True, ["20 low clips are few", "Worth starting"]),
        ({"low": replace(SIDE, clips=0, patients=0)}, True, ["Worth starting"]),
    ],
)
def test_the_advice_names_what_is_wrong_and_ends_with_a_verdict(changed, worth, words):
    advice, start = advise(replace(PLAIN, **changed))
    assert start is worth
    assert len(advice) == len(words)
    assert all(word in line for word, line in zip(words, advice, strict=True))
