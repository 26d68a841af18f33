"""How many calls of the endpoint one client, one address and all together may have at a time."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from echogan.core.errors import EchoGANError

OF_CLIENT = 3  # one that runs and two that wait
OF_ADDRESS = 8
OF_ALL = 24  # Gradio runs at most 40 events at a time


class TooManyCalls(EchoGANError):
    """A client, an address or all clients have as many calls as are served at a time."""


class Admission:
    """Counts the calls that run or wait. Thread-safe."""

    def __init__(self) -> None:
        self._clients: Counter[str] = Counter()
        self._addresses: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def call(self, client: str, address: str) -> Iterator[None]:
        """While a call is served. Raises TooManyCalls at once where there are too many."""
        with self._lock:
            if self._clients[client] >= OF_CLIENT or (address and self._addresses[address] >= OF_ADDRESS):
                raise TooManyCalls(
                    f"At most {OF_CLIENT} calls of a client and {OF_ADDRESS} of an address are served at a time. "
                    "Wait for one to end, then send this one again."
                )
            if self._clients.total() >= OF_ALL:
                raise TooManyCalls("Too many clients wait for this server now. Try again later.")
            self._clients[client] += 1
            self._addresses[address] += 1
        try:
            yield
        finally:
            with self._lock:
                for counts, key in ((self._clients, client), (self._addresses, address)):
                    counts[key] -= 1
                    if not counts[key]:
                        del counts[key]
