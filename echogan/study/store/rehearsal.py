"""A rehearsal: the study as a reader will see it, in a copy that is thrown away."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from echogan.study.store.lifecycle import fix_assignments
from echogan.study.store.readers import invite
from echogan.study.store.store import DATABASE, Store


def rehearse(store: Store, folder: Path) -> tuple[Store, str]:
    """Copy a draft into an empty folder, open the copy and invite one reader: the copy and the reader's token.

    The stimuli are those of the study. Nothing that is rated in the copy reaches the study.
    """
    with store.read() as db:
        copy = sqlite3.connect(folder / DATABASE)
        db.backup(copy)
        copy.close()
    rehearsal = Store(folder, clock=store.clock, media=store.media)
    fix_assignments(rehearsal, "rehearsal")
    return rehearsal, invite(rehearsal, "rehearsal")[1]
