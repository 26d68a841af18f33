"""Every file of an archive in several processes: what was done is told at the end."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from echogan.archive.enhance_archive import enhance_archive
from echogan.archive.job import ArchiveJob
from echogan.cli.console import progress_bar


def run_archive(place: Path, out: Path, job: ArchiveJob, workers: int, cancel: threading.Event) -> int:
    """Enhance the archive; returns the exit code. Raises what `enhance_archive` raises."""
    began = time.monotonic()
    with progress_bar(out.name, "file", lines=True) as progress:
        result = enhance_archive(place, out, job, workers, progress, cancel)
    for inside, why in result.failed:
        print(f"{inside}: {why}", file=sys.stderr)
    seconds = max(time.monotonic() - began, 1e-3)
    known = f" ({result.known} of them by an earlier run)" if result.known else ""
    done = result.files - len(result.failed)
    print(
        f"{out / 'overview.html'}: {done} of {result.files} files, {result.frames} frames{known}, {seconds:.0f} s"
    )
    return 1 if result.failed else 0
