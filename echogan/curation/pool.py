"""Examine many files in child processes: a crash or a hang costs one file, Ctrl-C in the terminal none."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from echogan.core.errors import Cancelled, OutputError
from echogan.curation.settings import ExamineSettings, Reason
from echogan.curation.worker import request

FILE_SECONDS = 900.0  # seconds after which a decoder counts as hanging
WAIT_SECONDS = 0.2
ROOT = Path(__file__).resolve().parents[2]
WORKER = "echogan.curation.worker"


@dataclass(frozen=True)
class Task:
    """One file to examine: `key` is its salted hash, `part` is where its pixels go."""

    key: str
    path: Path
    part: Path


class _Child:
    """A worker process, started when it is needed and again after it died."""

    def __init__(self, module: str, seconds: float) -> None:
        self.module, self.seconds = module, seconds
        self._process: subprocess.Popen[str] | None = None

    def ask(self, line: str) -> dict[str, Any] | None:
        """The answer to one request; None if the process died or took too long."""
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        watch = threading.Timer(self.seconds, process.kill)
        watch.start()
        try:
            process.stdin.write(line + "\n")
            process.stdin.flush()
            reply = process.stdout.readline()
            return json.loads(reply)
        except (OSError, ValueError):
            self.close()
            return None
        finally:
            watch.cancel()

    def _start(self) -> subprocess.Popen[str]:
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", self.module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={**os.environ, **single, "PYTHONPATH": os.pathsep.join(paths)},
            start_new_session=True,  # the parent handles the terminal's Ctrl-C, and ends this child
        )
        self._process = process
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            self.close()
            raise OutputError("The worker processes do not start. Check the installation with: pip check")
        return process

    def kill(self) -> None:
        """End the process from another thread; a thread that waits for its answer gets None."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the process and wait for it."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with suppress(OSError, ValueError):
                process.communicate()


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
    waiting: queue.SimpleQueue[Task] = queue.SimpleQueue()
    for task in tasks:
        waiting.put(task)
    done: queue.Queue[tuple[Task, dict[str, Any]] | BaseException] = queue.Queue()
    children = [_Child(module, seconds) for _ in range(min(workers, len(tasks)))]
    with _threads(children, waiting, done, settings):
        left = len(tasks)
        while left:
            if cancel is not None and cancel.is_set():
                raise Cancelled("Stopped; the files so far are kept.")
            try:
                result = done.get(timeout=WAIT_SECONDS)
            except queue.Empty:
                continue
            if isinstance(result, BaseException):
                raise result
            left -= 1
            yield result


@contextmanager
def _threads(
    children: list[_Child],
    waiting: queue.SimpleQueue[Task],
    done: queue.Queue[tuple[Task, dict[str, Any]] | BaseException],
    settings: ExamineSettings,
) -> Iterator[None]:
    """A thread per child that gives it tasks; leaving the block ends the children and then the threads."""
    stop = threading.Event()

    def feed(child: _Child) -> None:
        try:
            while not stop.is_set():
                try:
                    task = waiting.get_nowait()
                except queue.Empty:
                    return
                done.put((task, _ask_twice(child, task, settings, stop)))
        except Exception as error:  # raised again in the caller's thread
            done.put(error)
        finally:
            child.close()

    threads = [threading.Thread(target=feed, args=(child,), daemon=True) for child in children]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for child in children:
            child.kill()
        for thread in threads:
            thread.join()


def _ask_twice(child: _Child, task: Task, settings: ExamineSettings, stop: threading.Event) -> dict[str, Any]:
    line = request(task.path, task.part, settings)
    reply = child.ask(line)
    if reply is None and not stop.is_set():  # the machine may be to blame (out of memory), not the file
        reply = child.ask(line)
    if reply and "error" in reply:
        raise OutputError(reply["error"])
    return reply or {"reason": Reason.FAILED.value}
