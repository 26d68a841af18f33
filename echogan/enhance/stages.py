"""Stages of the work on a clip, each in a thread of its own, so that all cores are used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import torch

T = TypeVar("T")


def run_stages(items: Iterable[T], *stages: Callable[[Any], Any]) -> None:
    """Send each item through the stages: the first takes the item, the others what the one before returned.

    While one stage works on an item, the one before works on the next item, and the caller's thread makes the one
    after. Each stage takes the items in order, and as many are on their way as there are stages: memory does not grow.
    Raises what `items` or a stage raises; the caller then throws away what later stages have made.
    """
    with ExitStack() as stack:
        threads = [
            stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix=f"stage {number}"))
            for number in range(1, len(stages) + 1)
        ]
        on_their_way: deque[Future[Any]] = deque()
        for item in items:
            if len(on_their_way) == len(stages):
                on_their_way.popleft().result()
            on_their_way.append(_send(item, threads, stages))
        for last in on_their_way:
            last.result()


def _send(
    item: Any, threads: list[ThreadPoolExecutor], stages: tuple[Callable[[Any], Any], ...]
) -> Future[Any]:
    """Queue an item at every stage; what the last one returns."""
    before: Future[Any] = Future()
    before.set_result(item)
    for thread, stage in zip(threads, stages, strict=True):
        before = thread.submit(_after, before, stage)
    return before


def _after(before: Future[Any], stage: Callable[[Any], Any]) -> Any:
    return stage(before.result())


@contextmanager
def half_the_cores() -> Iterator[None]:
    """Give each of two threads its half: where both ask for all cores, each waits again and again for the other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, threads // 2))
    try:
        yield
    finally:
        torch.set_num_threads(threads)
