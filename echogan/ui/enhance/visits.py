"""The visitors' workspaces: found again by an unguessable token, and removed some time after the last sign of life."""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable

from echogan.core.errors import EchoGANError
from echogan.ui.enhance.clip_entry import Visit
from echogan.ui.error_words import log_place
from echogan.ui.free_memory import give_memory_back
from echogan.ui.session import Sessions

GRACE_SECONDS = 120  # after the last page was closed: a reload finds the workspace again
AFTERGLOW = 5  # seconds after a page was closed in which its last calls may still arrive
SWEEP_SECONDS = 15
MOST_VISITS = 500


class VisitGone(EchoGANError):
    """There is no such workspace, or no more."""

    def __init__(self) -> None:
        super().__init__("This list of clips is no longer on the server. Reload the page to begin a new one.")


class ServerFull(EchoGANError):
    """As many workspaces as the server keeps are in use."""


class Visits:
    """All workspaces. Thread-safe; a `Visit` itself is changed only with `lock` held.

    `on_close` is called with a visit that has ended, after it can no longer be found.
    """

    def __init__(
        self, sessions: Sessions, on_close: Callable[[Visit], None], grace: float = GRACE_SECONDS
    ) -> None:
        self.sessions, self.grace, self.lock = sessions, grace, threading.RLock()
        self._on_close = on_close
        self._visits: dict[str, Visit] = {}
        self._sweeper: threading.Thread | None = None
        self._closed = threading.Event()
        self._always = False

    def arrive(self, token: str | None, page: str | None, address: str = "") -> tuple[Visit, bool]:
        """A page was opened: its visit, and whether it was there already. Raises ServerFull."""
        with self.lock:
            found = self._visits.get(token or "")
            visit = found or self._begin(address)
            visit.used, visit.left = time.monotonic(), None
            if page:
                visit.pages.add(page)
            self._start_sweeper()
        return visit, found is not None

    def find(self, token: str) -> Visit:
        """The visit of a call, which is a sign of life. Raises VisitGone."""
        with self.lock:
            visit = self._visits.get(token)
            if visit is None:
                raise VisitGone
            visit.used = time.monotonic()
            # The page still calls: it was its connection that was lost, not the page.
            if visit.left is not None and visit.used - visit.left > AFTERGLOW:
                visit.left = None
            return visit

    def leave(self, page: str) -> None:
        """A page was closed. The visit ends after the grace, unless it is opened again."""
        with self.lock:
            for visit in self._visits.values():
                if page in visit.pages:
                    visit.pages.discard(page)
                    if not visit.pages:
                        visit.left = time.monotonic()

    def is_open(self, visit: Visit) -> bool:
        """Whether the visit has not ended."""
        return self._visits.get(visit.token) is visit

    def sweep(self) -> None:
        """End the visits without a sign of life for too long, and those whose page was closed."""
        now = time.monotonic()
        with self.lock:
            ended = [
                visit
                for visit in self._visits.values()
                if now - visit.used >= self.sessions.keep_seconds
                or (visit.left is not None and now - visit.left >= self.grace)
            ]
        for visit in ended:
            self.close(visit)
        self.sessions.sweep()

    def close(self, visit: Visit) -> None:
        """End a visit at once."""
        with self.lock:
            if self._visits.pop(visit.token, None) is None:
                return
        self._on_close(visit)

    def close_all(self) -> None:
        """The app ends."""
        self._closed.set()
        with self.lock:
            visits = list(self._visits.values())
        for visit in visits:
            self.close(visit)

    def _begin(self, address: str) -> Visit:
        if len(self._visits) >= MOST_VISITS:
            self.close(self._least_needed(address))
        visit = Visit(secrets.token_urlsafe(32), time.monotonic(), address=address)
        self._visits[visit.token] = visit
        return visit

    def _least_needed(self, address: str) -> Visit:
        """The visit that ends for a new one of this address. Raises ServerFull.

        An empty one, of the address with the most visits where that has one. Where none is empty, the address with the
        most gives one to an address that has fewer.
        """
        counts = Counter(visit.address for visit in self._visits.values())
        crowded = max(counts, key=lambda one: counts[one])
        of_crowded = [visit for visit in self._visits.values() if visit.address == crowded]
        idle = [visit for visit in of_crowded if not visit.clips]
        idle = idle or [visit for visit in self._visits.values() if not visit.clips]
        if not idle and counts[crowded] <= counts[address] + 1:
            raise ServerFull("Too many visitors use this server now. Try again later.")
        return min(idle or of_crowded, key=lambda visit: visit.used)

    def keep_sweeping(self) -> None:
        """Sweep also while there are no visits: files may be sent without one."""
        with self.lock:
            self._always = True
            self._start_sweeper()

    def _start_sweeper(self) -> None:
        """Let a thread sweep while there are visits: an idle server removes what is old, too."""
        if self._sweeper is None and not self._closed.is_set():
            self._sweeper = threading.Thread(target=self._keep_sweeping, name="sweep", daemon=True)
            self._sweeper.start()

    def _keep_sweeping(self) -> None:
        while not self._closed.wait(min(SWEEP_SECONDS, max(0.05, self.grace / 4))):
            try:
                self.sweep()
                give_memory_back()
            except Exception as error:
                log_place(error)
            with self.lock:
                if not self._always and not self._visits and not self.sessions.pending:
                    self._sweeper = None
                    return
