"""Remove what is no longer wanted of a clip, as soon as nobody writes or reads it."""

from __future__ import annotations

import shutil

from echogan.ui.enhance.clip_entry import ClipEntry, Visit
from echogan.ui.enhance.visits import Visits


def clear_old(visits: Visits, visit: Visit, entry: ClipEntry) -> None:
    """Remove the results that were replaced, unless an export still reads one."""
    with visits.lock:
        if any(entry.id in export.clips and export.state == "making" for export in visit.exports.values()):
            return
        folders, entry.old = entry.old, []
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def clear_if_closed(visits: Visits, visit: Visit, entry: ClipEntry) -> None:
    """Work on a clip has ended: what it wrote after the clip or its visit was removed goes, too."""
    if entry.closing.is_set():
        shutil.rmtree(entry.folder, ignore_errors=True)
    if not visits.is_open(visit) and visit.folder is not None:
        visits.sessions.remove_folder(visit.folder)
