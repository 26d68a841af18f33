"""Runs as processes of their own: states, the machine's lock, stopping, resuming, and finding them again."""

import json
import os
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from echogan.core.errors import SettingsError, TrainingError
from echogan.jobs import runs as runs_module
from echogan.jobs.job import Job
from echogan.jobs.launch import command, flags
from echogan.jobs.process import ProcessId, read_process, write_process
from echogan.jobs.runs import Runs, from_settings
from echogan.training.config import TrainingConfig, with_settings

FAKE = Path(__file__).resolve().parents[1] / "support" / "fake_run.py"
ENDED = ("stopped", "finished", "failed")


@pytest.fixture
def begin(tmp_path, monkeypatch):
    """begin(name, manner): start a run of the stand-in; what still runs at the end of the test is ended."""
    manners = {}
    monkeypatch.setattr(
        runs_module,
        "command",
        lambda config, check: [sys.executable, str(FAKE), str(config.run_path), manners[config.name]],
    )
    runs = Runs(tmp_path / "runs", tmp_path / "lock.json")

    def start(name="one", manner="slow"):
        manners[name] = manner
        return runs.start(TrainingConfig(name=name))

    start.runs, start.manners = runs, manners
    yield start
    for job in runs.list():
        if process := job.process():
            os.kill(process.pid, 9)


def wait_for(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)


def wait_for_state(job, *states):
    wait_for(lambda: job.status().state in states)
    return job.status()


def test_a_run_starts_moves_and_finishes(begin):
    job = begin("one", "finishes")
    assert job.status().live
    status = wait_for_state(job, "running", "finished")
    assert status.steps == 400
    status = wait_for_state(job, *ENDED)
    assert (status.state, status.step) == ("finished", 400)
    assert not job.can_resume()
    assert job.process() is None


def test_speed_and_time_left_follow_from_the_ticks(begin):
    job = begin()
    wait_for(lambda: job.status().state == "running" and job.status().step > 2)
    status = job.status()
    assert status.seconds_per_step == 0.5
    assert status.seconds_left == (400 - status.step) * 0.5


def test_the_time_left_is_hidden_until_the_process_is_warm(begin):
    job = begin()
    wait_for(lambda: job.status().step > 4)
    begin.runs.stop("one")
    stopped = wait_for_state(job, *ENDED).step
    (job.path / "checkpoint").mkdir()
    (job.path / "checkpoint" / "config.json").write_text(
        json.dumps({"training": {"finished_steps": stopped}})
    )
    begin.runs.resume("one")
    wait_for(lambda: job.status().state == "running" and job.status().step > stopped + 3)
    lines = [line for line in job.lines() if line["step"] <= stopped + 3]
    for known, step in ((None, stopped), (None, stopped + 2), (0.5 * (400 - stopped - 3), stopped + 3)):
        job.lines = lambda step=step: tuple(line for line in lines if line["step"] <= step)
        assert job.status().seconds_left == known


def test_at_half_size_the_time_left_is_not_told(begin):
    job = begin()
    wait_for(lambda: job.status().state == "running" and job.status().step > 4)
    settings = job.settings()
    job.settings = lambda: settings | {"half_size_steps": 400}
    assert job.status().seconds_per_step == 0.5
    assert job.status().seconds_left is None


def test_a_run_whose_data_were_checked_begins_by_resuming_it(begin):
    begin.manners["look"] = "checks"
    job = begin.runs.check(TrainingConfig(name="look", steps=7))
    assert wait_for_state(job, "checked").steps == 7
    assert job.checked() == {"separability": 0.8}
    assert job.can_resume()
    with pytest.raises(TrainingError, match="already"):
        begin.runs.check(TrainingConfig(name="look"))
    begin.manners["look"] = "slow"
    begin.runs.resume("look")
    wait_for(lambda: job.status().state == "running")
    assert job.checked() == {}
    with pytest.raises(TrainingError, match="'look' is being trained"):
        begin.runs.check(TrainingConfig(name="two"))


def test_a_data_check_that_is_stopped_is_no_failure(begin):
    begin.manners["look"] = "checks slowly"
    job = begin.runs.check(TrainingConfig(name="look"))
    assert job.status().state == "checking"
    begin.runs.stop("look", grace=0.2)
    assert wait_for_state(job, "stopped", "failed").message == "The data check was stopped."
    assert job.status().state == "stopped"
    assert job.can_resume()


