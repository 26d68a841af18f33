"""Frames per second: our generator beside the reference ResNet-9, and the whole way of a real clip.

`python -m eval.speed` prints the table and writes eval/results/speed.json. Both generators run in turn, pair by
pair, so that a busy machine slows both: the ratio is the median over pairs.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch

import echogan
from echogan.clips.files import open_clip
from echogan.enhancer import EnhanceSettings
from echogan.model.checkpoint import Checkpoint
from echogan.model.generators import GeneratorConfig, build_generator
from echogan.model.hub import load_checkpoint
from echogan.pipeline import Outputs, enhance_file

RESULT = Path(__file__).parent / "results" / "speed.json"
REFERENCE = GeneratorConfig(kind="resnet", channels=64, blocks=9)
SIZE = 256
Device = Literal["cpu", "cuda"]
DEVICES: tuple[Device, ...] = ("cpu", "cuda")


def timed(generator: torch.nn.Module, frame: torch.Tensor, passes: int) -> float:
    """Seconds for one frame, the mean of `passes` in a row."""
    began = time.perf_counter()
    for _ in range(passes):
        generator(frame)
    if frame.device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - began) / passes


def compare(ours: torch.nn.Module, reference: torch.nn.Module, device: str, pairs: int, passes: int) -> dict:
    """Both generators at 256 x 256, batch 1, float32, in turn on one device."""
    ours, reference = ours.to(device), reference.to(device)
    frame = torch.rand(1, 1, SIZE, SIZE, device=device) * 2 - 1
    with torch.inference_mode():
        for generator in (ours, reference):
            timed(generator, frame, 2)  # warm up
        times = [(timed(ours, frame, passes), timed(reference, frame, passes)) for _ in range(pairs)]
    mine, theirs = (statistics.median(column) for column in zip(*times, strict=True))
    return {
        "ours_fps": 1 / mine,
        "reference_fps": 1 / theirs,
        "ratio": statistics.median(b / a for a, b in times),
        "ratio_least": min(b / a for a, b in times),
        "pairs": pairs,
        "passes_per_pair": passes,
    }


def whole_way(clip: Path, checkpoint: Checkpoint, device: Device, runs: int = 3) -> dict:
    """`enhance_file` from the file to an MP4, a report and arrays: the median of `runs`, and its parts."""
    timings = []
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        outputs = Outputs(clips=[out / "a.mp4"], arrays=out / "a.npz", report=out / "a.json")
        for _ in range(runs):
            timings.append(enhance_file(clip, outputs, checkpoint, EnhanceSettings(device=device)).timing)
    middle = sorted(timings, key=lambda timing: timing["frames_per_s"])[runs // 2]
    facts = open_clip(clip)
    return {
        "clip": "pydicom ybr_color",
        "frames": facts.frames,
        "size": [facts.width, facts.height],
        **middle,
    }


def environment(checkpoint: Checkpoint) -> dict:
    """What the numbers were measured with."""
    cuda = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "version": echogan.__version__,
        "model": {"name": checkpoint.name, "sha256": checkpoint.sha256},
        "torch": torch.__version__,
        "python": platform.python_version(),
        "processor": processor_name(),
        "threads": torch.get_num_threads(),
        "cuda": cuda,
    }


def processor_name() -> str:
    """The processor's name where Linux tells it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.machine())


def measure(model: str, clip: Path | None, pairs: int, say: Callable[[str], None] = print) -> dict:
    """All numbers, as written to the JSON; "not measured" where there is no CUDA or no clip."""
    torch.set_num_threads(1)
    checkpoint = load_checkpoint(model)
    reference = build_generator(REFERENCE).eval()
    result: dict = environment(checkpoint) | {"size": SIZE, "batch": 1}
    for device in DEVICES:
        if device == "cuda" and not torch.cuda.is_available():
            result[device] = result[f"enhance_{device}"] = "not measured"
            say(f"{device}: not measured")
            continue
        passes = 1 if device == "cpu" else 50
        numbers = compare(checkpoint.to_high, reference, device, pairs, passes)
        result[device] = {name: round(value, 3) for name, value in numbers.items()}
        say(
            f"{device}: ours {numbers['ours_fps']:.2f} frames/s, reference {numbers['reference_fps']:.2f}, "
            f"ratio {numbers['ratio']:.1f}"
        )
        checkpoint.to_high.to("cpu")
        way = whole_way(clip, checkpoint, device) if clip else "not measured"
        result[f"enhance_{device}"] = way
        say(f"enhance on {device}: {way['frames_per_s'] if isinstance(way, dict) else way} frames/s")
    return result


def example_clip() -> Path | None:
    """The real cine that lies in pydicom's package; None where it is not installed."""
    package = importlib.util.find_spec("pydicom")
    if package is None or package.origin is None:
        return None
    path = Path(package.origin).parent / "data" / "test_files" / "examples_ybr_color.dcm"
    return path if path.exists() else None


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="echogan-phantom")
    parser.add_argument("--clip", type=Path, default=None, help="the clip of the whole way (pydicom's cine)")
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args()
    result = measure(given.model, given.clip or example_clip(), given.pairs)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
