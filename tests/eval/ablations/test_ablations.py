"""The ablation study: rows are valid settings, finished runs are recognised, and rows are compared with "base"."""

import json
from dataclasses import asdict, replace

import pytest
import torch
from fake_checkpoint import Scale

import echogan.model.checkpoints.checkpoint as checkpoints
from echogan.core.errors import EchoGANError, TrainingError
from echogan.core.geometry import Fan
from echogan.model.checkpoints.checkpoint import CheckpointConfig
from echogan.model.networks.generators import GeneratorConfig, build_generator
from echogan.phantom.render import phantom_clip
from echogan.training.data.frame_pool import to_size
from echogan.training.run_folder import RunFolder
from eval.ablations import ablations
from eval.ablations.ablations import BASE, ROWS, AblationSettings, collect, configure, finished
from eval.ablations.measures import AblationMeasures, open_measures, shrunk
from eval.reporting.ablation_tables import ablations as ablations_table


@pytest.mark.parametrize("row", ROWS)
def test_each_row_is_a_run_that_can_start(row, tmp_path):
    config = configure(AblationSettings(runs=tmp_path), row, 0)
    config.check()
    same = replace(config, name=BASE.name, folder=BASE.folder, seed=BASE.seed)
    assert (asdict(same) == asdict(BASE)) == (row == "base")


def test_every_run_has_a_name_of_its_own(tmp_path):
    names = {configure(AblationSettings(runs=tmp_path), row, seed).name for row in ROWS for seed in (0, 1)}
    assert len(names) == 2 * len(ROWS)


def saved(config, steps):
    """A run's folder as training leaves it."""
    folder = RunFolder(config.run_path)
    folder.begin(asdict(config))
    small = GeneratorConfig(channels=4, blocks=1)
    about = CheckpointConfig(name=config.name, generator=small, training={"finished_steps": steps})
    checkpoints.save_checkpoint(folder.checkpoint, about, build_generator(small), build_generator(small))


def test_a_run_is_finished_at_its_last_step_with_its_own_settings(tmp_path):
    config = configure(AblationSettings(runs=tmp_path, steps=50), "base", 0)
    assert not finished(config)
    saved(config, 49)
    assert not finished(config)
    saved(replace(config, name="other"), 50)
    assert finished(replace(config, name="other"))
    with pytest.raises(TrainingError, match=r"loss\.cycle"):
        finished(replace(config, name="other", loss=replace(config.loss, cycle=9.0)))


def test_rows_are_means_over_seeds_with_intervals_over_clips(tmp_path, monkeypatch):
    settings = AblationSettings(rows=("base", "no cycle"), seeds=2, steps=50, runs=tmp_path)
    for seed in (0, 1):
        saved(configure(settings, "base", seed), 50)
        saved(configure(settings, "no cycle", seed), 50)
    gains = {
        "base-51-50": [0.1, 0.3],
        "base-52-50": [0.3, 0.5],
        "no-cycle-51-50": [0.4, 0.4],
        "no-cycle-52-50": [0.6, 0.6],
    }

    class Planted(AblationMeasures):
        def __call__(self, folder):
            return {"ssim_gain": gains[folder.parent.name], "semi_real_ssim_gain": [1.0, 3.0, 5.0]}

        def groups(self, name):
            return ["ann", "ann", "bob"] if name.startswith("semi_real") else None

    result = collect(settings, Planted([], [], [], Scale(1.0)))
    assert list(result["rows"]) == ["base", "no cycle"]
    base, other = result["rows"].values()
    assert [run["means"]["ssim_gain"] for run in base["runs"]] == pytest.approx([0.2, 0.4])
    assert [run["seed"] for run in base["runs"]] == [51, 52]
    assert all(len(run["sha256"]) == 64 for run in base["runs"])
    assert base["mean"]["ssim_gain"]["mean"] == pytest.approx(0.3)
    assert base["mean"]["ssim_gain"]["groups"] == 2
    assert base["mean"]["semi_real_ssim_gain"]["mean"] == pytest.approx(3.5)  # each patient once
    assert other["minus_base"]["ssim_gain"]["mean"] == pytest.approx(0.2)
    assert other["minus_base"]["ssim_gain"]["high"] == pytest.approx(0.3)  # paired: 0.3 and 0.1
    assert base["minus_base"] == {}
    assert "seed" not in result["base"]


