"""The run folder: whole files, metrics rewound, damage told in a sentence."""

import json
import subprocess
import sys

import filelock
import numpy as np
import pytest
import torch

from echogan.core.errors import TrainingError
from echogan.training.run_folder import RunFolder


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    folder = RunFolder(tmp_path / "runs" / "one")
    folder.begin({"steps": 3})
    return folder


def test_a_run_is_never_begun_twice(folder):
    with pytest.raises(TrainingError, match="--resume"):
        folder.begin({"steps": 4})
    assert folder.read_config() == {"steps": 3}


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="cannot be made"):
        RunFolder(tmp_path / "file" / "run").begin({})


def test_state_comes_back_bit_for_bit(folder):
    tensors = {"a/b": torch.randn(3, 4), "step": torch.tensor(7), "turned": torch.arange(6).view(2, 3).T}
    folder.save_state(tensors, {"step": 7, "best_psnr": None})
    read, facts = folder.load_state()
    assert facts == {"step": 7, "best_psnr": None}
    assert all(torch.equal(read[name], tensors[name]) for name in tensors)
    assert [p.name for p in folder.path.iterdir() if "tmp" in p.name] == []


def test_a_write_cut_short_leaves_the_old_state(folder, monkeypatch):
    folder.save_state({"a": torch.ones(2)}, {"step": 1})

    def fail(tensors, path, metadata):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr("echogan.training.run_folder.save_file", fail)
    with pytest.raises(TrainingError, match=r"cannot be written \(disk full\).*--resume"):
        folder.save_state({"a": torch.zeros(2)}, {"step": 2})
    tensors, facts = folder.load_state()
    assert facts == {"step": 1}
    assert tensors["a"].tolist() == [1, 1]


@pytest.mark.parametrize("damage", [b"", b"not safetensors at all", b"\xff" * 64])
def test_a_damaged_state_is_told(folder, damage):
    folder.state.write_bytes(damage)
    with pytest.raises(TrainingError, match="damaged"):
        folder.load_state()


def test_a_missing_or_damaged_config_is_told(tmp_path, folder):
    with pytest.raises(TrainingError, match="without --resume"):
        RunFolder(tmp_path / "none").read_config()
    folder.config.write_text("{")
    with pytest.raises(TrainingError, match="damaged"):
        folder.read_config()


def test_rewinding_drops_later_lines_half_lines_and_previews(folder):
    for step in (1, 2, 3):
        folder.log({"step": step})
        folder.preview(step, {"x": np.zeros((1, 2, 2), np.uint8)})
    with folder.metrics.open("a") as file:
        file.write('{"step": 2, "los')
    folder.rewind(2)
    lines = [json.loads(line)["step"] for line in folder.metrics.read_text().splitlines()]
    assert lines == [1, 2]
    assert sorted(p.name for p in folder.previews.iterdir()) == ["step_000001.npz", "step_000002.npz"]


CLAIM = (
    "import sys, time; from pathlib import Path; from echogan.training.run_folder import RunFolder\n"
    "RunFolder(Path(sys.argv[1])).claim() if sys.argv[2] == 'drop' else None\n"
    "folder = RunFolder(Path(sys.argv[1])); folder.claim(); print('claimed', flush=True); time.sleep(60)\n"
)


@pytest.mark.parametrize("first", ["hold", "drop"])
def test_a_run_is_trained_by_one_process_until_that_ends_however_it_ends(tmp_path, first):
    path = tmp_path / "run"
    path.mkdir()
    with subprocess.Popen([sys.executable, "-c", CLAIM, path, first], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"claimed\n"
        with pytest.raises(TrainingError, match="trained by another process"):
            RunFolder(path).claim()
        left = path / ".0123456789ab.part"
        left.touch()
        other.kill()
    mine = RunFolder(path)
    mine.claim()
    mine.claim()  # a second time does no harm
    assert not left.exists(), "what the killed process was writing goes"
    with pytest.raises(TrainingError, match="trained by another process"):
        RunFolder(path).claim()
    mine.release()
    mine.release()
    RunFolder(path).claim()


@pytest.mark.parametrize("error", [OSError(37, "No locks available"), NotImplementedError("no flock")])
def test_a_file_system_without_locks_stops_no_run(tmp_path, monkeypatch, error):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    (tmp_path / ".0123456789ab.part").touch()
    folder = RunFolder(tmp_path)
    folder.claim()
    folder.release()
    assert (tmp_path / ".0123456789ab.part").exists(), "it may be another process's"
