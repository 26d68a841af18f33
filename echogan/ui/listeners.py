"""Who listens for the answers of Gradio's queue, so that work for a client that has gone can be dropped."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Listeners:
    """The streams that are open, by session or event. Thread-safe."""

    def __init__(self) -> None:
        self.watching = False  # set by whoever sees the streams; without, everybody is taken to listen
        self._open: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def listening(self, key: str) -> Iterator[None]:
        """While a stream of this session or event is open."""
        with self._lock:
            self._open[key] += 1
        try:
            yield
        finally:
            with self._lock:
                self._open[key] -= 1
                if not self._open[key]:
                    del self._open[key]

    def hears(self, *keys: str) -> bool:
        """Whether anybody listens under one of these keys."""
        with self._lock:
            return not self.watching or any(key in self._open for key in keys)


LISTENERS = Listeners()  # of this process: sessions and events have random names
