"""Peak memory for a 2,000-frame clip against a 200-frame clip, for every kind of output.

    python -m eval memory        prints a table and writes eval/results/memory.json

Each clip is enhanced into each kind of output in a process of its own. The generator is small and untrained, since its
weights add the same amount to both. Exit code 1: the peak grows by more than LIMIT.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import av
import numpy as np

from eval.command import begin
from eval.paths import RESULTS, ROOT

if TYPE_CHECKING:  # the worker process alone imports it, so that its peak is that of the work
    from echogan.enhance.enhancer import Enhancer

RESULT = RESULTS / "memory.json"
Kind = Literal["mp4", "webm", "gif", "png", "npz", "dcm", "arrays", "page", "all"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SIDE = 256  # pixels
SHORT, LONG = 200, 2000  # frames
LIMIT = 1.2  # greatest ratio of the peaks of the long and the short clip
WORKER = "import sys; from eval.performance import memory; memory.enhance_and_print_peak(*sys.argv[1:])"


@dataclass(frozen=True)
class MemorySettings:
    """Which outputs are measured, and where the result goes."""

    kinds: tuple[Kind, ...] = field(default=KINDS, metadata={"help": "kinds of output"})
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})


def main(settings: MemorySettings) -> None:
    """Measure, print, write; exit code 1 where the limit is exceeded."""
    result = measure(settings.kinds)
    settings.out.parent.mkdir(parents=True, exist_ok=True)
    settings.out.write_text(json.dumps(result, indent=2) + "\n")
    sys.exit(0 if result["within_limit"] else 1)


def make_clip(path: Path, frames: int, seed: int = 0) -> None:
    """Write a clip of a moving textured fan on black: H.264 in AVI, 256 x 256, 30 frames per second."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    angle, radius = np.degrees(np.arctan2(x - SIDE / 2, y - 4)), np.hypot(x - SIDE / 2, y - 4)
    fan = (np.abs(angle) < 40) & (radius > 6) & (radius < SIDE - 14)
    rng = np.random.default_rng(seed)
    with av.open(str(path), "w", format="avi") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "20"})
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        for index in range(frames):
            wave = np.sin(radius / 4 - index / 3) * np.cos(angle / 6 + index / 9)
            image = np.where(fan, 120 + 60 * wave + rng.normal(0, 12, (SIDE, SIDE)), 0).clip(0, 255)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image.astype(np.uint8), format="gray")))
        container.mux(stream.encode(None))


def enhance_and_print_peak(clip_path: str, kind: str, folder_path: str) -> None:
    """Enhance a clip into one kind of output, and print the peak resident size of this process in MiB."""
    import torch

    from echogan.enhance.enhance_file import enhance_file
    from echogan.enhance.enhancer import Enhancer, EnhanceSettings
    from echogan.enhance.outputs import Outputs
    from echogan.model.checkpoints.checkpoint import Checkpoint, CheckpointConfig
    from echogan.model.networks.generators import GeneratorConfig, build_generator

    torch.set_num_threads(1)
    torch.manual_seed(0)
    clip, folder = Path(clip_path), Path(folder_path)
    config = CheckpointConfig(name="untrained", generator=GeneratorConfig(channels=4, blocks=1))
    to_high, to_low = (build_generator(config.generator).eval() for _ in range(2))
    checkpoint = Checkpoint("untrained", "memory", None, "0" * 64, config, to_high, to_low)
    suffixes = [k for k in KINDS[:6] if kind in (k, "all")]
    clips = [folder / ("frames" if suffix == "png" else f"out.{suffix}") for suffix in suffixes]
    outputs = Outputs(
        clips=clips,
        arrays=folder / "arrays.npz" if kind in ("arrays", "all") else None,
        report=folder / "report.json",
        figure=folder / "figure.png",
    )
    settings = EnhanceSettings(device="cpu", working_size=SIDE // 2)
    if kind == "page":
        show_on_page(clip, folder, Enhancer(checkpoint, settings))
    else:
        enhance_file(clip, outputs, checkpoint, settings)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(peak / (2**20 if sys.platform == "darwin" else 2**10))


def show_on_page(path: Path, folder: Path, enhancer: Enhancer) -> None:
    """What the page does with a clip: a result in tiles, and a file made of it when it is asked for."""
    from echogan.clips.files import open_clip
    from echogan.clips.sector.find_sector import find_sector
    from echogan.enhance.exports import ExportRequest, make_export
    from echogan.enhance.result_stages import store_result

    clip = open_clip(path)
    stored = store_result(enhancer, enhancer.prepare(clip, find_sector(clip)), folder)
    make_export(ExportRequest(stored, "mp4", 0.5, mark=True, blackout=False, stem="clip"), folder)


def peak_mib(clip: Path, kind: str) -> float:
    """The peak resident size in MiB of a new process that enhances `clip` into `kind`."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", WORKER, str(clip), kind, folder]
        process = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if process.returncode:
        raise SystemExit(f"{kind}: {process.stderr.strip().splitlines()[-1]}")
    return float(process.stdout.split()[-1])


def measure(kinds: Sequence[Kind]) -> dict:
    """The result as JSON: the peaks of both clips for each kind of output; each is printed."""
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        clips = {count: Path(folder) / f"{count}.avi" for count in (SHORT, LONG)}
        for count, path in clips.items():
            make_clip(path, count)
        for kind in kinds:
            short, long = (peak_mib(clips[count], kind) for count in (SHORT, LONG))
            rows[kind] = {
                "short_mib": round(short, 1),
                "long_mib": round(long, 1),
                "ratio": round(long / short, 3),
                # A grey frame of this size has 64 KiB: an output that kept its frames would grow by as much.
                "growth_kib_per_frame": round((long - short) * 1024 / (LONG - SHORT), 2),
            }
            print(f"{kind:<8} {short:7.1f} MiB {long:7.1f} MiB  ratio {long / short:.3f}", flush=True)
    worst = max(row["ratio"] for row in rows.values())
    return {
        "frames": [SHORT, LONG],
        "size": [SIDE, SIDE],
        "limit": LIMIT,
        "worst_ratio": worst,
        "within_limit": worst <= LIMIT,
        "outputs": rows,
    }


if __name__ == "__main__":
    begin(main, MemorySettings)