def test_a_row_is_compared_over_the_seeds_that_both_have(tmp_path):
    settings = AblationSettings(rows=("base", "hinge"), seeds=2, steps=50, runs=tmp_path)
    for row, seed in (("base", 0), ("base", 1), ("hinge", 1)):
        saved(configure(settings, row, seed), 50)

    class Planted(AblationMeasures):
        def __call__(self, folder):
            return {
                "ssim_gain": [{"base-51-50": 0.0, "base-52-50": 1.0, "hinge-52-50": 3.0}[folder.parent.name]]
                * 2
            }

    result = collect(settings, Planted([], [], [], Scale(1.0)))
    assert result["rows"]["hinge"]["minus_base"]["ssim_gain"]["mean"] == pytest.approx(2.0)
    result |= {"clips": 2, "flicker_clips": 1, "flicker_frames": 6, "stills": 0, "patients": 0}
    for found in result["rows"].values():
        for run in found["runs"]:
            run["trained_on"] = {"low": {"phantom": "1.1"}}
    table = ablations_table(result)
    assert "| hinge | 1 | +2.000 [+2.000, +2.000] |" in table
    assert "base 1.000" in table  # the difference between its two runs
    assert "Trained on phantom 1.1" in table


def test_a_run_on_other_simulated_clips_is_not_compared_with_base(tmp_path):
    own = {"low": {"phantom": "1.1", "foreshortened": 0.2}, "high": {"phantom": "1.1", "foreshortened": 0.0}}
    mixed = {"high": {"mixture": [own["high"], {"shards": "abc", "share": 0.5}]}, "low": {"shards": "def"}}
    ablations.same_clips("mixed", mixed, own)
    for strange in ({"phantom": "1.2", "foreshortened": 0.0}, {"phantom": "1.1", "foreshortened": 0.2}):
        with pytest.raises(EchoGANError, match="other simulated clips than the base row"):
            ablations.same_clips("later", {"high": {"mixture": [strange]}}, own)


def test_a_run_on_newer_clips_than_base_is_refused_before_it_is_trained(tmp_path):
    settings = AblationSettings(rows=("hinge",), steps=50, runs=tmp_path)
    config = configure(settings, "base", 0)
    saved(config, 50)
    path = RunFolder(config.run_path).checkpoint / "config.json"
    about = json.loads(path.read_text())
    about["trained_on"] = {"high": {"phantom": "0.9", "foreshortened": 0.0}, "low": {}}
    path.write_text(json.dumps(about))
    with pytest.raises(EchoGANError, match="other simulated clips"):
        ablations.main(settings)
    assert not configure(settings, "hinge", 0).run_path.exists()


def test_clips_are_scaled_down_as_in_training():
    clip = phantom_clip(3, frames=1, want=("degraded", "labels"))
    small = shrunk(clip)
    assert clip.degraded is not None
    assert small.degraded is not None
    assert torch.equal(small.degraded, to_size(clip.degraded, 128))
    assert small.labels is not None
    assert small.labels.shape == small.sector_mask[None].shape == (1, 128, 128)
    x, y, *rest = small.fan
    inside = Fan((x, y), *rest).mask(128, 128)
    assert (inside != small.sector_mask.numpy()).mean() < 0.02


def test_an_unknown_row_is_refused(tmp_path):
    with pytest.raises(EchoGANError, match="no row nonsense"):
        ablations.main(AblationSettings(rows=("nonsense",), runs=tmp_path))


def test_a_network_that_changes_nothing_gains_nothing(tmp_path):
    config = configure(AblationSettings(runs=tmp_path, steps=1), "base", 0)
    saved(config, 1)  # a new generator begins as doing nothing
    found = open_measures(clips=2, moving=1, data=tmp_path)(RunFolder(config.run_path).checkpoint)
    assert found["ssim_gain"] == pytest.approx([0, 0], abs=1e-3)
    assert found["flicker"] == pytest.approx([1], abs=1e-2)
    assert found["change_poor"] == pytest.approx([0, 0], abs=0.05)
    assert "semi_real_dice_gain" not in found
    assert json.dumps(found)
