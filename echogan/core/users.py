"""A file of users with hashed passwords: one line for each, name:scrypt:n:r:p:salt:key, the last two as base64.

scrypt: RFC 7914; its cost is the one that the OWASP Password Storage Cheat Sheet gives for 16 MiB of memory.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from echogan.core.atomic import output_errors, replacing
from echogan.core.errors import SettingsError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
SHORTEST, LONGEST = 8, 256  # characters of a password
COST, BLOCK, PARALLEL = 2**14, 8, 5
MEMORY = 2**28  # bytes that a line of the file may ask for
LINE = re.compile(rf"({NAME.pattern}):scrypt:(\d+):(\d+):(\d+):([\w+/=]+):([\w+/=]+)")


@dataclass(frozen=True)
class HashedPassword:
    """A password as it is kept: the parameters of scrypt, a salt, and the derived key."""

    cost: int
    block: int
    parallel: int
    salt: bytes
    key: bytes

    @classmethod
    def of(cls, password: str) -> Self:
        """With a new salt. Raises SettingsError where the password is too short or too long."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise SettingsError(f"A password has {SHORTEST} to {LONGEST} characters: choose another.")
        salt = secrets.token_bytes(16)
        return cls(COST, BLOCK, PARALLEL, salt, _derived(password, COST, BLOCK, PARALLEL, salt))

    def fits(self, password: str) -> bool:
        """Whether it is this password; it takes as long for a wrong one."""
        found = _derived(password[: LONGEST + 1], self.cost, self.block, self.parallel, self.salt)
        return hmac.compare_digest(found, self.key)

    def line(self, name: str) -> str:
        """As it stands in the file."""
        salt, key = (b64encode(part).decode() for part in (self.salt, self.key))
        return f"{name}:scrypt:{self.cost}:{self.block}:{self.parallel}:{salt}:{key}"


def _derived(password: str, cost: int, block: int, parallel: int, salt: bytes) -> bytes:
    return hashlib.scrypt(
        password.encode(), salt=salt, n=cost, r=block, p=parallel, maxmem=MEMORY + 2**20, dklen=32
    )


class Users:
    """The users of a file, which is read anew each time: who is added may log in at once.

    Every method raises SettingsError where the file is damaged, or is not there and must be.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> list[str]:
        """Who is in the file."""
        return sorted(self.passwords())

    def passwords(self) -> dict[str, HashedPassword]:
        """Everybody's, by name."""
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise SettingsError(f"The users file {self.path} cannot be read ({reason}).") from None
        found: dict[str, HashedPassword] = {}
        for number, line in enumerate(lines, 1):
            if line.strip() and not line.startswith("#"):
                name, password = self._parsed(line, number)
                found[name] = password
        return found

    def check(self, name: str, password: str) -> bool:
        """Whether the password is the user's; it takes as long where there is no such user."""
        found = self.passwords().get(name)
        return (found or self._nobody).fits(password) and found is not None

    def put(self, name: str, password: str) -> bool:
        """Add a user, or give one another password; whether there was such a user. Raises OutputError, too."""
        if not NAME.fullmatch(name):
            raise SettingsError(
                "A user's name is 1 to 64 letters, digits and . _ @ -, a letter or digit first."
            )
        found = self.passwords() if self.path.exists() else {}
        known = name in found
        self._write(found | {name: HashedPassword.of(password)})
        return known

    def remove(self, name: str) -> None:
        """Remove a user. Raises OutputError, too."""
        found = self.passwords()
        if name not in found:
            raise SettingsError(f"There is no user {name[:64]!r} in {self.path}.")
        del found[name]
        self._write(found)

    @cached_property
    def _nobody(self) -> HashedPassword:
        return HashedPassword.of(secrets.token_hex(16))

    def _parsed(self, line: str, number: int) -> tuple[str, HashedPassword]:
        found = LINE.fullmatch(line.strip())
        try:
            if found is None:
                raise ValueError
            cost, block, parallel = (int(part[:9]) for part in found.groups()[1:4])
            if (
                cost < 2
                or cost & (cost - 1)
                or 128 * block * cost > MEMORY
                or not 1 <= parallel <= 64
                or block < 1
            ):
                raise ValueError
            salt, key = (b64decode(part, validate=True) for part in found.groups()[4:])
            if len(key) != 32:
                raise ValueError
        except ValueError:
            raise SettingsError(
                f"Line {number} of {self.path} is no user: make the line with python -m echogan users add NAME."
            ) from None
        return found.group(1), HashedPassword(cost, block, parallel, salt, key)

    def _write(self, found: dict[str, HashedPassword]) -> None:
        text = "".join(f"{found[name].line(name)}\n" for name in sorted(found))
        with output_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.path, sync=True) as part:
                # For this user's eyes alone from the first moment.
                file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(file, "wb") as opened:
                    opened.write(text.encode())
