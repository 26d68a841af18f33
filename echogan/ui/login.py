"""The login of a page whose users stand in a file: guessing is slowed down, and who is removed is out at once."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from echogan.core.errors import SettingsError
from echogan.core.users import HashedPassword, Users

WITHIN = 60.0  # seconds in which wrong guesses count
AT_A_NAME, AT_ALL = 5, 30  # so many are heard; each takes a core for as long as a hash does


class Login:
    """Checks names and passwords. Raises SettingsError where the file holds nobody."""

    def __init__(self, users: Users, clock: Callable[[], float] = time.monotonic) -> None:
        if not users.names():
            raise SettingsError(f"{users.path} has no user: python -m echogan users add NAME adds one.")
        self.users, self._clock = users, clock
        self._wrong: deque[tuple[float, str]] = deque()
        self._hashing = ThreadPoolExecutor(1, "login")  # one at a time; the page is served meanwhile

    async def lets_in(self, name: str, password: str) -> bool:
        """Whether to let in. A file that was damaged or removed meanwhile lets nobody in.

        Gradio awaits it as it is a coroutine function, which an object with `__call__` would not be.
        """
        return await asyncio.get_running_loop().run_in_executor(
            self._hashing, self._check, name[:100], password
        )

    def _check(self, name: str, password: str) -> bool:
        while self._wrong and self._wrong[0][0] < self._clock() - WITHIN:
            self._wrong.popleft()
        at_name = sum(guessed == name for _, guessed in self._wrong)
        if at_name >= AT_A_NAME or len(self._wrong) >= AT_ALL:
            return False
        try:
            right = self.users.check(name, password)
        except SettingsError:
            return False
        if not right:
            self._wrong.append((self._clock(), name))
        return right


class HasTokens(Protocol):
    """Gradio's app: the user of each cookie that it gave out at a login."""

    tokens: dict[str, str]


class RemovedUsers:
    """An ASGI app before Gradio's: before each request, logs out who was removed or has another password.

    Where the file is damaged or gone, nobody stays logged in.
    """

    def __init__(self, app: ASGIApp, users: Users, logged_in: HasTokens) -> None:
        self._app, self._users, self._logged_in = app, users, logged_in
        self._file = self._state_of_file()
        self._known = self._passwords()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if (state := self._state_of_file()) != self._file:
            known, self._file, self._known = self._known, state, self._passwords()
            tokens = self._logged_in.tokens
            for token, name in list(tokens.items()):
                if name not in self._known or self._known[name] != known.get(name, self._known[name]):
                    del tokens[token]
        await self._app(scope, receive, send)

    def _state_of_file(self) -> tuple[int, ...]:
        """It differs once the file was replaced or written."""
        try:
            found = os.stat(self._users.path)
        except OSError:
            return ()
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _passwords(self) -> dict[str, HashedPassword]:
        try:
            return self._users.passwords()
        except SettingsError:
            return {}
