"""Folders given to a run: clips become shards, shards stay, and what is neither is refused."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest
from shard_folders import shard_folder
from still_folders import stills

from echogan.cli.main import main
from echogan.core.errors import EchoGANError, TrainingError
from echogan.jobs.own_clips import with_shards
from echogan.training.config import TrainingConfig
from echogan.training.data.loader import open_data
from echogan.training.data.shards import open_shards
from echogan.training.run_folder import RunFolder


class LOOK:
    """What a first look says."""

    text = staticmethod(lambda: "worth starting")


@pytest.fixture
def config(tmp_path) -> TrainingConfig:
    return TrainingConfig(name="run", folder=str(tmp_path / "runs"), frames_per_clip=1)


def test_clips_become_shards_of_the_run_and_shards_stay(config, tmp_path):
    shards, seen = shard_folder(tmp_path / "high"), []
    given = replace(config, low=str(stills(tmp_path / "clips")), high=str(shards))
    ready = with_shards(given, lambda side, done, total: seen.append((side, done, total)))
    assert ready.high == str(shards)
    assert Path(ready.low) == config.run_path / "data" / "low"
    assert 1 <= len(open_shards(Path(ready.low))) <= 6
    assert seen[-1] == ("low", 6, 6)
    assert with_shards(given) == ready
    clip = open_data(replace(ready, size=256)).low(0, 1)
    assert clip.frames.shape == (1, 256, 256)


def test_a_patient_of_two_sides_is_known_again(config, tmp_path):
    clips = str(stills(tmp_path / "clips"))
    said: list[str] = []
    ready = with_shards(replace(config, low=clips, high=clips, semireal=clips), say=said.append)
    low, high = (open_shards(Path(folder)) for folder in (ready.low, ready.high))
    assert low.salt == high.salt != ""
    assert low.patients == high.patients
    assert [text.partition(":")[0] for text in said] == ["low", "high", "semireal"]
    assert all(line.startswith("  ") for line in said[0].splitlines()[1:])
    assert "files kept" in said[0]
    with pytest.raises(TrainingError, match="Some patients are in both"):
        open_data(ready)
    apart = with_shards(replace(config, name="apart", semireal=clips))
    with pytest.raises(TrainingError, match=r"cannot be told.*--salt"):
        open_data(replace(ready, semireal=apart.semireal))


def test_clips_that_were_sent_go_once_their_shards_are_made(config):
    run = RunFolder(config.run_path)
    sent = stills(run.uploads / "low")
    given = replace(config, low=str(sent))
    ready = with_shards(given)
    assert not run.uploads.exists()
    assert with_shards(given) == ready  # a run that was killed before it wrote its settings


@pytest.mark.parametrize("inside", ["clips", "data-of-mine"])
def test_a_user_s_own_folders_are_never_removed(config, inside):
    """Also where somebody keeps clips in the very folder that the run is made in."""
    mine = stills(config.run_path / inside / "poor")
    before = sorted(mine.iterdir())
    with_shards(replace(config, low=str(mine)))
    assert sorted(mine.iterdir()) == before


def test_another_size_wants_another_name(config, tmp_path):
    given = replace(config, low=str(stills(tmp_path / "clips")))
    with_shards(given)
    with pytest.raises(TrainingError, match=r"256 pixels.*--size 320.*another --name"):
        with_shards(replace(given, size=320))


@pytest.mark.parametrize("flags", [[], ["--check"]])
def test_a_run_that_has_begun_keeps_its_shards_though_nobody_asks_to_resume(
    config, tmp_path, flags, monkeypatch
):
    clips = stills(tmp_path / "clips")
    ready = with_shards(replace(config, low=str(clips)))
    RunFolder(config.run_path).begin(asdict(ready))
    before = {path: path.read_bytes() for path in Path(ready.low).glob("*.[cn][sp][vz]")}
    next(clips.rglob("*.png")).unlink()
    looked = []
    monkeypatch.setattr(
        "echogan.jobs.data_check.check_data", lambda config, **_: looked.append(config) or LOOK
    )
    command = ["train", "--low", str(clips), "--folder", config.folder, "--name", "run", *flags]
    assert main(command) == (0 if flags else 2)
    assert {path: path.read_bytes() for path in Path(ready.low).glob("*.[cn][sp][vz]")} == before
    assert [config.low for config in looked] == [ready.low] * len(flags)


def test_other_clips_want_another_name(config, tmp_path):
    with_shards(replace(config, low=str(stills(tmp_path / "clips"))))
    with pytest.raises(TrainingError, match=r"another archive.*another --name"):
        with_shards(replace(config, low=str(stills(tmp_path / "others"))))


def test_a_run_that_has_begun_keeps_its_shards(config, tmp_path):
    clips = stills(tmp_path / "clips")
    given = replace(config, low=str(clips))
    ready = with_shards(given)
    RunFolder(config.run_path).write_config(asdict(ready))
    before = {path.name: path.read_bytes() for path in Path(ready.low).iterdir() if path.is_file()}
    for path in sorted(clips.rglob("*.png"))[:2]:
        path.unlink()
    said: list[str] = []
    assert with_shards(replace(given, resume=True), say=said.append) == replace(ready, resume=True)
    assert "clips not read" in said[0]
    assert {path.name: path.read_bytes() for path in Path(ready.low).iterdir() if path.is_file()} == before


def test_simulated_runs_need_no_folder(config):
    assert with_shards(config) == config
    assert not config.run_path.exists()


def test_what_is_no_folder_of_clips_is_refused(config, tmp_path):
    with pytest.raises(TrainingError, match="--low"):
        with_shards(replace(config, low=str(tmp_path / "nowhere")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(EchoGANError):
        with_shards(replace(config, high=str(tmp_path / "empty")))
    shard_folder(tmp_path / "graded" / "poor")
    shard_folder(tmp_path / "graded" / "good")
    with pytest.raises(TrainingError, match="good, poor"):
        with_shards(replace(config, low=str(tmp_path / "graded")))


def test_patients_of_the_good_side_are_not_made_poor(config, tmp_path):
    high, same = shard_folder(tmp_path / "high"), shard_folder(tmp_path / "same")
    with pytest.raises(TrainingError, match="--semireal"):
        open_data(replace(config, high=str(high), semireal=str(same)))
    other = shard_folder(tmp_path / "other", first_patient=50)
    data = open_data(replace(config, high=str(high), semireal=str(other)))
    assert data.facts()["low"]["semi_real"]
    assert data.low(0, 1).truth is None


@pytest.mark.parametrize(("given", "lacking"), [("low", "high"), ("high", "low"), ("semireal", "high")])
def test_one_side_alone_is_refused_unless_the_phantom_joins_in(config, tmp_path, given, lacking):
    alone = replace(config, **{given: str(shard_folder(tmp_path / given))})
    with pytest.raises(TrainingError, match=f"no {lacking} clips.*--{lacking}"):
        open_data(alone)
    data = open_data(replace(alone, phantom_share=0.5))
    assert {"low", "high"} == set(data.facts())


def test_recorded_clips_have_no_truth_for_an_oracle(config, tmp_path):
    paired = replace(config, low=str(shard_folder(tmp_path / "low")), loss=replace(config.loss, paired=1.0))
    with pytest.raises(TrainingError, match="no truth"):
        open_data(paired)
