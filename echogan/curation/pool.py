"""Examine many files in child processes: a crash or a hang costs one file."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from echogan.core.worker_pool import FILE_SECONDS, Worker, ask_all
from echogan.curation.settings import ExamineSettings, Reason
from echogan.curation.worker import request

WORKER = "echogan.curation.worker"


@dataclass(frozen=True)
class Task:
    """One file to examine: `key` is its salted hash, `part` is where its pixels go."""

    key: str
    path: Path
    part: Path


def examine_all(
    tasks: Sequence[Task],
    settings: ExamineSettings,
    workers: int,
    cancel: threading.Event | None = None,
    module: str = WORKER,
    seconds: float = FILE_SECONDS,
) -> Iterator[tuple[Task, dict[str, Any]]]:
    """Examine every file with `workers` processes; yields (task, answer) as they come, in any order.

    An answer holds `reason` (empty if the part was written) and what `worker` found. A file is left out as FAILED if
    the process dies on it twice or hangs. Raises Cancelled soon after `cancel` is set, and OutputError.
    """
    by_number = {str(number): task for number, task in enumerate(tasks)}
    requests = {number: request(task.path, task.part, settings) for number, task in by_number.items()}
    processes = [Worker(module, seconds) for _ in range(min(workers, len(tasks)))]
    for number, reply in ask_all(requests, processes, cancel):
        yield by_number[number], reply or {"reason": Reason.FAILED.value}
