"""A worker process: a file's path in on standard input, what became of it out on standard output.

One line of JSON each way. The file is decoded in a child of this process with limits of its own (clips/guard).
"""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import psutil

from echogan.archive.job import ArchiveJob, outputs_of
from echogan.clips.guard.guard import look
from echogan.core.errors import EchoGANError, OutputError, SettingsError
from echogan.core.geometry import Fan
from echogan.core.worker_pool import answer_channel
from echogan.enhance.backends.backend import place
from echogan.enhance.enhance_file import enhance_file
from echogan.enhance.report import Report
from echogan.model.checkpoints.checkpoint import Checkpoint
from echogan.model.checkpoints.hub import load_checkpoint

WATCH_SECONDS = 0.1
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
FAULT = "A fault of the program ({}) ended the work on this file."


def answer(line: str) -> dict[str, Any]:
    """Do what a request asks. `state` is "done" or "failed"; then `why` is a sentence.

    An answer with `error` instead is not the file's fault: the disk is full or closed, or this machine lacks the
    device or the backend of the job.
    """
    asked = json.loads(line)
    try:
        return _enhance(Path(asked["path"]), asked["name"], Path(asked["out"]), ArchiveJob.of(asked["job"]))
    except EchoGANError as error:
        cause = error.__cause__ if isinstance(error, OutputError) else None
        if isinstance(cause, OSError) and cause.errno in DISK:
            return {"error": str(error)}
        return {"state": "failed", "why": str(error)}
    except Exception as error:  # its message may quote the file
        return {"state": "failed", "why": FAULT.format(type(error).__name__), "again": True}


def _enhance(path: Path, name: str, out: Path, job: ArchiveJob) -> dict[str, Any]:
    seen = look(path, job.limits)
    sector = seen.sector if job.sector is None else Fan.parse(job.sector)
    outputs = outputs_of(name, out, job.suffix)
    checkpoint = _checkpoint(job.model)
    if checkpoint.sha256 != job.sha256:
        return {"error": f"The weights of {job.model} were changed meanwhile. Start again in a new folder."}
    try:
        place(job.settings.device, job.settings.backend, checkpoint)
    except SettingsError as error:
        return {"error": str(error)}
    report = enhance_file(seen.clip, outputs, checkpoint, job.settings, sector, write=job.write)
    files = [place.relative_to(out).as_posix() for place in outputs.paths()]
    return {"state": "done", "outputs": files, **facts(report)}


@lru_cache(maxsize=1)
def _checkpoint(model: str) -> Checkpoint:
    return load_checkpoint(model)


def facts(report: Report) -> dict[str, Any]:
    """What the table says of a result; nothing of how long it took, so that it is the same every time."""
    shown = ("frames", "fps", "width", "height")
    return {
        **{name: report.input[name] for name in shown},
        "sector": report.sector["kind"],
        "confidence": report.sector["confidence"],
        "maps": {name: [found["mean"], found["p99"]] for name, found in report.diagnostics.items()},
        "warnings": report.warnings,
    }


def watch(parent: int, memory: int) -> None:
    """End this process as soon as its parent has ended, or when it holds more memory than it may."""
    me = psutil.Process()
    while os.getppid() == parent and me.memory_info().rss <= memory:
        time.sleep(WATCH_SECONDS)
    os._exit(1)


def serve() -> None:
    """Say that all is loaded, then answer one line after the other until standard input ends."""
    answers, parent, watching = answer_channel(), os.getppid(), False
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        if not watching:
            memory = json.loads(line)["job"]["memory"]
            threading.Thread(target=watch, args=(parent, memory), daemon=True).start()
            watching = True
        print(json.dumps(answer(line)), file=answers, flush=True)


if __name__ == "__main__":
    serve()
