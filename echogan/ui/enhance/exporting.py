"""Make the files that visitors ask for, on demand, and keep the last few of each clip."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from echogan.core.errors import Cancelled, EchoGANError, SettingsError
from echogan.enhance.export_names import export_name, export_stem
from echogan.enhance.export_zip import zip_exports
from echogan.enhance.exports import ExportKind, ExportRequest, export_kinds, make_export, needs_trust
from echogan.enhance.stored_result import StoredResult
from echogan.ui.enhance.clearing import clear_if_closed, clear_old
from echogan.ui.enhance.clip_entry import KEPT_EXPORTS, ClipEntry, Export, Visit
from echogan.ui.enhance.enhancing import own_words
from echogan.ui.enhance.fair_queue import FairQueue, Job
from echogan.ui.enhance.visits import Visits
from echogan.ui.error_words import log_place

EVERYTHING = "all"
ZIP_NAME = "enhanced_clips.zip"
LABELS = {
    "mp4": ("MP4", "Enhanced clip, H.264 video"),
    "side_by_side": ("Side by side", "Original and enhanced beside each other"),
    "png": ("PNG", "Enhanced picture, lossless"),
    "gif": ("GIF", "Enhanced clip as an animated GIF"),
    "dicom": (
        "DICOM",
        "Enhanced clip as a derived object, lossless, identity removed, black outside the sector",
    ),
    "npz": ("NPZ", "Lossless arrays: original, enhanced, mask, maps and flags"),
    "report": ("Report", "Settings, model and numbers of this result, JSON"),
    "figure": ("Figure", "Mean images, maps and curves, PNG"),
    "card_page": ("Trust card", "What to believe of this result, a page to print, HTML"),
    "card_pdf": ("Trust card, PDF", "What to believe of this result, A4"),
    EVERYTHING: ("Everything", "All of these files in one zip"),
}
NOTHING = "There is nothing to export yet. Enhance the clip first."
NOT_OF_THIS = "This clip has no such export. Choose another kind."


WAITS = "Comes with the trust card"


@dataclass(frozen=True)
class Choice:
    """An export that is offered; it `waits` while the trust card that it needs is not there."""

    kind: str
    label: str
    hint: str
    waits: bool


def choices(stored: StoredResult) -> list[Choice]:
    """What can be exported of a result."""
    kinds = (*export_kinds(stored), EVERYTHING)
    waiting = [
        kind for kind in kinds if not stored.trusted and (kind == EVERYTHING or needs_trust(kind, False))
    ]
    return [
        Choice(kind, label, WAITS if kind in waiting else hint, kind in waiting)
        for kind in kinds
        for label, hint in [LABELS[kind]]
    ]


@dataclass(frozen=True)
class _Part:
    """One file of an export, and the clip that it is of."""

    entry: ClipEntry
    request: ExportRequest


class Exporting:
    """The exports of all visitors, in turn."""

    def __init__(self, visits: Visits) -> None:
        self.visits, self.lock = visits, visits.lock
        self.queue = FairQueue("export")

    def start(
        self,
        visit: Visit,
        entries: list[ClipEntry],
        kind: str,
        strengths: dict[str, float],
        mark: bool,
        keep: bool = False,
    ) -> Export:
        """Begin an export of the clips that have a result. Raises SettingsError where none has.

        keep   whether the original is kept where a result is flagged
        """
        with self.lock:
            parts = [
                part for e in entries for part in _parts(visit, e, kind, strengths.get(e.id, 1.0), mark, keep)
            ]
            if not parts:
                done = any(entry.result is not None for entry in entries)
                raise SettingsError(NOT_OF_THIS if done else NOTHING)
            assert visit.folder is not None
            folder = visit.folder / secrets.token_hex(8)
            folder.mkdir()
            ids = list(dict.fromkeys(part.entry.id for part in parts))
            export = Export(secrets.token_hex(8), ids, kind, LABELS[kind][0], folder)
            self._make_room(visit, ids)
            visit.exports[export.id] = export
            together = len(parts) > 1 or kind == EVERYTHING or len(entries) > 1
            work = partial(self._work, visit, export, parts, together)
            ended = partial(self._ended, visit, export)
            export.job = self.queue.submit(Job(visit.token, work, 0, ended, address=visit.address))
        return export

    def drop(self, visit: Visit, export_id: str) -> None:
        """Remove an export, or stop it. One that is not there any more is no mistake."""
        with self.lock:
            export = visit.exports.pop(export_id, None)
        if export is not None:
            if export.job is not None:
                self.queue.cancel(export.job)
            shutil.rmtree(export.folder, ignore_errors=True)

    def _make_room(self, visit: Visit, ids: list[str]) -> None:
        """Drop the oldest exports of these clips, so that with a new one none has more than are kept."""
        for clip in ids:
            of_clip = [export for export in visit.exports.values() if clip in export.clips]
            for old in of_clip[: max(0, len(of_clip) - KEPT_EXPORTS + 1)]:
                self.drop(visit, old.id)

    def _work(self, visit: Visit, export: Export, parts: list[_Part], together: bool, job: Job) -> None:
        try:
            made = [self._part(export, part, index, len(parts), job) for index, part in enumerate(parts)]
            file = made[0]
            if together:
                file = zip_exports(made, export.folder / _zip_name(parts), job.cancel)
                for path in made:
                    shutil.rmtree(path.parent, ignore_errors=True)
            with self.lock:
                export.file, export.progress, export.state = file, 1.0, "done"
        except Cancelled:
            pass  # its visitor dropped it
        except Exception as error:
            if not isinstance(error, EchoGANError) and not job.cancel.is_set():
                log_place(error)
            with self.lock:
                export.error, export.state = own_words(error, parts[0].entry), "failed"

    def _part(self, export: Export, part: _Part, index: int, parts: int, job: Job) -> Path:
        """Make one file, in a folder of its own: names may be equal."""
        folder = export.folder / str(index)
        folder.mkdir()

        def progress(done: int, total: int) -> None:
            export.progress = (index + done / max(1, total)) / parts

        return make_export(part.request, folder, progress, job.cancel)

    def _ended(self, visit: Visit, export: Export, job: Job) -> None:
        with self.lock:
            entries = [visit.clips[clip] for clip in export.clips if clip in visit.clips]
            kept = export.id in visit.exports
        if not kept:
            shutil.rmtree(export.folder, ignore_errors=True)
        for entry in entries:
            clear_old(self.visits, visit, entry)
            clear_if_closed(self.visits, visit, entry)
        if not self.visits.is_open(visit) and visit.folder is not None:
            self.visits.sessions.remove_folder(visit.folder)


def _parts(visit: Visit, entry: ClipEntry, kind: str, strength: float, mark: bool, keep: bool) -> list[_Part]:
    """The files that an export needs of one clip; none where it has no result, or no export of this kind.

    Raises SettingsError where they need a trust card that is not made yet.
    """
    stored = entry.result
    if stored is None:
        return []
    number = list(visit.clips).index(entry.id) + 1
    stem = export_stem(stored.clip, entry.name, number, entry.blackout)
    kinds: list[ExportKind] = [one for one in export_kinds(stored) if kind in (one, EVERYTHING)]
    keep = keep and stored.layout.flagged
    given = (strength, mark, entry.blackout, stem, keep)
    requests = [ExportRequest(stored, one, *given) for one in kinds]
    for request in requests:
        request.check()
    return [_Part(entry, request) for request in requests]


def _zip_name(parts: list[_Part]) -> str:
    """The zip's name: that of the clip where it is of one, else a neutral one."""
    first = parts[0].request
    if any(part.entry is not parts[0].entry for part in parts):
        return ZIP_NAME
    return export_name(first.stem, "enhanced", first.stored.checkpoint.name, ".zip")
