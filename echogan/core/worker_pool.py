"""Child processes that answer lines of JSON: a crash or a hang costs one line, Ctrl-C in the terminal none.

A worker module prints "ready" when it has loaded, and then one line for each line that it reads.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, TextIO

from echogan.core.errors import Cancelled, OutputError

FILE_SECONDS = 900.0  # seconds after which a decoder counts as hanging
WAIT_SECONDS = 0.2
ROOT = Path(__file__).resolve().parents[2]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Reply = dict[str, Any]
_Done = tuple[str, Reply | None]


class Asked(Protocol):
    """What answers requests: `Worker` here, or a worker elsewhere."""

    def ask(self, line: str) -> Reply | None:
        """The answer to one request; None if the process died or took too long."""
        ...

    def kill(self) -> None:
        """End the process from another thread."""
        ...

    def close(self) -> None:
        """End the process."""
        ...


class Worker:
    """A worker process, started when it is needed and again after it died.

    seconds   an answer that takes longer ends the process
    threads   that its libraries may use
    """

    def __init__(self, module: str, seconds: float = FILE_SECONDS, threads: int = 1) -> None:
        self.module, self.seconds, self.threads = module, seconds, threads
        self._process: subprocess.Popen[str] | None = None

    def ask(self, line: str) -> Reply | None:
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
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", self.module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={
                **os.environ,
                **dict.fromkeys(THREADS, str(self.threads)),
                "PYTHONPATH": os.pathsep.join(paths),
            },
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


def ask_all(
    requests: Mapping[str, str], workers: Sequence[Asked], cancel: threading.Event | None = None
) -> Iterator[tuple[str, Reply | None]]:
    """The answer to every request by its key, in any order, by these workers; they end with the last one.

    A request is asked again once where its process died or took too long, then its answer is None. An answer with
    `error` is raised as OutputError: it is not the file's fault. Raises Cancelled soon after `cancel` is set.
    """
    waiting: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
    for request in requests.items():
        waiting.put(request)
    done: queue.Queue[_Done | Exception] = queue.Queue()
    with _threads(workers[: len(requests)], waiting, done):
        left = len(requests)
        while left:
            if cancel is not None and cancel.is_set():
                raise Cancelled("Stopped; the files so far are kept.")
            try:
                result = done.get(timeout=WAIT_SECONDS)
            except queue.Empty:
                continue
            if isinstance(result, Exception):
                raise result
            left -= 1
            yield result


@contextmanager
def _threads(
    workers: Sequence[Asked],
    waiting: queue.SimpleQueue[tuple[str, str]],
    done: queue.Queue[_Done | Exception],
) -> Iterator[None]:
    """A thread per worker that gives it requests; leaving the block ends the workers and then the threads."""
    stop = threading.Event()

    def feed(worker: Asked) -> None:
        try:
            while not stop.is_set():
                try:
                    key, line = waiting.get_nowait()
                except queue.Empty:
                    return
                done.put((key, _ask_twice(worker, line, stop)))
        except Exception as error:  # raised again in the caller's thread
            done.put(error)
        finally:
            worker.close()

    threads = [threading.Thread(target=feed, args=(worker,), daemon=True) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for worker in workers:
            worker.kill()
        for thread in threads:
            thread.join()


def _ask_twice(worker: Asked, line: str, stop: threading.Event) -> Reply | None:
    reply = worker.ask(line)
    if reply is None and not stop.is_set():  # the machine may be to blame (out of memory), not the file
        reply = worker.ask(line)
    if reply and "error" in reply:
        raise OutputError(reply["error"])
    return reply


def answer_channel() -> TextIO:
    """In a worker: keep standard output for the answers, and discard what a library prints."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    return channel
