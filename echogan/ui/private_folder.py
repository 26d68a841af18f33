"""A temporary folder that is this user's own: what visitors of the page send lies in it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def private_folder() -> Path:
    """The same folder at every start, for this user's eyes alone; a new one where the name is taken by somebody else.

    The name can be guessed, so that another user of the machine may have made it first, or a link of that name.
    """
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir(), f"echogan-{user}")
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        own = folder.is_dir() and not folder.is_symlink() and (found.st_uid == user or os.name == "nt")
        if not own:
            return Path(tempfile.mkdtemp(prefix="echogan-"))
        folder.chmod(0o700)
    return folder
