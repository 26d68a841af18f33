"""What an archive costs: processor time, memory and disk for each frame, at the usual settings.

    python -m eval archive_rate        prints a summary and writes eval/results/archive_rate.json

The archive holds copies of the bundled simulated clips. Two archives are enhanced, a short and a long one; their
difference is what the frames cost, without the start of the workers.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from echogan.clips.files import open_clip
from echogan.model.checkpoints.checkpoint import DEFAULT, bundled_checkpoints, describe_checkpoint
from echogan.phantom_files.examples import EXAMPLES, FOLDER
from eval.command import begin, write
from eval.paths import RESULTS
from eval.performance.archive import memory_of, start_run
from eval.performance.machine import machine_facts

RESULT = RESULTS / "archive_rate.json"
SAMPLE_SECONDS = 0.2


@dataclass(frozen=True)
class ArchiveRateSettings:
    """How many clips."""

    short: int = field(default=2, metadata={"help": "clips of the short archive", "min": 1})
    long: int = field(default=10, metadata={"help": "clips of the long archive", "min": 2})
    workers: int = field(default=2, metadata={"help": "processes", "min": 1})
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})


@dataclass(frozen=True)
class Run:
    """What the enhancement of one archive took; `worker_mib` is the highest memory of a worker."""

    frames: int
    seconds: float
    cpu_s: float
    worker_mib: float
    load: float
    output_bytes: int


def main(settings: ArchiveRateSettings) -> None:
    """Measure, print, write."""
    with tempfile.TemporaryDirectory() as place:
        short, long = (
            enhance_copies(Path(place) / f"{clips}", clips, settings.workers)
            for clips in (settings.short, settings.long)
        )
    result = rates(short, long, settings.workers)
    write(result, settings.out, settings, lambda found: found["cost"])
    print(json.dumps(result, indent=1))


def rates(short: Run, long: Run, workers: int) -> dict[str, Any]:
    """The result as JSON: the cost of the frames by which the long archive is longer."""
    frames = long.frames - short.frames
    first = open_clip(_degraded()[0])
    return {
        "workers": workers,
        "threads_per_worker": max(1, (os.cpu_count() or 1) // workers),
        "frames": frames,
        "frames_per_clip": first.frames,
        "size": [first.width, first.height],
        "model": {"name": DEFAULT, "sha256": describe_checkpoint(bundled_checkpoints()[0]).sha256},
        "cost": {
            "cpu_s_per_frame": round((long.cpu_s - short.cpu_s) / frames, 4),
            "output_bytes_per_frame": round((long.output_bytes - short.output_bytes) / frames),
            "worker_mib": round(long.worker_mib),
        },
        "frames_per_s": round(frames / (long.seconds - short.seconds), 2),
        "load_during": round(long.load, 1),
        "machine": machine_facts(),
    }


def enhance_copies(place: Path, clips: int, workers: int) -> Run:
    """Enhance so many copies of the bundled clips. Raises SystemExit where the run fails."""
    archive, out, sources = place / "in", place / "out", _degraded()
    archive.mkdir(parents=True)
    for number in range(clips):
        source = sources[number % len(sources)]
        shutil.copyfile(source, archive / f"{number:03}{source.suffix}")
    frames = sum(open_clip(path).frames for path in archive.iterdir())
    began = time.monotonic()
    process = start_run(archive, out, "--workers", str(workers), "--device", "cpu")
    used: dict[tuple[int, float], float] = {}
    memory, loads = [0.0], [os.getloadavg()[0]]
    while process.poll() is None:
        used |= processor_seconds(process.pid)
        if len(loads) % 5 == 1:  # to read the memory slows the workers down
            memory.append(memory_of(process.pid)["worker_mib"])
        loads.append(os.getloadavg()[0])
        time.sleep(SAMPLE_SECONDS)
    if process.returncode:
        raise SystemExit(f"The run ended with exit code {process.returncode}.")
    seconds = time.monotonic() - began
    written = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return Run(frames, seconds, sum(used.values()), max(memory), statistics.median(loads), written)


def processor_seconds(pid: int) -> dict[tuple[int, float], float]:
    """What a process and all that it has started have used so far, by id and start of each.

    Those that decode have no parent that waits for them, so that no sum at the end would have them.
    """
    found: dict[tuple[int, float], float] = {}
    with suppress(psutil.Error):
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with suppress(psutil.Error):  # it has ended meanwhile
                times = process.cpu_times()
                found[process.pid, process.create_time()] = times.user + times.system
    return found


def _degraded() -> list[Path]:
    return [FOLDER / clip.file_name("degraded") for clip in EXAMPLES.values()]


if __name__ == "__main__":
    begin(main, ArchiveRateSettings)
