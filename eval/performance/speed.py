"""Frames per second of the generator beside the reference CycleGAN, of the complete enhancement and of training.

    python -m eval speed                    measure, print and write eval/results/speed.json
    python -m eval speed --training-only    measure only the cost of a training step

Our network and the reference run in turn, pair by pair, on each backend that is installed, so that other load on the
machine slows both. The ratio is the median over pairs. The page's wait and the cost of the trust card are timed too.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch

from echogan.clips.files import open_clip
from echogan.enhance.enhance_file import enhance_file
from echogan.enhance.enhancer import EnhanceSettings
from echogan.enhance.outputs import Outputs
from echogan.model.checkpoints.checkpoint import DEFAULT, Checkpoint
from echogan.model.checkpoints.hub import load_checkpoint
from echogan.model.networks.generators import build_generator
from eval.command import begin
from eval.paths import RESULTS
from eval.performance.backend_speed import compare, compare_backends
from eval.performance.machine import machine_facts
from eval.performance.page_wait import page_wait
from eval.performance.training_speed import REFERENCE, SIZE, WANTED, compare_training
from eval.performance.trust_cost import trust_cost
from eval.real_data import pydicom_cine

RESULT = RESULTS / "speed.json"
NOT_MEASURED = "not measured"
Device = Literal["cpu", "cuda"]
Backend = Literal["auto", "torch", "onnx", "openvino"]
DEVICES: tuple[Device, ...] = ("cpu", "cuda")


@dataclass(frozen=True)
class SpeedSettings:
    """What is timed, and where the result goes."""

    model: str = field(default=DEFAULT, metadata={"help": "checkpoint, by name or folder"})
    clip: Path | None = field(default=None, metadata={"help": "clip to enhance; by default pydicom's cine"})
    pairs: int = field(default=15, metadata={"help": "timed pairs of our generator and the reference"})
    training_only: bool = field(
        default=False, metadata={"help": "measure only the training step, and keep the other results"}
    )
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})


def main(settings: SpeedSettings) -> None:
    """Measure, print, write."""
    torch.set_num_threads(1)
    if settings.training_only:
        result = json.loads(settings.out.read_text()) if settings.out.exists() else {}
    else:
        result = measure(settings.model, settings.clip or pydicom_cine(), settings.pairs)
    result["training_step"] = step = compare_training()
    print(
        f"training step: ours {step['ours_cpu_s']:.2f} CPU-s, reference {step['reference_cpu_s']:.2f} CPU-s, "
        f"ratio {step['ratio']:.1f}, least {step['ratio_least']:.1f} (wanted: at least {WANTED})"
    )
    settings.out.parent.mkdir(parents=True, exist_ok=True)
    settings.out.write_text(json.dumps(result, indent=2) + "\n")


def measure(model: str, clip: Path | None, pairs: int) -> dict:
    """All results but the training step, as JSON. Without CUDA or a clip its entries are NOT_MEASURED."""
    checkpoint = load_checkpoint(model)
    reference = build_generator(REFERENCE).eval()
    cuda = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    facts = {"name": checkpoint.name, "sha256": checkpoint.sha256}
    result: dict = machine_facts() | {"model": facts, "cuda": cuda, "size": SIZE, "batch": 1}
    result["cores"] = os.cpu_count()
    result["load_before"] = [round(load, 1) for load in os.getloadavg()]
    seen = torch.rand(1, checkpoint.config.generator.frames, SIZE, SIZE) * 2 - 1
    for device in DEVICES:
        if device == "cuda" and not torch.cuda.is_available():
            result[device] = result[f"enhance_{device}"] = NOT_MEASURED
            print(f"{device}: {NOT_MEASURED}")
            continue
        passes = 1 if device == "cpu" else 50
        nets = checkpoint.to_high.to(device), reference.to(device)
        result[device] = numbers = compare(*nets, seen.to(device), pairs, passes)
        print(_in_words(device, numbers))
        for net in nets:
            net.to("cpu")
        found = complete_enhancement(clip, checkpoint, device) if clip else NOT_MEASURED
        result[f"enhance_{device}"] = found
        print(f"enhance on {device}: {found['frames_per_s'] if isinstance(found, dict) else found} frames/s")
    result["backends"] = compare_backends(checkpoint, reference, seen, pairs)
    for name, numbers in result["backends"].items():
        print(numbers if isinstance(numbers, str) else _in_words(name, numbers))
    result["enhance_torch"] = complete_enhancement(clip, checkpoint, "cpu", "torch") if clip else NOT_MEASURED
    result["page_cpu"] = page_wait(clip, checkpoint) if clip else NOT_MEASURED
    print(f"page: {result['page_cpu']}")
    result["trust_cpu"] = trust_cost(clip, checkpoint) if clip else NOT_MEASURED
    return result


def _in_words(where: str, numbers: dict) -> str:
    return (
        f"{where}: ours {numbers['ours_fps']:.2f} frames/s ({numbers['ours_cpu_ms']:.0f} CPU-ms), "
        f"reference {numbers['reference_fps']:.2f}, ratio {numbers['ratio']:.1f}"
    )


def complete_enhancement(
    clip: Path, checkpoint: Checkpoint, device: Device, backend: Backend = "auto", runs: int = 9
) -> dict:
    """The timing of `enhance_file` from the file to an MP4, a report and arrays: the median of `runs` runs.

    `after_first_frames_per_s` counts from when the network has the first batch to when all files are complete;
    `cpu_ms` is the CPU time a frame of all of it, with the sector, in all threads.
    """
    timings = []
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        outputs = Outputs(clips=[out / "a.mp4"], arrays=out / "a.npz", report=out / "a.json")
        settings = EnhanceSettings(device=device, backend=backend)
        for _ in range(runs):
            told: list[tuple[float, int]] = []

            def progress(done: int, total: int, told: list[tuple[float, int]] = told) -> None:
                told.append((time.perf_counter(), done))

            cpu_began = time.process_time()
            report = enhance_file(clip, outputs, checkpoint, settings, progress=progress)
            ended, cpu = time.perf_counter(), time.process_time() - cpu_began
            (first, done), frames = told[0], told[-1][1]
            timings.append(
                report.timing
                | {
                    "after_first_frames_per_s": round((frames - done) / (ended - first), 3),
                    "cpu_ms": round(1000 * cpu / frames, 1),
                    "backend": report.backend,
                }
            )
    middle = sorted(timings, key=lambda timing: timing["frames_per_s"])[runs // 2]
    source = open_clip(clip)
    return {"clip": clip.name, "frames": source.frames, "size": [source.width, source.height], **middle}


if __name__ == "__main__":
    begin(main, SpeedSettings)
