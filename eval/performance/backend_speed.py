"""Frames per second of two generators in turn on one backend, so that other load on the machine slows both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor, nn

from echogan.core.errors import SettingsError
from echogan.enhance.backends.backend import NEEDED, PREFERRED, place, translators
from echogan.enhance.backends.onnx_file import export
from echogan.enhance.backends.onnx_runners import onnxruntime_runner, openvino_runner
from echogan.model.checkpoints.checkpoint import Checkpoint
from echogan.model.networks.frames import centre

NOT_INSTALLED = "not installed"
Run = Callable[[Tensor], Tensor]


def compare(ours: Run, reference: Run, seen: Tensor, pairs: int, passes: int) -> dict[str, Any]:
    """Both in turn on one frame, ours with its neighbours: medians over pairs. CPU time is that of all threads."""
    frame = centre(seen)
    with torch.inference_mode():
        timed(ours, seen, 2)  # warm up
        timed(reference, frame, 1)
        times = [(timed(ours, seen, passes), timed(reference, frame, passes)) for _ in range(pairs)]
    own, others = (statistics.median(pair[which][0] for pair in times) for which in (0, 1))
    own_cpu, others_cpu = (statistics.median(pair[which][1] for pair in times) for which in (0, 1))
    ratios = [theirs[0] / own[0] for own, theirs in times]
    return {
        "ours_fps": round(1 / own, 3),
        "reference_fps": round(1 / others, 3),
        "ratio": round(statistics.median(ratios), 2),
        "ratio_least": round(min(ratios), 2),
        "ours_cpu_ms": round(1000 * own_cpu, 1),
        "reference_cpu_ms": round(1000 * others_cpu, 1),
        "cpu_ratio": round(others_cpu / own_cpu, 2),
        "pairs": pairs,
        "passes_per_pair": passes,
    }


def timed(run: Run, frame: Tensor, passes: int) -> tuple[float, float]:
    """Seconds and CPU-seconds per frame, the mean of `passes` passes."""
    start, cpu_start = time.perf_counter(), time.process_time()
    for _ in range(passes):
        run(frame)
    if frame.device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / passes, (time.process_time() - cpu_start) / passes


def compare_backends(
    checkpoint: Checkpoint, reference: nn.Module, seen: Tensor, pairs: int
) -> dict[str, dict[str, Any] | str]:
    """`compare` on the CPU for each backend beside torch, by its name; NOT_INSTALLED where that is so."""
    found: dict[str, dict[str, Any] | str] = {}
    for backend in PREFERRED:
        try:
            device, _ = place("cpu", backend, checkpoint)
        except SettingsError:
            found[backend] = NOT_INSTALLED
            continue
        run = onnxruntime_runner if backend == "onnx" else openvino_runner
        ours, _ = translators(checkpoint, device, backend)
        theirs = run(export(reference, 1), 1, torch.get_num_threads())
        numbers = compare(ours, theirs, seen, pairs, passes=1)
        found[backend] = numbers | {"version": version(NEEDED[backend][-1])}
    return found
