"""The machine's lock: one at a time decides who trains, and a lock whose process has ended is free."""

import os
import tempfile
import threading
import time
from pathlib import Path

import pytest

from echogan.core.errors import TrainingError
from echogan.jobs.machine_lock import MachineLock, lock_path
from echogan.jobs.process import ProcessId


def test_only_one_decides_at_a_time(tmp_path: Path):
    inside, most = [], []

    def decide() -> None:
        with MachineLock(tmp_path / "lock.json").deciding():
            inside.append(0)
            most.append(len(inside))
            time.sleep(0.02)
            inside.pop()

    threads = [threading.Thread(target=decide) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == [1] * 5


def test_while_a_run_is_trained_nobody_decides_and_the_lock_is_given_back(tmp_path: Path):
    lock, me = MachineLock(tmp_path / "lock.json"), ProcessId.of(os.getpid())
    assert me is not None
    with lock.deciding():
        lock.take(me, "one")
    for _ in range(2):
        with pytest.raises(TrainingError, match="'one' is being trained"), lock.deciding():
            raise AssertionError("it was let in")
    lock.take(ProcessId(me.pid, me.started - 3600), "one")
    with lock.deciding():
        assert lock.holder() is None


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match="lock of this machine cannot be written"), \
            MachineLock(tmp_path / "file" / "lock.json").deciding():  # fmt: skip
        raise AssertionError("it was let in")


def test_a_link_or_another_user_s_file_is_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    me, target = ProcessId.of(os.getpid()), tmp_path / "target.json"
    assert me is not None
    MachineLock(target).take(me, "theirs")
    linked = MachineLock(tmp_path / "lock.json")
    linked.path.symlink_to(target)
    assert linked.holder() is None  # a link cannot keep this user from training
    (tmp_path / "lock.guard").symlink_to(tmp_path / "made")
    with pytest.raises(TrainingError, match="a link, or belongs to another user"), linked.deciding():
        raise AssertionError("it was let in")
    assert not (tmp_path / "made").exists()
    monkeypatch.setattr(os, "getuid", lambda: target.stat().st_uid + 1)
    assert MachineLock(target).holder() is None


def test_the_lock_is_where_it_was_though_the_process_has_a_temporary_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = lock_path()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert lock_path() == before
