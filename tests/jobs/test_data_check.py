"""The data check: what it counts, what it advises, and what it leaves in the run's folder."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from shard_folders import shard_folder
from toy_clips import toy_data

from echogan.core.errors import Cancelled
from echogan.jobs.data_check import (
    check_data,
    contact_sheet,
    count_duplicates,
    every_split,
    held_back,
    seconds_per_step,
)
from echogan.model.networks.discriminators import DiscriminatorConfig
from echogan.model.networks.generators import GeneratorConfig
from echogan.training.config import TrainingConfig
from echogan.training.data.frame_pool import FramePool


@pytest.fixture
def config(tmp_path) -> TrainingConfig:
    return TrainingConfig(
        name="look", folder=str(tmp_path), size=64, generator=GeneratorConfig(channels=8, blocks=1), steps=3600,
        discriminator=DiscriminatorConfig(filters=8), workers=0, device="cpu", batch_size=2,
    )  # fmt: skip


def test_what_differs_is_worth_starting_and_what_does_not_is_not(config):
    said: list[str] = []
    found = check_data(config, said.append, toy_data())
    assert found.separability > 0.8
    assert found.worth_starting
    assert found.seconds_per_step == pytest.approx(found.hours, rel=1e-6)  # 3600 steps
    assert found.unseen
    assert any("told right" in line for line in said)
    assert "simulated" in found.text()
    kept = json.loads((config.run_path / "check.json").read_text())
    assert kept["separability"] == found.separability
    sheet = cv2.imread(str(config.run_path / "check.png"))
    assert sheet is not None
    assert sheet.shape[1] > 8 * 128
    alike = check_data(replace(config, name="alike"), said.append, toy_data(alike=True))
    assert alike.separability < found.separability
    assert not alike.worth_starting
    assert alike.advice[-1].startswith("Not worth starting")


def test_the_contact_sheet_shows_low_on_the_left_in_rows_of_four():
    def pool(level: int) -> FramePool:
        frames = torch.full((24, 1, 32, 32), level, dtype=torch.uint8)
        frames[5] = 99  # second row, second tile
        return FramePool(frames, *[torch.zeros(24)] * 5)

    sheet = contact_sheet(pool(40), pool(200))
    assert sheet.dtype == np.uint8
    tile = 128
    rows = sheet[-6 * tile :]  # below the words
    for level, left in ((40, 0), (200, 4 * tile + 8)):
        side = rows[:, left : left + 4 * tile].copy()
        assert (side[tile : 2 * tile, tile : 2 * tile] == 99).all()
        side[tile : 2 * tile, tile : 2 * tile] = level
        assert (side == level).all()


def test_patients_held_back_are_the_ones_told(config, tmp_path):
    """A network that knows its few clips by heart must not pass for one that sees a difference."""
    folders = [
        shard_folder(
            tmp_path / side, clips=6, splits=("train", "train", "val"), first_patient=first, seed=first
        )
        for side, first in (("low", 0), ("high", 50))
    ]
    given = replace(config, low=str(folders[0]), high=str(folders[1]))
    own = [Path(folder) for folder in folders]
    unseen = held_back(given, own, "cpu")
    assert unseen is not None
    assert unseen.facts()["low"]["split"] == "val"
    found = check_data(given, lambda _: None)
    assert found.separability < 0.75  # both sides are the same noise
    assert found.unseen
    assert (found.low.frames, found.low.pixels, found.low.clips) == (3, 64, 4)
    assert held_back(config, [], "cpu") is None


def test_clips_that_the_discriminator_has_learnt_from_are_no_proof(config, tmp_path):
    folders = [
        shard_folder(tmp_path / side, first_patient=first, seed=first)
        for side, first in (("a", 0), ("b", 50))
    ]
    found = check_data(replace(config, low=str(folders[0]), high=str(folders[1])), lambda _: None)
    assert not found.unseen
    assert "partly learnt from" in found.text()
    assert any("no patients kept for validation" in line for line in found.advice)


@pytest.mark.parametrize(
    ("changed", "cores", "seconds"),
    [
        ({"workers": 0}, 2, 2.0 + 0.5 * 12 / 4),
        ({"workers": 1}, 2, 2.0),  # rendered meanwhile
        ({"workers": 1}, 1, 2.0 + 1.5),
        ({"workers": 2, "clips_per_round": 80}, 3, 0.5 * 80 / 4 / 2),  # the steps wait
        ({"workers": 1, "half_size_steps": 50, "clips_per_round": 4}, 2, 2.0 * (0.5 + 0.5 / 4)),
        ({"workers": 1, "half_size_steps": 900}, 2, max(2.0 / 4, 1.5)),
    ],
)
def test_the_time_of_a_step_counts_half_size_and_rendering(config, changed, cores, seconds):
    config = replace(config, **{"steps": 100, "clips_per_round": 12, "steps_per_round": 4} | changed)
    assert seconds_per_step(config, 2.0, 0.5, cores) == pytest.approx(seconds)


def test_settings_of_the_whole_training_are_none_of_the_quick_look_s(config):
    found = check_data(replace(config, discriminators_first=400), lambda _: None, toy_data())
    assert found.separability > 0.5


def test_it_can_be_stopped(config):
    with pytest.raises(Cancelled):
        check_data(config, lambda _: None, toy_data(), cancel=lambda: True)
    assert not (config.run_path / "check.json").exists()


def test_clips_on_both_sides_are_counted(tmp_path):
    one, other = (
        shard_folder(tmp_path / "a", clips=5, splits=("train", "val", "test")),
        shard_folder(tmp_path / "b", clips=5, first_patient=3, seed=1),
    )
    low, high = every_split(str(one)), every_split(str(other))
    assert count_duplicates(low, high) == 0
    assert count_duplicates(low, low) == 5
    assert count_duplicates([], high) == count_duplicates(low, []) == len(every_split("")) == 0
    with np.load(one / "shard_0000.npz") as file:
        arrays = dict(file)
    with np.load(other / "shard_0000.npz") as file:
        arrays["frames"][2] = file["frames"][4]
    np.savez_compressed(one / "shard_0000.npz", **arrays)
    again = every_split(str(shard_copy(one, tmp_path / "c")))
    assert count_duplicates(again, high) == 1


def shard_copy(folder, target):
    target.mkdir()
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target
