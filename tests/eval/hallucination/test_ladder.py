"""The prevalence ladder: each row asks for its own shares of lesions, and a stopped run is resumed."""

from dataclasses import asdict, replace

import pytest
from toy_clips import toy_data

from echogan.core.errors import EchoGANError, TrainingError
from echogan.training import trainer
from echogan.training.run_folder import RunFolder
from eval.hallucination import ladder
from eval.hallucination.hallucination import HallucinationSettings, main
from eval.hallucination.ladder import BASE, ERASING, INVENTING, ROWS, configure, finished_runs, train_missing


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
    made = [(row, seed, steps) for row in ROWS for seed in (0, 1) for steps in (20, BASE.steps)]
    assert len({configure(*one, tmp_path).name for one in made}) == len(made)


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


def test_an_unknown_row_is_told():
    with pytest.raises(EchoGANError, match="There is no row 7% to 9%"):
        main(HallucinationSettings(rows=("7% to 9%",)))
