"""The login of a page whose users stand in a file: after some wrong guesses, more are refused unheard for a while."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from echogan.core.errors import SettingsError
from echogan.core.users import Users

WITHIN = 60.0  # seconds in which wrong guesses count
AT_A_NAME, AT_ALL = 5, 30  # so many are heard; each holds up the server for as long as a hash takes


class Login:
    """Checks names and passwords for Gradio, as a plain function: a coroutine that nobody awaits would count as true.

    Thread-safe. Raises SettingsError where the file holds nobody.
    """

    def __init__(self, users: Users, clock: Callable[[], float] = time.monotonic) -> None:
        if not users.names():
            raise SettingsError(f"{users.path} has no user: python -m echogan users add NAME adds one.")
        self._users, self._clock = users, clock
        self._wrong: deque[tuple[float, str]] = deque()
        self._lock = threading.Lock()

    def __call__(self, name: str, password: str) -> bool:
        """Whether to let in. A file that was damaged or removed meanwhile lets nobody in."""
        name = name[:100]
        with self._lock:
            while self._wrong and self._wrong[0][0] < self._clock() - WITHIN:
                self._wrong.popleft()
            at_name = sum(guessed == name for _, guessed in self._wrong)
            if at_name >= AT_A_NAME or len(self._wrong) >= AT_ALL:
                return False
            try:
                right = self._users.check(name, password)
            except SettingsError:
                return False
            if not right:
                self._wrong.append((self._clock(), name))
            return right