def test_clips_that_were_made_into_shards_by_the_check_need_not_be_there(begin):
    begin.manners["look"] = "checks"
    uploads = begin.runs.folder / "look" / ".uploads"
    sides = {side: str(uploads / side) for side in ("low", "high")}
    for side in sides.values():
        Path(side).mkdir(parents=True)
    job = begin.runs.check(TrainingConfig(name="look", **sides))
    wait_for_state(job, "checked")
    shutil.rmtree(uploads)
    assert not job.can_resume()
    for side in sides:
        (job.data / side).mkdir(parents=True)
        (job.data / side / "index.csv").touch()
    assert job.can_resume()


def test_the_full_command_line_checks_and_a_bare_one_trains():
    assert command(TrainingConfig(name="x"))[2] == "echogan.training"
    assert command(TrainingConfig(name="x"), check=True)[2:4] == ["echogan", "train"]
    assert command(TrainingConfig(name="x"), check=True)[-1] == "--check"


def test_only_one_run_at_a_time_also_from_another_server(begin):
    begin("one")
    elsewhere = Runs(begin.runs.folder.parent / "other", begin.runs.lock.path)
    for runs in (begin.runs, elsewhere):
        with pytest.raises(TrainingError, match=r"'one' is being trained.*Stop it first"):
            runs.start(TrainingConfig(name="two"))
    assert not (begin.runs.folder / "two").exists()


def test_stop_is_no_failure_and_resume_goes_on(begin):
    job = begin()
    wait_for(lambda: job.status().step > 2)
    begin.runs.stop("one")
    assert job.status().state in ("stopping", "stopped")
    stopped = wait_for_state(job, *ENDED)
    assert (stopped.state, stopped.message) == ("stopped", "")
    assert job.can_resume()
    begin.runs.resume("one")
    wait_for(lambda: job.status().state == "running" and job.status().step > stopped.step)
    assert [line["step"] for line in job.lines()] == list(range(1, len(job.lines()) + 1))
    with pytest.raises(TrainingError, match="being trained"):
        begin.runs.resume("one")


def test_a_run_that_does_not_see_its_stop_file_gets_a_signal(begin, monkeypatch):
    job = begin("one", "deaf")
    wait_for(lambda: job.status().step > 2)
    monkeypatch.setattr(runs_module, "KILL_GRACE", 0.5)
    begin.runs.stop("one", grace=0.3)
    assert wait_for_state(job, *ENDED).state == "stopped"


@pytest.mark.parametrize(
    ("manner", "words"),
    [
        ("refused", "steps is 0; give a number"),
        ("killed", "the system ended it, probably because memory was full"),
        ("crashes", "memory did not suffice"),
        ("reports", "the system ended it, probably because memory was full"),
        ("breaks", "went wrong inside the training (KeyError)"),
    ],
)
def test_a_failure_is_told_in_words(begin, manner, words):
    job = begin("one", manner)
    status = wait_for_state(job, *ENDED)
    assert status.state == "failed"
    assert words in status.message
    assert "Traceback" not in status.message


def test_a_new_server_finds_the_run_again_and_stops_it(begin):
    job = begin()
    wait_for(lambda: job.status().step > 2)
    later = Runs(begin.runs.folder, begin.runs.lock.path)
    found = later.current()
    assert found is not None
    assert (found.name, found.status().state) == ("one", "running")
    later.stop("one")
    assert wait_for_state(found, *ENDED).state == "stopped"


def test_a_pid_given_away_again_is_not_taken_for_the_run(begin, tmp_path):
    mine = ProcessId.of(os.getpid())
    assert mine is not None
    assert mine.alive()
    other = replace(mine, started=mine.started - 3600)
    assert not other.alive()
    folder = begin.runs.folder / "old"
    folder.mkdir(parents=True)
    write_process(folder / "process.json", other)
    (folder / "config.json").write_text('{"name": "old", "steps": 100}')
    assert Job(folder).status().state == "failed"
    write_process(begin.runs.lock.path, other, run="old")
    assert begin.runs.lock.holder() is None
    begin("new")  # the stale lock is in nobody's way


