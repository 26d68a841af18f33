"""Every file of an archive in several processes: what was done is told at the end."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Literal

from echogan.archive.enhance_archive import enhance_archive, local_workers
from echogan.archive.job import ArchiveJob
from echogan.archive.ray_workers import ray_workers
from echogan.cli.console import progress_bar

Engine = Literal["processes", "ray"]


def run_archive(
    place: Path, out: Path, job: ArchiveJob, engine: Engine, workers: int | None, cancel: threading.Event
) -> int:
    """Enhance the archive; returns the exit code. Raises what `enhance_archive` and `ray_workers` raise."""
    began = time.monotonic()
    ray = engine == "ray"
    crew = ray_workers(workers, job.settings.device) if ray else nullcontext(local_workers(workers or 1))
    with crew as asked, progress_bar(out.name, "file", lines=True) as progress:
        result = enhance_archive(place, out, job, asked, progress, cancel)
    for inside, why in result.failed:
        print(f"{inside}: {why}", file=sys.stderr)
    seconds = max(time.monotonic() - began, 1e-3)
    known = f"; {result.known} files are of an earlier run" if result.known else ""
    done = result.files - len(result.failed)
    print(
        f"{out / 'overview.html'}: {done} of {result.files} files, {result.frames} frames, {seconds:.0f} s{known}"
    )
    return 1 if result.failed else 0
