"""What a worker answers, and when its process ends."""

import errno
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from fake_checkpoint import Scale, checkpoint
from small_archive import FAN, small_archive

from echogan.archive import worker
from echogan.archive.job import ArchiveJob
from echogan.archive.sources import Source
from echogan.clips.clip import ClipLimits
from echogan.clips.write_options import WriteOptions
from echogan.core.errors import OutputError
from echogan.enhance.enhancer import EnhanceSettings

JOB = ArchiveJob(
    "fake",
    "ab" * 32,
    EnhanceSettings(device="cpu", working_size=64),
    ClipLimits(),
    WriteOptions(),
    FAN,
    ".mp4",
    2**30,
)


@pytest.fixture
def answer(tmp_path, monkeypatch):
    """What becomes of the archive's first clip."""
    archive = small_archive(tmp_path / "in", 1)
    monkeypatch.setattr(worker, "_checkpoint", lambda model: checkpoint(Scale(0.5)))
    source = Source(archive / "a" / "000.gif", "a/000.gif", "a/000")
    return lambda job=JOB: worker.answer(job.request(source, tmp_path / "out"))


def test_a_request_brings_the_job_as_it_is():
    asked = json.loads(JOB.request(Source(Path("/x"), "x", "x"), Path("/out")))
    assert ArchiveJob.of(asked["job"]) == JOB


def test_a_clip_is_done_with_its_facts(answer, tmp_path):
    found = answer()
    assert (found["state"], found["frames"], found["sector"]) == ("done", 3, "fan")
    assert found["outputs"] == ["a/000.mp4", "a/000.json", "thumbnails/a/000.png"]
    assert all((tmp_path / "out" / path).is_file() for path in found["outputs"])


def test_other_weights_than_those_of_the_job_are_refused(answer):
    found = answer(
        ArchiveJob.of(json.loads(JOB.request(Source(Path("/"), "", ""), Path("/")))["job"] | {"sha256": "cd"})
    )
    assert "changed meanwhile" in found["error"]


@pytest.mark.parametrize(("device", "backend"), [("cuda", "torch"), ("mps", "torch"), ("cpu", "none")])
def test_a_machine_without_the_device_or_the_backend_of_the_job_stops_it(answer, device, backend):
    settings = replace(JOB.settings, device=device, backend=backend)
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("this machine has it")
    assert set(answer(replace(JOB, settings=settings))) == {"error"}


def test_a_full_disk_ends_the_run_and_another_fault_only_the_file(answer, monkeypatch):
    def full(*_, **__):
        raise OutputError("'a.mp4' could not be written.") from OSError(errno.ENOSPC, "No space left")

    def broken(*_, **__):
        raise TypeError("Planted^Doe")

    monkeypatch.setattr(worker, "enhance_file", full)
    assert answer() == {"error": "'a.mp4' could not be written."}
    monkeypatch.setattr(worker, "enhance_file", broken)
    assert answer()["why"] == worker.FAULT.format("TypeError")


@pytest.mark.parametrize("why", ["parent", "memory"])
def test_a_process_ends_with_its_parent_and_at_its_limit_of_memory(why):
    code = "import os; from echogan.archive.worker import watch; print('in', flush=True); watch({}, {})"
    code = code.format("os.getppid()" if why == "memory" else "-1", 1000 if why == "memory" else 2**50)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=120)
    assert (ran.returncode, ran.stdout) == (1, b"in\n")


def test_a_process_below_its_limit_goes_on():
    code = "import os; from echogan.archive.worker import watch; print('in', flush=True); watch(os.getppid(), 2**50)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"in\n"
        time.sleep(0.5)
        assert process.poll() is None
        process.kill()
