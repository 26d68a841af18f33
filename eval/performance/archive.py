"""An archive of 200 small clips with two workers: killed twice, and its memory, against an uninterrupted run.

    python -m eval archive        prints a summary and writes eval/results/archive.json

Exit code 1: files are missing, differ from those of the uninterrupted run, were done again after a kill though they
were done, or the memory of a worker grows by more than LIMIT.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from echogan.model.checkpoints.checkpoint import DEFAULT, bundled_checkpoints, describe_checkpoint
from eval.command import begin, write
from eval.paths import RESULTS, ROOT
from eval.performance.machine import machine_facts
from eval.performance.memory import make_clip

RESULT = RESULTS / "archive.json"
RECORD = ".archive.jsonl"  # a line for each file that is done
SAMPLE_SECONDS = 1.0
LIMIT = 1.1  # greatest ratio of a worker's memory in the last and the second quarter of the files
MIB = 2**20


@dataclass(frozen=True)
class ArchiveSettings:
    """How large the archive is."""

    clips: int = field(default=200, metadata={"help": "clips", "min": 8})
    frames: int = field(default=4, metadata={"help": "frames of each clip", "min": 1})
    workers: int = field(default=2, metadata={"help": "processes", "min": 1})
    working_size: int = field(default=64, metadata={"help": "working size, pixels", "min": 32, "max": 1024})
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})


def main(settings: ArchiveSettings) -> None:
    """Measure, print, write; exit code 1 where something is wrong."""
    with tempfile.TemporaryDirectory() as place:
        result = measure(settings, Path(place))
    write(result, settings.out, settings, lambda found: found["checks"])
    print(json.dumps({name: result[name] for name in ("checks", "whole", "killed")}, indent=1))
    sys.exit(0 if all(result["checks"].values()) else 1)


def measure(settings: ArchiveSettings, place: Path) -> dict[str, Any]:
    """Make the archive, enhance it twice; the result as JSON."""
    archive, whole, killed = (place / name for name in ("in", "whole", "killed"))
    for number in range(settings.clips):
        path = archive / f"{number % 7}" / f"{number:03}.avi"
        path.parent.mkdir(parents=True, exist_ok=True)
        make_clip(path, settings.frames, seed=number)
    began, load = time.monotonic(), os.getloadavg()[0]
    curve = list(_watched(settings, archive, whole))
    seconds = time.monotonic() - began
    kills = [_until_killed(settings, archive, killed, share) for share in (0.3, 0.65)]
    before = _written(killed)
    last = list(_watched(settings, archive, killed))
    redone = sum(when != before[path] for path, when in _written(killed).items() if path in before)
    expected, found = results(whole), results(killed)
    growth = _growth(curve, settings.clips)
    return {
        "clips": settings.clips,
        "frames": settings.frames,
        "workers": settings.workers,
        "model": {"name": DEFAULT, "sha256": describe_checkpoint(bundled_checkpoints()[0]).sha256},
        "checks": {
            "complete": len(_written(whole)) == settings.clips == len(_written(killed)),
            "equal": expected == found,
            "resumed": redone
            <= settings.workers,  # the files in work at the kill may be written, but not noted
            "memory_flat": growth <= LIMIT,
        },
        "whole": {
            "seconds": round(seconds, 1),
            "clips_per_hour": round(3600 * settings.clips / seconds),
            "files": len(expected),
            "load_before": round(load, 1),
            "load_during": round(statistics.median(one["load"] for one in curve), 1),
        },
        "killed": {
            "done_at_each_kill": kills,
            "done_before_the_last_run": last[0]["done"],
            "done_again": redone,
        },
        "memory": {"growth": round(growth, 3), "limit": LIMIT, "curve": curve},
        "machine": machine_facts(),
    }


def _start(settings: ArchiveSettings, archive: Path, out: Path) -> subprocess.Popen[bytes]:
    size = str(settings.working_size)
    return start_run(archive, out, "--workers", str(settings.workers), "--working-size", size)


def start_run(archive: Path, out: Path, *flags: str) -> subprocess.Popen[bytes]:
    """Start to enhance an archive, as from the command line."""
    command = [sys.executable, "-m", "echogan", "enhance", str(archive), str(out), *flags]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _done(out: Path) -> int:
    """How many files are noted as done."""
    record = out / RECORD
    return len(record.read_bytes().splitlines()) if record.is_file() else 0


def _watched(settings: ArchiveSettings, archive: Path, out: Path) -> Iterator[dict[str, float]]:
    """Run to the end; files done, memory and load of the machine, every moment. Raises SystemExit where it fails."""
    process = _start(settings, archive, out)
    while process.poll() is None:
        yield {"done": _done(out), **memory_of(process.pid), "load": round(os.getloadavg()[0], 1)}
        time.sleep(SAMPLE_SECONDS)
    if process.returncode:
        raise SystemExit(f"The run ended with exit code {process.returncode}.")


def _until_killed(settings: ArchiveSettings, archive: Path, out: Path, share: float) -> int:
    """Kill a run as soon as a share of all files is done; how many were. The workers end by themselves."""
    process = _start(settings, archive, out)
    workers = psutil.Process(process.pid)
    while process.poll() is None and _done(out) < share * settings.clips:
        time.sleep(SAMPLE_SECONDS / 10)
    children = workers.children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    psutil.wait_procs(children, timeout=60)
    return _done(out)


def memory_of(pid: int) -> dict[str, float]:
    """Unique resident MiB of a process and all that it has started, and of its largest worker alone."""
    try:
        parent = psutil.Process(pid)
        workers = parent.children() or [parent]
        sizes = {process.pid: _size(process) for process in (parent, *parent.children(recursive=True))}
    except psutil.Error:
        return {"mib": 0.0, "worker_mib": 0.0}
    largest = max((sizes.get(worker.pid, 0.0) for worker in workers), default=0.0)
    return {"mib": round(sum(sizes.values()), 1), "worker_mib": round(largest, 1)}


def _size(process: psutil.Process) -> float:
    try:
        return process.memory_full_info().uss / MIB
    except psutil.Error:  # it has ended meanwhile
        return 0.0


def _growth(curve: list[dict[str, float]], clips: int) -> float:
    """The median memory of a worker while the last quarter of the files was done, over that of the second quarter."""

    def median(low: float, high: float) -> float:
        inside = [one["worker_mib"] for one in curve if low * clips <= one["done"] < high * clips]
        return statistics.median(inside) if inside else float("nan")

    return median(0.75, 1) / median(0.25, 0.5)


def _written(out: Path) -> dict[Path, int]:
    """The reports and when each was written, in nanoseconds."""
    return {path: path.stat().st_mtime_ns for path in out.rglob("*.json") if not path.name.startswith(".")}


def results(out: Path) -> dict[str, Any]:
    """Every file by its path, reports without how long they took; nothing that begins with a dot."""
    found: dict[str, Any] = {}
    for path in sorted(out.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            name, data = path.relative_to(out).as_posix(), path.read_bytes()
            found[name] = json.loads(data) | {"timing": None} if path.suffix == ".json" else data
    return found


if __name__ == "__main__":
    begin(main, ArchiveSettings)
