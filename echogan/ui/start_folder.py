"""A folder for the temporary files of one start of the app; those of starts that have ended are removed."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from echogan.core.atomic import output_errors

try:
    import fcntl
except ImportError:  # Windows has no such locks: there each start only has a folder of its own
    fcntl = None

UPLOADS, TEMPORARY = "uploads", "temporary"
TRIES = 5
START = re.compile("start-[0-9a-f]{16}")


def start_folder(base: Path) -> Path:
    """A new folder in `base`, for this user's eyes alone, with the folders UPLOADS and TEMPORARY in it.

    It is locked as long as this process lives. A folder of another start that nobody locks is one of a process that
    has ended, and goes. Raises OutputError where `base` cannot be written to.
    """
    base = base.absolute()
    if START.fullmatch(base.parent.name):  # a process that an app started has its environment
        base = base.parent.parent
    with output_errors(base):
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in base.iterdir():
            if START.fullmatch(path.name):
                _remove_ended(path)
        folder = _locked_folder(base)
        for name in (UPLOADS, TEMPORARY):
            (folder / name).mkdir(mode=0o700)
    return folder


def _locked_folder(base: Path) -> Path:
    folder = base
    for _ in range(TRIES):
        folder = base / f"start-{secrets.token_hex(8)}"
        folder.mkdir(mode=0o700)
        # Between the two lines another start may have taken it for one that was left: then there is no such folder.
        if _lock(folder) is not None:
            return folder
        with suppress(OSError):
            folder.rmdir()
    folder.mkdir(mode=0o700)  # this file system has no locks
    return folder


def _remove_ended(folder: Path) -> None:
    lock = _lock(folder)
    if lock is not None:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _lock(folder: Path) -> int | None:
    """Lock the folder itself; None where another process has it, or where it is not this user's own folder.

    The system frees the lock when the process ends, however it ends. A cleaner of the system's temporary folder
    leaves locked folders alone. A file system without locks locks nothing.
    """
    if fcntl is None:
        return None
    try:
        found = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
        facts, now = os.fstat(found), os.stat(folder, follow_symlinks=False)
        if facts.st_uid == os.getuid() and facts.st_ino == now.st_ino:
            return found
    except OSError:
        pass
    os.close(found)
    return None
