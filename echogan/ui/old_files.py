"""Remove what has lain in a folder for too long, whatever its name is."""

from __future__ import annotations

import shutil
import stat
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

UNFINISHED_SECONDS = 600
"""A file that lies beside the uploads' folders is one whose sending was broken off, once nothing is added to it."""


def remove_old(folder: Path, used: Collection[Path], keep_seconds: float) -> None:
    """Remove the folders in `folder` that were not changed for `keep_seconds`, but for those in use.

    Plain files, links and the like go after UNFINISHED_SECONDS, where that is sooner. What cannot be removed stays,
    and keeps nothing else.
    """
    for path in _inside(folder):
        facts = _facts(path)
        if facts is None or path in used:
            continue
        kind, changed = facts
        keep = keep_seconds if kind == stat.S_IFDIR else min(keep_seconds, UNFINISHED_SECONDS)
        if time.time() - changed <= keep:
            continue
        if kind == stat.S_IFDIR:
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def _inside(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _facts(path: Path) -> tuple[int, float] | None:
    """The kind of file, and when it was last changed; None where it is gone."""
    try:
        facts = path.lstat()
    except OSError:
        return None
    return stat.S_IFMT(facts.st_mode), facts.st_mtime