def test_a_run_from_the_command_line_is_found_by_its_status(tmp_path):
    folder = tmp_path / "runs" / "by-hand"
    folder.mkdir(parents=True)
    told = {"state": "running", "step": 7, "steps": 100, "pid": os.getpid(), "message": ""}
    (folder / "config.json").write_text('{"steps": 100}')
    (folder / "status.json").write_text(json.dumps(told))
    job = Job(folder)
    assert job.status().live
    os.utime(folder / "status.json", (1_000_000_000, 1_000_000_000))  # written long before this process began
    assert job.status().state == "failed"
    for state in ("stopped", "finished"):
        (folder / "status.json").write_text(json.dumps(told | {"state": state}))
        assert job.status().state == state
    (folder / "status.json").write_text(json.dumps(told | {"state": "failed", "message": "Loss is NaN."}))
    assert job.status().message == "Loss is NaN."


def test_a_name_in_use_and_a_name_that_is_none_are_refused(begin):
    job = begin("one", "finishes")
    wait_for_state(job, *ENDED)
    with pytest.raises(TrainingError, match="already"):
        begin("one")
    for name in ("../one", "/etc", "", ".hidden", "a/b"):
        with pytest.raises(SettingsError):
            begin.runs.job(name)
    with pytest.raises(TrainingError, match="no run called"):
        begin.runs.stop("nobody")


def test_runs_are_listed_newest_first_and_names_are_free(begin):
    assert begin.runs.list() == []
    assert begin.runs.current() is None
    assert begin.runs.free_name("try") == "try-1"
    for name in ("try-1", "try-2"):
        job = begin(name, "finishes")
        wait_for_state(job, *ENDED)
    assert [job.name for job in begin.runs.list()] == ["try-2", "try-1"]
    assert begin.runs.free_name("try") == "try-3"


def test_flags_are_those_that_the_trainer_reads():
    from echogan.training.__main__ import parser

    config = with_settings(
        TrainingConfig(),
        {"name": "a run", "batch_size": 2, "resume": True, "loss.cycle": 3.5, "generator.channels": 16},
    )
    given = vars(parser().parse_args(flags(config)))
    assert {name: given[name] for name in ("name", "batch_size", "resume")} == {
        "name": "a run",
        "batch_size": 2,
        "resume": True,
    }
    assert given["loss.cycle"] == 3.5
    assert given["generator.channels"] == 16
    assert flags(TrainingConfig()) == []


def test_own_clips_go_through_the_command_that_curates():
    from echogan.cli.main import _parse

    assert command(TrainingConfig())[1:3] == ["-m", "echogan.training"]
    config = with_settings(
        TrainingConfig(low="/a", high="/b", resume=True), {"loss.cycle": 3.5, "discriminator.filters": 24}
    )
    own = command(config)
    assert own[1:4] == ["-m", "echogan", "train"]
    assert _parse("train", own[4:]).config == config


@pytest.mark.parametrize("side", ["low", "high", "semireal"])
def test_clips_on_any_side_are_curated(side):
    assert command(TrainingConfig(**{side: "/a"}))[1:4] == ["-m", "echogan", "train"]


def test_a_start_that_fails_leaves_no_process(begin, monkeypatch):
    spawned = []
    real = runs_module.spawn
    monkeypatch.setattr(runs_module, "spawn", lambda *given: spawned.append(real(*given)) or spawned[-1])

    def full(*_) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runs_module.MachineLock, "take", full)
    with pytest.raises(TrainingError, match="No space left"):
        begin("one")
    assert spawned[0].poll() is not None
    assert begin.runs.training() is None


def test_a_full_disk_keeps_no_run_from_being_stopped(begin, monkeypatch):
    job = begin("one", "deaf")
    wait_for(lambda: job.status().step > 2)

    def full(*_, **__) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runs_module, "write_process", full)
    monkeypatch.setattr(Path, "touch", full)
    begin.runs.stop("one", grace=0.2)
    wait_for(lambda: job.process() is None)


def test_clips_that_were_sent_and_never_used_go_after_a_day(begin):
    runs, job = begin.runs, Job(begin.runs.folder / "mine")
    clip = job.uploads / "low" / "clip_00001.dcm"
    clip.parent.mkdir(parents=True)
    clip.write_bytes(b"x")
    runs.current()
    assert clip.exists()  # its shards may still be made
    long_ago = time.time() - runs_module.UPLOADS_KEPT - 60
    os.utime(job.uploads, (long_ago, long_ago))
    mine = ProcessId.of(os.getpid())
    assert mine is not None
    write_process(job.process_file, mine)
    runs.current()
    assert clip.exists()  # they are being made
    job.process_file.unlink()
    of_a_user = job.path / "clips"
    of_a_user.mkdir()
    os.utime(of_a_user, (long_ago, long_ago))
    runs.current()
    assert not job.uploads.exists()
    assert of_a_user.exists()


