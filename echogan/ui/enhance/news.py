"""Hold a page's question until something of its visitor has changed, so that it need not ask again and again."""

from __future__ import annotations

import threading
import time

import anyio

from echogan.ui.enhance.clip_entry import ClipEntry, Export, Visit

LOOK_SECONDS = 0.05
HOLD_SECONDS = 2.0  # a browser has few connections to a server; places in the queue are told anew after it
PAGES = 3  # of one visitor that can wait at once


async def wait_for_news(visit: Visit, lock: threading.RLock, seen: str) -> str:
    """Wait until the visitor's work is no longer as `seen`, for a moment at most; returns what to send as `seen` next.

    Only the last questions of a visitor wait: one more ends the first of them.
    """
    until = time.monotonic() + HOLD_SECONDS
    with lock:
        visit.asked += 1
        turn = visit.asked
    while True:
        with lock:
            now = fingerprint(visit)
        if now != seen or visit.asked - turn >= PAGES or time.monotonic() > until:
            return now
        await anyio.sleep(LOOK_SECONDS)


def fingerprint(visit: Visit) -> str:
    """Differs as soon as a clip or an export of the visitor does, but for a count of frames that cannot be shown yet.

    Call with the lock held.
    """
    clips = tuple(_of_clip(entry) for entry in visit.clips.values())
    return f"{hash((clips, tuple(_of_export(export) for export in visit.exports.values()))):x}"


def _of_clip(entry: ClipEntry) -> tuple:
    opened, shown = entry.opened, entry.shown
    ready = (opened.original.ready if opened else 0, shown.tiles.ready if shown else 0)
    second = None if entry.second is None else _of_clip(entry.second)
    return entry.id, entry.state, entry.rev, entry.working, ready, second


def _of_export(export: Export) -> tuple:
    return export.id, export.state, round(export.progress, 2)
