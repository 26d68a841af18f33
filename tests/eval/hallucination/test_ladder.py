"""The prevalence ladder: each row asks for its own shares of lesions, and a stopped run is resumed."""

import json
from dataclasses import asdict, replace

import pytest
from toy_clips import toy_data

from echogan.core.errors import EchoGANError, TrainingError
from echogan.training import trainer
from echogan.training.run_folder import RunFolder
from eval.hallucination import hallucination, ladder, ladder_corners
from eval.hallucination.hallucination import HallucinationSettings, main
from eval.hallucination.ladder import BASE, ERASING, INVENTING, ROWS, configure, finished_runs, train_missing
from eval.hallucination.ladder_corners import LadderSettings
from eval.reporting.hallucination_tables import ladder as ladder_table


@pytest.mark.parametrize("row", ROWS)
def test_each_row_is_an_unpaired_run_with_its_own_shares_of_lesions(row, tmp_path):
    config = configure(row, 0, BASE.steps, tmp_path)
    config.check()
    assert config.loss.paired == config.loss.target_structure == 0
    assert (config.lesion_share, config.lesion_share_high) == ROWS[row]
    own = ("name", "folder", "seed", "lesion_share", "lesion_share_high")
    assert asdict(replace(config, **{name: getattr(BASE, name) for name in own})) == asdict(BASE)


def test_the_ladder_is_whole_and_its_corners_are_rows_of_it():
    assert len(ROWS) == 10
    assert (ROWS[ERASING], ROWS[INVENTING]) == ((0.5, 0.0), (0.0, 0.75))


def test_every_run_has_a_name_of_its_own(tmp_path):
    sizes = (BASE.size, 256)
    made = [(row, seed, steps) for row in ROWS for seed in (0, 1) for steps in (20, BASE.steps)]
    names = {configure(*one, tmp_path, size).name for one in made for size in sizes}
    assert len(names) == 2 * len(made)
    assert configure(ERASING, 0, 20, tmp_path, 256).size == 256


@pytest.fixture
def tiny(monkeypatch):
    """Toy clips and networks, 64 pixels."""
    small = replace(BASE.generator, channels=4, blocks=1)
    discriminator = replace(BASE.discriminator, filters=8)
    base = replace(BASE, size=64, generator=small, discriminator=discriminator, clips_per_round=2)
    monkeypatch.setattr(ladder, "BASE", replace(base, frames_per_clip=2, save_every=2, held_out_clips=1))
    monkeypatch.setattr(trainer, "open_data", lambda *_, **__: toy_data())


def test_a_stopped_run_is_resumed_and_a_finished_one_left_alone(tiny, tmp_path, monkeypatch):
    config, steps = configure(ERASING, 0, 4, tmp_path), []
    trained = ladder.train

    def stopping(config, **how):
        steps.append(config.resume)
        if len(steps) == 1:  # as if stopped halfway: the run's folder holds fewer steps
            trained(replace(config, steps=2), **how)
        else:
            trained(config, **how)

    monkeypatch.setattr(ladder, "train", stopping)
    with pytest.raises(EchoGANError, match="the same command resumes it"):
        train_missing((ERASING,), 1, 4, tmp_path)
    assert not list(finished_runs(1, 4, tmp_path))
    train_missing((ERASING,), 1, 4, tmp_path)
    assert steps == [False, True]
    assert list(finished_runs(1, 4, tmp_path)) == [
        (ERASING, config.seed, RunFolder(config.run_path).checkpoint)
    ]
    train_missing((ERASING,), 1, 4, tmp_path)
    assert len(steps) == 2


def test_a_folder_of_another_row_is_not_taken_for_this_one(tiny, tmp_path):
    train_missing((ERASING,), 1, 2, tmp_path)
    configure(ERASING, 0, 2, tmp_path).run_path.rename(configure(INVENTING, 0, 2, tmp_path).run_path)
    with pytest.raises(TrainingError, match="lesion_share"):
        train_missing((INVENTING,), 1, 2, tmp_path)


def test_the_corners_are_trained_at_the_size_and_measured_together(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(ladder_corners, "CORNERS", (ERASING, INVENTING))
    settings = LadderSettings(
        seeds=2,
        steps=2,
        size=128,
        clips=1,
        runs=tmp_path / "runs",
        kept=tmp_path,
        out=tmp_path / "ladder.json",
    )
    monkeypatch.setattr(hallucination, "LESIONS", ("mass",))
    ladder_corners.main(settings)
    found = json.loads(settings.out.read_text())
    assert set(found["rows"]) == {ERASING, INVENTING}
    for row in found["rows"].values():
        assert [run["seed"] for run in row["runs"]] == [61, 62]
        assert len({run["sha256"] for run in row["runs"]}) == 2
        assert 0 <= row["share"]["erased"]["mean"] <= 1
    assert (found["ladder"]["size"], found["ladder"]["steps"]) == (128, 2)
    assert all("128px" in folder.name for folder in settings.runs.iterdir())
    assert "| lesions 50% to 0% | 2 |" in ladder_table(found)


def test_an_unknown_row_is_told():
    with pytest.raises(EchoGANError, match="There is no row 7% to 9%"):
        main(HallucinationSettings(rows=("7% to 9%",)))