def test_a_run_whose_clips_have_gone_before_it_began_cannot_go_on(begin, tmp_path):
    job = Job(begin.runs.folder / "mine")
    sent = job.uploads / "low"
    sent.mkdir(parents=True)
    write_process(job.process_file, ProcessId(999_999_999, 1.0), settings={"low": str(sent), "high": ""})
    assert job.status().state == "failed"
    assert job.can_resume()
    sent.rmdir()
    assert not job.can_resume()


def test_a_run_killed_in_its_last_step_is_no_finished_one(tmp_path):
    job = Job(tmp_path / "one")
    job.path.mkdir()
    job.config.write_text('{"steps": 100}')
    job.status_file.write_text('{"state": "running", "step": 100, "steps": 100, "pid": 999999999}')
    assert job.status().state == "failed"
    assert job.can_resume()
    (job.path / "checkpoint").mkdir()
    (job.path / "checkpoint" / "config.json").write_text('{"training": {"finished_steps": 100}}')
    assert job.status().state == "finished"  # killed after its last save


def test_how_far_the_clips_are_prepared_is_told(tmp_path):
    job = Job(tmp_path / "one")
    job.path.mkdir()
    mine = ProcessId.of(os.getpid())
    assert mine is not None
    write_process(job.process_file, mine)
    job.log.write_text("--- now\ncurate: 5 of 8 files\n")
    assert (job.status().state, job.status().message) == ("starting", "5 of 8 files")
    job.log.write_text("--- now\ncurate: 5 of 8 files\nlow: 8 of 8 files kept.\n")
    assert job.status().message == ""


def test_a_stop_asked_of_an_earlier_process_is_not_the_next_one_s(tmp_path):
    job = Job(tmp_path / "one")
    job.path.mkdir()
    job.config.write_text('{"steps": 100}')
    write_process(job.process_file, ProcessId(999_999_999, 1.0), stop_asked=True)
    told = {"state": "running", "step": 7, "steps": 100, "pid": os.getpid()}
    job.status_file.write_text(json.dumps(told))
    assert job.status().state in ("starting", "running")
    job.status_file.write_text(json.dumps(told | {"pid": 999_999_998}))
    assert job.status().state == "failed"
    job.status_file.write_text(json.dumps(told | {"pid": 999_999_999}))
    assert job.status().state == "stopped"


def test_a_run_of_the_command_line_is_in_the_way_of_another(begin):
    folder = begin.runs.folder / "by-hand"
    folder.mkdir(parents=True)
    told = {"state": "running", "step": 7, "steps": 100, "pid": os.getpid(), "message": ""}
    (folder / "config.json").write_text('{"steps": 100}')
    (folder / "status.json").write_text(json.dumps(told))
    with pytest.raises(TrainingError, match="'by-hand' is being trained"):
        begin("one")
    with pytest.raises(TrainingError, match="'by-hand' is being trained"):
        begin.runs.resume("by-hand")
    (folder / "status.json").unlink()


def test_a_run_stopped_before_it_began_starts_anew_with_what_was_asked(begin, monkeypatch):
    job = begin("one", "finishes")
    wait_for_state(job, *ENDED)
    for path in (job.config, job.metrics, job.status_file):
        path.unlink()
    process, facts = read_process(job.process_file)
    assert process is not None
    write_process(job.process_file, process, **facts | {"stop_asked": True})
    assert job.status().state == "stopped"
    assert job.can_resume()
    begin.runs.resume("one")
    assert wait_for_state(job, *ENDED).state == "finished"


def test_settings_survive_the_way_through_config_json():
    from dataclasses import asdict

    config = with_settings(TrainingConfig(), {"steps": 77, "loss.cycle": 3.5, "discriminator.filters": 24})
    assert from_settings(json.loads(json.dumps(asdict(config)))) == config
    with pytest.raises(ValueError, match="unknown"):
        from_settings({"of_another_version": 1})


def test_a_damaged_process_file_counts_as_none(tmp_path):
    for text in ("", "{}", "[]", '{"pid": "x", "started": 1}', '{"pid": 1'):
        (tmp_path / "process.json").write_text(text)
        assert read_process(tmp_path / "process.json") == (None, {})
