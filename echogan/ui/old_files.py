"""Remove what has lain in a folder for too long, whatever its name is."""

from __future__ import annotations

import math
import os
import shutil
import stat
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

UNFINISHED_SECONDS = 600
"""A file that lies beside the uploads' folders is one whose sending was broken off, once nothing is added to it."""
EMPTY_SECONDS = 30
"""Gradio leaves an empty file behind at each call of the endpoint."""


def remove_old(folder: Path, used: Collection[Path], keep_seconds: float) -> None:
    """Remove the folders in `folder` that were not changed for `keep_seconds`, but for those in use.

    Plain files, links and the like go after UNFINISHED_SECONDS, where that is sooner, and empty ones after
    EMPTY_SECONDS. What cannot be removed stays, and keeps nothing else.
    """
    for path in _inside(folder):
        facts = _facts(path)
        if facts is None or path in used:
            continue
        if time.time() - facts.st_mtime <= min(keep_seconds, _keep_seconds(facts)):
            continue
        if stat.S_ISDIR(facts.st_mode):
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def _inside(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _keep_seconds(facts: os.stat_result) -> float:
    """The longest time for which something of this kind is kept."""
    if stat.S_ISDIR(facts.st_mode):
        return math.inf
    return UNFINISHED_SECONDS if facts.st_size else EMPTY_SECONDS


def _facts(path: Path) -> os.stat_result | None:
    """None where it is gone."""
    try:
        return path.lstat()
    except OSError:
        return None
