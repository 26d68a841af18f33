"""Two models side by side on the same clip: the second result is another job of that clip, in the same queue."""

from __future__ import annotations

from echogan.core.errors import SettingsError
from echogan.ui.enhance.clearing import clear_old
from echogan.ui.enhance.clip_entry import ClipEntry, Visit
from echogan.ui.enhance.enhancing import Enhancing
from echogan.ui.enhance.model_choice import ModelChoices
from echogan.ui.enhance.visits import Visits

SAME = "The model {} cannot be compared with itself. Choose another one."
NO_SECOND = "There is no second result of this clip. Compare it with a second model first."
NOT_BOTH = "Both results must be complete first. Wait until they are made."


class Comparing:
    """The second results of all visitors' clips. Its methods take the lock themselves."""

    def __init__(self, visits: Visits, models: ModelChoices, enhancing: Enhancing) -> None:
        self.visits, self.lock, self.models, self.enhancing = visits, visits.lock, models, enhancing

    def start(self, visit: Visit, entry: ClipEntry, model: str, second: str) -> None:
        """Queue an open clip with a second model, and with the first where that has not made what is shown.

        Raises SettingsError, CheckpointError.
        """
        model, second = model.strip(), second.strip()
        for name in (model, second):
            self.models.check(name)
        if model == second:
            raise SettingsError(SAME.format(model[:80]))
        with self.lock:
            if entry.second is not None and _is_of(entry, second) and _is_of(entry.second, model):
                self.swap(entry)
            elif not _is_of(entry, model):
                self.enhancing.start(visit, entry, model)
            if entry.second is None:
                entry.second = ClipEntry(entry.id, entry.name, entry.path, entry.folder, entry.example)
                entry.second.closing = entry.closing
                entry.rev += 1
            self._start_second(visit, entry, entry.second, second)

    def enhance(self, visit: Visit, entry: ClipEntry, model: str) -> None:
        """Queue a clip. Its second is made anew for a new sector, and goes where it is of the same model."""
        with self.lock:
            self.enhancing.start(visit, entry, model)
            if entry.second is not None and entry.second.model == model.strip():
                self.end(visit, entry)
            elif entry.second is not None:
                self._start_second(visit, entry, entry.second, entry.second.model)

    def swap(self, entry: ClipEntry) -> None:
        """Let the second result be the first: maps, flags, trust card and exports are its own. Raises SettingsError."""
        with self.lock:
            other = entry.second
            if other is None:
                raise SettingsError(NO_SECOND)
            if any(one.job is not None or one.result is None for one in entry.both):
                raise SettingsError(NOT_BOTH)
            entry.shown, other.shown = other.shown, entry.shown
            entry.model, other.model = other.model, entry.model
            entry.failed, other.failed = other.failed, entry.failed
            entry.rev += 1

    def end(self, visit: Visit, entry: ClipEntry) -> None:
        """Stop the work on the second result and forget it. Nothing, where there is none."""
        with self.lock:
            other, entry.second = entry.second, None
            if other is None:
                return
            entry.rev += 1
            running = other.job is not None and other.job.running
            self.enhancing.stop([other])
            if other.shown is not None and not other.shown.shared:
                other.old.append(other.shown.folder)
            if running:
                return  # its job still writes, and clears when it ends
            entry.old += other.old
        clear_old(self.visits, visit, entry)

    def stop(self, visit: Visit, entry: ClipEntry) -> None:
        """Stop the work on both; a second without a result goes."""
        with self.lock:
            self.enhancing.stop(entry.both)
            if entry.second is not None and entry.second.shown is None:
                self.end(visit, entry)

    def _start_second(self, visit: Visit, entry: ClipEntry, other: ClipEntry, model: str) -> None:
        other.opened, other.sector = entry.opened, entry.sector
        if not _is_of(other, model):
            self.enhancing.start(visit, other, model)


def _is_of(entry: ClipEntry, model: str) -> bool:
    """Whether this model makes the clip's result, or has made it with the sector as it is now."""
    if entry.job is not None:
        return entry.model == model
    shown, sector = entry.shown, entry.sector
    return shown is not None and sector is not None and shown.made_by(model) and shown.sector is sector.sector
