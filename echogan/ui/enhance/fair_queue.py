"""A queue of work that serves its visitors in turn, one job each, and says how long a job will wait."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from echogan.ui.feedback import log_place

NEWEST = 0.5  # weight of the last job in the average of seconds per frame


@dataclass(eq=False)
class Job:
    """A piece of work for a visitor.

    work     called with the job in a thread of the queue; looks at `cancel`, and deals with its own errors
    frames   how many it will work on; `done` of them it has
    ended    called once when the job is over, also where it was cancelled before it began
    """

    visitor: str
    work: Callable[[Job], None]
    frames: int = 0
    ended: Callable[[Job], None] = lambda job: None
    done: int = 0
    began: float | None = None  # time.monotonic()
    cancel: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def running(self) -> bool:
        """Whether it has begun and has not ended."""
        return self.began is not None and not self.over.is_set()


@dataclass(frozen=True)
class Place:
    """How many jobs come before one that waits, and the estimated seconds until it begins; None where unknown."""

    before: int
    seconds: float | None


class FairQueue:
    """Runs jobs in at most `workers` threads, which live only while there is work. Thread-safe."""

    def __init__(self, name: str, workers: int = 1) -> None:
        self.name, self.workers = name, workers
        self.seconds_per_frame: float | None = None
        self._waiting: OrderedDict[str, deque[Job]] = (
            OrderedDict()
        )  # the visitor whose turn is next comes first
        self._running: list[Job] = []
        self._threads = 0
        self._lock = threading.Lock()

    def submit(self, job: Job) -> Job:
        """Put a job behind its visitor's others."""
        with self._lock:
            self._waiting.setdefault(job.visitor, deque()).append(job)
            if self._threads < self.workers:
                self._threads += 1
                threading.Thread(target=self._serve, name=self.name, daemon=True).start()
        return job

    def cancel(self, job: Job) -> None:
        """Take a job out, or ask it to stop if it runs."""
        job.cancel.set()
        with self._lock:
            mine = self._waiting.get(job.visitor)
            waited = False
            if mine is not None and job in mine:
                waited = True
                mine.remove(job)
                if not mine:
                    del self._waiting[job.visitor]
        if waited:
            self._end(job)

    def places(self) -> dict[Job, Place]:
        """The place of every job that waits."""
        with self._lock:
            running, order = list(self._running), self._order()
            rate = self._rate()
        left = [max(0, job.frames - job.done) for job in running]
        places = {}
        for index, job in enumerate(order):
            frames = sum(left) + sum(other.frames for other in order[:index])
            seconds = None if rate is None else rate * frames / self.workers
            places[job] = Place(len(running) + index, seconds)
        return places

    def close(self) -> None:
        """Cancel everything and wait a moment for what runs."""
        with self._lock:
            jobs = [*(job for mine in self._waiting.values() for job in mine), *self._running]
        for job in jobs:
            self.cancel(job)
        for job in jobs:
            job.over.wait(10)

    def _order(self) -> list[Job]:
        """The jobs that wait, in the order in which they will begin. Call with the lock held."""
        turns = [list(jobs) for jobs in self._waiting.values()]
        longest = max(map(len, turns), default=0)
        return [jobs[turn] for turn in range(longest) for jobs in turns if turn < len(jobs)]

    def _rate(self) -> float | None:
        """Seconds per frame, of the running job where it has done enough. Call with the lock held."""
        for job in self._running:
            if job.began is not None and job.done >= 16:
                return (time.monotonic() - job.began) / job.done
        return self.seconds_per_frame

    def _take(self) -> Job | None:
        """The next job; None ends the thread that asks."""
        with self._lock:
            if not self._waiting:
                self._threads -= 1
                return None
            visitor, mine = next(iter(self._waiting.items()))
            job = mine.popleft()
            del self._waiting[visitor]
            if mine:
                self._waiting[visitor] = mine  # last in turn
            self._running.append(job)
            job.began = time.monotonic()
            return job

    def _serve(self) -> None:
        while (job := self._take()) is not None:
            try:
                job.work(job)
            except Exception as error:  # a job deals with its own: this one is a fault of ours
                log_place(error)
            with self._lock:
                self._running.remove(job)
                if job.done and not job.cancel.is_set():
                    assert job.began is not None
                    now = (time.monotonic() - job.began) / job.done
                    before = self.seconds_per_frame
                    self.seconds_per_frame = now if before is None else before + NEWEST * (now - before)
            self._end(job)

    @staticmethod
    def _end(job: Job) -> None:
        job.over.set()
        try:
            job.ended(job)
        except Exception as error:
            log_place(error)
