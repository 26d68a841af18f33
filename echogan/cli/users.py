"""`python -m echogan users`: who may log in to a page that is served to others."""

from __future__ import annotations

import getpass
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg, subcommand

from echogan.core.errors import SettingsError
from echogan.core.kept_folders import kept_folder
from echogan.core.users import Users

VARIABLE = "ECHOGAN_AUTH"
Name = Annotated[Positional[str], arg(metavar="NAME", help="letters, digits and . _ @ -")]
File = Annotated[
    Path | None,
    arg(
        help="the users file; else the one that ECHOGAN_AUTH names, else `users` in the folder of ECHOGAN_DATA"
    ),
]


@dataclass
class Add:
    """Add a user, or give one another password. The password is asked for, or read from standard input."""

    name: Name
    file: File = None

    def run(self) -> int:
        """Do it; returns the exit code. Raises EchoGANError."""
        users = _users(self.file)
        known = users.put(self.name, _password())
        print(f"{self.name} {'has another password' if known else 'was added'} in {users.path}.")
        return 0


@dataclass
class Remove:
    """Remove a user, who is logged out at once."""

    name: Name
    file: File = None

    def run(self) -> int:
        """Do it; returns the exit code. Raises EchoGANError."""
        users = _users(self.file)
        users.remove(self.name)
        print(f"{self.name} was removed from {users.path}.")
        return 0


@dataclass
class ListUsers:
    """List the users."""

    file: File = None

    def run(self) -> int:
        """Do it; returns the exit code. Raises EchoGANError."""
        print("\n".join(_users(self.file).names()))
        return 0


ManageUsers = (
    Annotated[Add, subcommand("add")]
    | Annotated[Remove, subcommand("remove")]
    | Annotated[ListUsers, subcommand("list")]
)
"""One of the subcommands, for tyro."""


def _users(file: Path | None) -> Users:
    given = os.environ.get(VARIABLE, "")
    if file is None and ":" in given:
        raise SettingsError(
            f"{VARIABLE} holds a name and a password, not the path of a users file: give --file."
        )
    return Users(file or Path(given or kept_folder("users")))


def _password() -> str:
    """Asked for twice on a terminal; elsewhere the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise SettingsError("The two passwords differ: start again.")
    return password
