"""Processes of their own: killed at any moment, and several that must learn as one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from toy_clips import toy_data
from toy_run import paired_data, settings

from echogan.model.checkpoints.checkpoint import read_checkpoint
from echogan.training.run_folder import RunFolder
from echogan.training.trainer import train

ROOT = Path(__file__).resolve().parents[2]
SUPPORT = ROOT / "tests" / "support"
STEPS = 20


def launch(*command: object) -> subprocess.Popen:
    paths = os.pathsep.join(map(str, (SUPPORT, ROOT)))
    environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, *map(str, command)], env=environment, stdout=subprocess.DEVNULL)


def step_of(folder: RunFolder) -> int:
    try:
        return json.loads(folder.status.read_text())["step"]
    except (FileNotFoundError, ValueError):
        return 0


def test_twenty_steps_are_ten_a_kill_and_ten(tmp_path):
    """Killed twice, at no moment of our choosing, while it saves after every step: the bits are the same."""
    torch.set_num_threads(1)
    whole = load_file(
        train(settings(str(tmp_path / "whole"), STEPS), paired_data(), lambda _: None) / "state.safetensors"
    )
    run, flags = RunFolder(tmp_path / "parts" / "toy"), []
    for until in (4, 10):
        process = launch(SUPPORT / "toy_run.py", STEPS, tmp_path / "parts", *flags)
        deadline = time.monotonic() + 60
        while step_of(run) < until and time.monotonic() < deadline:
            time.sleep(0.003)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        tensors, facts = run.load_state()  # whole, whatever it was doing
        assert until - 1 <= facts["step"] < STEPS
        assert tensors.keys() == {name for name in whole if not name.startswith("pool")} | {
            name for name in tensors if name.startswith("pool")
        }
        read_checkpoint(run.checkpoint)
        flags = ["--resume"]
    assert launch(SUPPORT / "toy_run.py", STEPS, tmp_path / "parts", *flags).wait() == 0
    resumed = load_file(run.state)
    assert resumed.keys() == whole.keys()
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
    assert json.loads(run.status.read_text())["state"] == "finished"


def test_two_processes_give_the_gradients_of_one(tmp_path):
    single, double = tmp_path / "1", tmp_path / "2"
    for folder in (single, double):
        folder.mkdir()
    assert launch(SUPPORT / "toy_gradients.py", single).wait() == 0
    several = (
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--local-addr",
        "127.0.0.1",
        "--nproc-per-node",
        2,
    )
    assert launch(*several, SUPPORT / "toy_gradients.py", double).wait() == 0
    alone = load_file(single / "0.safetensors")
    ranks = [load_file(double / f"{rank}.safetensors") for rank in (0, 1)]
    gradients = [name for name in alone if not name.startswith("weight ")]
    assert any(name.startswith("to_low") for name in gradients)
    assert any(name.startswith("discriminator_high") for name in gradients)
    for name in gradients:
        largest = float(alone[name].abs().max())
        assert float((ranks[0][name] - alone[name]).abs().max()) <= 1e-5 * max(1.0, largest), name
    assert sum(float(alone[name].abs().sum()) for name in gradients) > 1
    for name, tensor in ranks[0].items():
        assert torch.equal(tensor, ranks[1][name])  # in step with each other


@pytest.mark.parametrize("broken", [False, True])
def test_a_failure_is_told_in_words(tmp_path, broken):
    config = settings(str(tmp_path), 3)

    def say(text: str) -> None:
        if broken and text.startswith("step 2/"):
            raise RuntimeError("patient name")

    if broken:
        with pytest.raises(RuntimeError):
            train(config, toy_data(), say)
    else:
        train(config, toy_data(), say)
    told = json.loads((config.run_path / "status.json").read_text())
    assert told["state"] == ("failed" if broken else "finished")
    assert told["steps"] == 3
    assert told["pid"] == os.getpid()
    assert "patient" not in told["message"]
