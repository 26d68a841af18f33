"""The server side of the Enhance tab: every visitor's list of clips, and the work on them."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from echogan.clips.guard.guard import SERVER
from echogan.core.errors import Cancelled, EchoGANError, SettingsError
from echogan.core.geometry import Fan
from echogan.ui.enhance.clearing import clear_if_closed
from echogan.ui.enhance.clip_entry import ClipEntry, Visit
from echogan.ui.enhance.comparing import Comparing
from echogan.ui.enhance.details import detail, export_line, summary
from echogan.ui.enhance.enhancing import Enhancing, own_words
from echogan.ui.enhance.examples import Examples, example_path
from echogan.ui.enhance.exporting import Exporting
from echogan.ui.enhance.fair_queue import FairQueue, Job
from echogan.ui.enhance.inbox import MOST_CLIPS, TOO_MANY, receive
from echogan.ui.enhance.model_choice import ModelChoices
from echogan.ui.enhance.opening import open_for_page, sector_by_hand, write_tiles
from echogan.ui.enhance.visits import GRACE_SECONDS, Visits
from echogan.ui.error_words import log_place
from echogan.ui.session import Sessions

NOT_OPEN = "This clip is still being opened. Try again in a moment."
NOT_THERE = "This clip is no longer in the list."


class Workplace:
    """Visits, their clips and the queues. Thread-safe; `close` ends everything."""

    def __init__(
        self,
        sessions: Sessions | None = None,
        models: ModelChoices | None = None,
        grace: float = GRACE_SECONDS,
    ) -> None:
        self.sessions, self.models = sessions or Sessions(), models or ModelChoices()
        SERVER.start()  # it reads the program while the page opens
        self.visits = Visits(self.sessions, self._clear, grace)
        self.lock, self.examples = self.visits.lock, Examples(self.sessions)
        self.opening = FairQueue("open", workers=2)
        self.taking = FairQueue("take", workers=3)  # what was sent, and sectors drawn by hand
        self.enhancing = Enhancing(self.visits, self.models, self.examples)
        self.comparing = Comparing(self.visits, self.models, self.enhancing)
        self.exporting = Exporting(self.visits)

    # The list of clips.

    def clips(self, visit: Visit) -> list[dict[str, Any]]:
        """The lines of the list."""
        places = self.enhancing.queue.places()
        with self.lock:
            return [summary(entry, places) for entry in visit.clips.values()]

    def exports(self, visit: Visit) -> list[dict[str, Any]]:
        """The visitor's exports."""
        with self.lock:
            return [export_line(export) for export in visit.exports.values()]

    def clip(self, visit: Visit, clip_id: str) -> ClipEntry:
        """A clip of this visitor. Raises SettingsError."""
        with self.lock:
            if clip_id not in visit.clips:
                raise SettingsError(NOT_THERE)
            return visit.clips[clip_id]

    def detail(self, visit: Visit, clip_id: str) -> dict[str, Any]:
        """Everything about a clip. Raises SettingsError where it is not open."""
        with self.lock:
            return detail(self.open_clip(visit, clip_id))

    def add(self, visit: Visit, files: Iterable[tuple[str, str]]) -> tuple[list[str], list[tuple[str, str]]]:
        """Take files that were sent, (path, name), into the list: the clips' ids, and (name, why) of those refused."""
        with self.lock:
            folder, room = self._folder(visit), MOST_CLIPS - len(visit.clips)
        received = receive(self.sessions, folder, files, room)
        added = []
        for place, path, name in received.clips:
            entry = ClipEntry(place.name, name, path, place)
            with self.lock:
                if len(visit.clips) >= MOST_CLIPS or not self.visits.is_open(visit):
                    received.refused.append((name, TOO_MANY))
                    shutil.rmtree(place, ignore_errors=True)
                    continue
                visit.clips[entry.id] = entry
                self._open(visit, entry)
            added.append(entry.id)
        return added, received.refused

    def add_example(self, visit: Visit, name: str) -> str:
        """Put an example into the list, or find it there: its id. Raises SettingsError."""
        path = example_path(name)
        with self.lock:
            for entry in visit.clips.values():
                if entry.example == name and not entry.refused:
                    return entry.id
            if len(visit.clips) >= MOST_CLIPS:
                raise SettingsError(TOO_MANY)
            place = self._folder(visit) / secrets.token_hex(8)
            place.mkdir()
            entry = ClipEntry(place.name, name, path, place, example=name)
            visit.clips[entry.id] = entry
            self._open(visit, entry)
        return entry.id

    def remove(self, visit: Visit, ids: Iterable[str]) -> None:
        """Take clips out of the list, with their results and exports. Those that are not there are no mistake."""
        with self.lock:
            entries = [visit.clips.pop(clip) for clip in dict.fromkeys(ids) if clip in visit.clips]
            for export in list(visit.exports.values()):
                if not any(clip in visit.clips for clip in export.clips):
                    self.exporting.drop(visit, export.id)
            for entry in entries:
                entry.closing.set()
                self.enhancing.stop(entry.both)
        for entry in entries:
            shutil.rmtree(entry.folder, ignore_errors=True)

    # One clip.

    def set_sector(self, visit: Visit, clip_id: str, fan: Fan | None) -> dict[str, Any]:
        """Use the sector that the visitor drew, or the one that was found. Raises EchoGANError."""
        with self.lock:
            entry = self.open_clip(visit, clip_id)
            opened = entry.opened
        assert opened is not None
        if fan is None:
            sector = opened.found
        else:
            mask = entry.folder / f"mask-{secrets.token_hex(4)}.png"
            try:
                sector = sector_by_hand(opened.clip, fan, mask)
            except EchoGANError as error:
                raise type(error)(own_words(error, entry)) from None
        with self.lock:
            entry.sector = sector
            entry.rev += 1
        clear_if_closed(self.visits, visit, entry)
        return self.detail(visit, clip_id)

    def set_blackout(self, visit: Visit, clip_id: str, on: bool) -> dict[str, Any]:
        """Whether exports are black outside the tissue. Raises SettingsError."""
        with self.lock:
            entry = self.open_clip(visit, clip_id)
            entry.blackout = on
            entry.rev += 1
            return detail(entry)

    def enhance(self, visit: Visit, ids: Iterable[str], model: str) -> None:
        """Queue clips. Raises SettingsError, CheckpointError."""
        self.models.check(model)
        with self.lock:
            for entry in [self.clip(visit, clip) for clip in dict.fromkeys(ids)]:
                self.comparing.enhance(visit, entry, model)

    def stop(self, visit: Visit, ids: Collection[str] | None) -> None:
        """Stop the work on these clips, or on all."""
        with self.lock:
            for entry in [e for e in visit.clips.values() if ids is None or e.id in ids]:
                self.comparing.stop(visit, entry)

    def export(
        self,
        visit: Visit,
        ids: list[str],
        kind: str,
        strengths: dict[str, float],
        mark: bool,
        keep: bool = False,
    ) -> None:
        """Begin an export. Raises SettingsError."""
        with self.lock:
            entries = [self.clip(visit, clip) for clip in dict.fromkeys(ids)]
            self.exporting.start(visit, entries, kind, strengths, mark, keep)

    def leave(self, page: str) -> None:
        """A page or a client left: its own work for the API ends, and its visit does after the grace."""
        self.visits.leave(page)
        self.sessions.close(page)

    def close(self) -> None:
        """The app ends: stop all work, and remove what every visitor sent and got."""
        self.visits.close_all()
        for queue in (self.opening, self.taking, *self.enhancing.queues, self.exporting.queue):
            queue.close()
        self.sessions.close_all()

    def _clear(self, visit: Visit) -> None:
        """A visit has ended."""
        with self.lock:
            for export in list(visit.exports):
                self.exporting.drop(visit, export)
            self.remove(visit, list(visit.clips))
        if visit.folder is not None:
            self.sessions.remove_folder(visit.folder)

    def _folder(self, visit: Visit) -> Any:
        visit.folder = visit.folder or self.sessions.make_folder()
        return visit.folder

    def open_clip(self, visit: Visit, clip_id: str) -> ClipEntry:
        """A clip that is open. Raises SettingsError."""
        entry = self.clip(visit, clip_id)
        if entry.opened is None:
            raise SettingsError(entry.refused or NOT_OPEN)
        return entry

    def _open(self, visit: Visit, entry: ClipEntry) -> None:
        work, ended = partial(self._work, visit, entry), partial(self._ended, visit, entry)
        self.opening.submit(Job(visit.token, work, 0, ended, address=visit.address))

    def _ended(self, visit: Visit, entry: ClipEntry, job: Job) -> None:
        clear_if_closed(self.visits, visit, entry)

    def _work(self, visit: Visit, entry: ClipEntry, job: Job) -> None:
        """Open a clip, then write its frames as they are."""
        if entry.closing.is_set():
            return
        try:
            if entry.example:
                opened = self.examples.opened(entry.example)
            else:
                opened = open_for_page(entry.path, entry.folder, entry.closing)
            with self.lock:
                entry.opened, entry.sector = opened, opened.found
                entry.blackout = opened.clip.kind == "dicom"
                entry.rev += 1
            self.enhancing.opened(visit, entry)
            if not entry.example:
                clip = write_tiles(opened.clip, opened.original, entry.closing)
                with self.lock:
                    entry.opened = replace(opened, clip=clip)
        except Cancelled:
            pass  # the clip was removed
        except Exception as error:
            if entry.closing.is_set():
                return
            if not isinstance(error, EchoGANError):
                log_place(error)
            self.enhancing.stop(entry.both)
            with self.lock:
                entry.refused = own_words(error, entry)
                entry.rev += 1
            shutil.rmtree(entry.folder, ignore_errors=True)
