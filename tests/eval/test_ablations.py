"""The ablation rows are real settings, their runs go on where they stopped, and what is measured is what was asked."""

import json
from dataclasses import asdict, replace

import pytest
from fake_checkpoint import Scale

import echogan.model.checkpoint as checkpoints
from echogan.errors import TrainingError
from echogan.model.checkpoint import CheckpointConfig
from echogan.model.generators import GeneratorConfig, build_generator
from echogan.training.run_folder import RunFolder
from eval import ablations
from eval.ablation_measures import Measure, open_measure
from eval.ablations import BASE, ROWS, Settings, collect, configure, finished


@pytest.mark.parametrize("row", ROWS)
def test_each_row_is_a_run_that_can_start(row, tmp_path):
    config = configure(Settings(runs=tmp_path), row, 0)
    config.check()
    same = replace(config, name=BASE.name, folder=BASE.folder, seed=BASE.seed)
    assert (asdict(same) == asdict(BASE)) == (row == "base")


def test_names_of_runs_are_apart(tmp_path):
    names = {configure(Settings(runs=tmp_path), row, seed).name for row in ROWS for seed in (0, 1)}
    assert len(names) == 2 * len(ROWS)


def saved(config, steps):
    """A run's folder as training leaves it."""
    folder = RunFolder(config.run_path)
    folder.begin(asdict(config))
    small = GeneratorConfig(channels=4, blocks=1)
    about = CheckpointConfig(name=config.name, generator=small, training={"finished_steps": steps})
    checkpoints.save_checkpoint(folder.checkpoint, about, build_generator(small), build_generator(small))


def test_a_run_is_finished_at_its_last_step_with_its_own_settings(tmp_path):
    config = configure(Settings(runs=tmp_path, steps=50), "base", 0)
    assert not finished(config)
    saved(config, 49)
    assert not finished(config)
    saved(replace(config, name="other"), 50)
    assert finished(replace(config, name="other"))
    with pytest.raises(TrainingError, match=r"loss\.cycle"):
        finished(replace(config, name="other", loss=replace(config.loss, cycle=9.0)))


def test_rows_are_means_over_seeds_with_intervals_over_clips(tmp_path, monkeypatch):
    settings = Settings(rows=("base", "no cycle"), seeds=2, steps=50, runs=tmp_path)
    for seed in (0, 1):
        saved(configure(settings, "base", seed), 50)

    class Planted(Measure):
        def __call__(self, folder):
            return {"ssim_gain": [0.1, 0.3] if folder.parent.name == "base-51-50" else [0.3, 0.5]}

    result = collect(settings, Planted([], [], [], Scale(1.0)))
    assert list(result["rows"]) == ["base"]
    found = result["rows"]["base"]
    assert found["seeds"] == 2
    assert [one["ssim_gain"] for one in found["each_seed"]] == pytest.approx([0.2, 0.4])
    assert found["ssim_gain"]["mean"] == pytest.approx(0.3)
    assert found["ssim_gain"]["groups"] == 2


def test_an_unknown_row_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="no row nonsense"):
        ablations.main(Settings(rows=("nonsense",), runs=tmp_path))


def test_a_network_that_does_nothing_measures_as_nothing(tmp_path):
    config = configure(Settings(runs=tmp_path, steps=1), "base", 0)
    saved(config, 1)  # a new generator begins as doing nothing
    found = open_measure(clips=2, moving=1, data=tmp_path)(RunFolder(config.run_path).checkpoint)
    assert found["ssim_gain"] == pytest.approx([0, 0], abs=1e-3)
    assert found["flicker"] == pytest.approx([1], abs=1e-2)
    assert found["change_poor"] == pytest.approx([0, 0], abs=0.05)
    assert "semi_real_dice_gain" not in found
    assert json.dumps(found)
