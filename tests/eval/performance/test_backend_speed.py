"""Two generators are timed in turn: rates, ratio and CPU time of known work, and the table of backends."""

import time

import pytest
import torch

from eval.performance.backend_speed import NOT_INSTALLED, compare, compare_backends
from eval.reporting.performance_tables import speed

SEEN = torch.zeros(1, 3, 32, 32)


def test_waiting_counts_as_time_and_not_as_cpu_time():
    shapes = set()

    def waits(seconds: float):
        def run(frame: torch.Tensor) -> torch.Tensor:
            shapes.add((seconds, tuple(frame.shape)))
            time.sleep(seconds)
            return frame

        return run

    found = compare(waits(0.02), waits(0.2), SEEN, pairs=3, passes=2)
    # Other work on the machine makes a sleep longer, never shorter.
    assert found["ours_fps"] <= 50
    assert found["reference_fps"] <= 5
    assert 1 < found["ratio"] <= 11
    assert found["ratio_least"] <= found["ratio"]
    # CPU time is of the whole process, and other threads of it may work a little in 200 ms.
    assert found["ours_cpu_ms"] < 10, "to sleep is no work"
    assert found["reference_cpu_ms"] < 100, "to sleep is no work"
    assert shapes == {(0.02, (1, 3, 32, 32)), (0.2, (1, 1, 32, 32))}, "ours sees the neighbours too"


def test_a_backend_that_is_not_installed_is_said(monkeypatch):
    from fake_checkpoint import Scale, checkpoint

    from echogan.enhance.backends import backend

    monkeypatch.setattr(backend, "find_spec", lambda name: None)
    found = compare_backends(checkpoint(Scale(1.0)), Scale(1.0), SEEN, pairs=1)
    assert found == {"onnx": NOT_INSTALLED, "openvino": NOT_INSTALLED}


@pytest.fixture
def result() -> dict:
    """A result in which every number that the table shows is another one."""
    rates = {
        "ours_fps": 12.0,
        "reference_fps": 0.5,
        "ratio": 24.0,
        "ours_cpu_ms": 61.0,
        "reference_cpu_ms": 1900.0,
    }
    complete = {
        "clip": "cine.dcm",
        "frames": 30,
        "size": [320, 240],
        "frames_per_s": 7.5,
        "after_first_frames_per_s": 11.5,
        "cpu_ms": 101.0,
        "backend": "onnx",
    }
    return {
        "cpu": rates,
        "cuda": "not measured",
        "backends": {"onnx": rates | {"ours_fps": 33.0}, "openvino": NOT_INSTALLED},
        "processor": "Some CPU",
        "cores": 2,
        "load_before": [6.0, 5.0, 4.0],
        "enhance_cpu": complete,
        "enhance_torch": complete | {"cpu_ms": 151.0},
        "page_cpu": "not measured",
        "trust_cpu": {
            "fast": {"rest_ms": 80.0, "added_ms": 20.0, "share": 0.25},
            "full": {"added_ms": 700.0, "rest_ms": 81.0, "share": 8.6},
        },
    }


def test_the_table_has_every_backend_and_the_load(result: dict):
    lines = speed(result).splitlines()
    rows = {line.split(" | ")[0].strip("| "): line for line in lines if line.startswith("| ")}
    assert "33.00 frames/s, 61 CPU-ms a frame" in rows["CPU, ONNX Runtime"]
    assert "0.50 frames/s, 1,900 CPU-ms a frame | 24 x" in rows["CPU, torch"]
    assert NOT_INSTALLED in rows["CPU, OpenVINO"]
    assert "not measured" in rows["CUDA, torch"]
    words = lines[-1]
    for said in (
        "7.5 frames/s",
        "11.5 frames/s",
        "101 CPU-ms a frame by ONNX Runtime, 151 by torch",
        "2 cores was 6.0, 5.0, 4.0",
    ):
        assert said in words
    assert "adds 20 CPU-ms to the 80 of a frame in fast mode (25%), and 700 in full mode" in words
