"""A queue of work that serves addresses and their visitors in turn, and says how long a job will wait."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import TypeVar

import anyio

from echogan.ui.error_words import log_place

T = TypeVar("T")
LOOK_SECONDS = 0.05  # between two looks at a job that is waited for without a thread
NEWEST = 0.5  # weight of the last job in the average of seconds per frame


@dataclass(eq=False)
class Job:
    """A piece of work for a visitor.

    work     called with the job in a thread of the queue; looks at `cancel`, and deals with its own errors
    frames   how many it will work on; `done` of them it has
    ended    called once when the job is over, also where it was cancelled before it began
    address  where the visitor comes from; many visitors of one address together have one turn
    context  of the request that asks for the work: a ZeroGPU Space counts it as that visitor's
    """

    visitor: str
    work: Callable[[Job], None]
    frames: int = 0
    ended: Callable[[Job], None] = lambda job: None
    done: int = 0
    began: float | None = None  # time.monotonic()
    cancel: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    address: str = ""
    context: Context = field(default_factory=copy_context)

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
        # By address and visitor; whose turn is next comes first.
        self._waiting: OrderedDict[str, OrderedDict[str, deque[Job]]] = OrderedDict()
        self._running: list[Job] = []
        self._threads = 0
        self._lock = threading.Lock()

    def submit(self, job: Job) -> Job:
        """Put a job behind its visitor's others."""
        with self._lock:
            visitors = self._waiting.setdefault(job.address, OrderedDict())
            visitors.setdefault(job.visitor, deque()).append(job)
            if self._threads < self.workers:
                self._threads += 1
                threading.Thread(target=self._serve, name=self.name, daemon=True).start()
        return job

    def cancel(self, job: Job) -> None:
        """Take a job out, or ask it to stop if it runs."""
        job.cancel.set()
        with self._lock:
            visitors = self._waiting.get(job.address, OrderedDict())
            mine = visitors.get(job.visitor, deque())
            waited = job in mine
            if waited:
                mine.remove(job)
                if not mine:
                    del visitors[job.visitor]
                if not visitors:
                    del self._waiting[job.address]
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
            jobs = [*self._order(), *self._running]
        for job in jobs:
            self.cancel(job)
        for job in jobs:
            job.over.wait(10)

    def _order(self) -> list[Job]:
        """The jobs that wait, in the order in which they will begin. Call with the lock held."""
        return in_turn(in_turn(visitors.values()) for visitors in self._waiting.values())

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
            address, visitors = self._waiting.popitem(last=False)
            visitor, mine = visitors.popitem(last=False)
            job = mine.popleft()
            if mine:
                visitors[visitor] = mine  # last in turn
            if visitors:
                self._waiting[address] = visitors
            self._running.append(job)
            job.began = time.monotonic()
            return job

    def _serve(self) -> None:
        while (job := self._take()) is not None:
            try:
                job.context.run(job.work, job)
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


def in_turn(queues: Iterable[Iterable[T]]) -> list[T]:
    """The first of each queue, then the second of each, and so on."""
    each = [list(queue) for queue in queues]
    longest = max(map(len, each), default=0)
    return [queue[turn] for turn in range(longest) for queue in each if turn < len(queue)]


async def finished(job: Job, look: Callable[[], None] = lambda: None) -> None:
    """Wait until a job is over, without holding a thread; `look` is called every moment."""
    while not job.over.is_set():
        look()
        await anyio.sleep(LOOK_SECONDS)
