"""Enhance every file of an archive, and go on where an earlier run was interrupted."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from echogan.archive.job import ArchiveJob
from echogan.archive.overview import write_overview
from echogan.archive.record import ArchiveRecord
from echogan.archive.sources import Source, list_sources
from echogan.archive.summary import write_summary
from echogan.core.worker_pool import Asked, Worker, ask_all

WORKER = "echogan.archive.worker"
CLIP_SECONDS = 6 * 3600.0  # for one clip; decoding has shorter limits of its own
DIED = "The work on this file ended its process: it needs more memory than a worker may have, or is damaged."


@dataclass(frozen=True)
class ArchiveResult:
    """What became of an archive: its files, those that failed, and those that an earlier run had done."""

    files: int
    failed: list[tuple[str, str]]
    known: int
    frames: int


def local_workers(workers: int) -> list[Worker]:
    """So many worker processes on this machine, which share its processors."""
    threads = max(1, (os.cpu_count() or 1) // workers)
    return [Worker(WORKER, CLIP_SECONDS, threads) for _ in range(workers)]


def enhance_archive(
    place: Path,
    out: Path,
    job: ArchiveJob,
    workers: Sequence[Asked],
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
) -> ArchiveResult:
    """Enhance the files of a folder, a DICOMDIR or a CSV table into `out`, with `local_workers` or `ray_workers`.

    Each file gets its clip, a report and a thumbnail under its own name, and `out` a summary.csv and an overview.html.
    What fails is noted there and stops nothing. A later call with the same job goes on where this one was interrupted.
    `progress` is called with numbers of files. Raises UnreadableClip where there is no file, OutputError where the
    disk is full or `out` holds something else, and Cancelled soon after `cancel` is set.
    """
    sources = list_sources(place, out)
    out = out.absolute()
    with ArchiveRecord(out, job.decides()) as record:
        found: dict[str, dict[str, Any]] = {}
        for source in sources:
            if (entry := record.known(source)) is not None:
                found[source.inside] = entry
        known = len(found)
        waiting = {source.inside: source for source in sources if source.inside not in found}
        report = progress or (lambda done, total: None)
        report(known, len(sources))
        for source, entry in _ask(waiting, out, job, workers, cancel):
            found[source.inside] = record.add(source, entry)
            report(len(found), len(sources))
        entries = [found[source.inside] for source in sources]
        write_summary(out, entries)
        write_overview(out, entries)
    return _result(entries, known)


def _ask(
    waiting: dict[str, Source],
    out: Path,
    job: ArchiveJob,
    workers: Sequence[Asked],
    cancel: threading.Event | None,
) -> Iterator[tuple[Source, dict[str, Any]]]:
    """What became of each file, as they come."""
    requests = {inside: job.request(source, out) for inside, source in waiting.items()}
    for inside, reply in ask_all(requests, workers, cancel):
        yield waiting[inside], reply or {"state": "failed", "why": DIED, "again": True}


def _result(entries: list[dict[str, Any]], known: int) -> ArchiveResult:
    failed = [(entry["inside"], entry["why"]) for entry in entries if entry["state"] == "failed"]
    return ArchiveResult(len(entries), failed, known, sum(entry.get("frames", 0) for entry in entries))
