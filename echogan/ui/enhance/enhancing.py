"""Enhance clips one after the other on the device, and let the page see the frames as they come."""

from __future__ import annotations

import math
import secrets
import shutil
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from echogan.core.errors import Cancelled, ClipTooLarge, EchoGANError, SettingsError
from echogan.enhance.calibrated import flagger_for
from echogan.enhance.chunk import PreparedClip
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.enhance.result_stages import Listener
from echogan.enhance.result_writer import FLAG_TILES, MAP_TILES, TILES
from echogan.enhance.stored_result import StoredResult
from echogan.enhance.tile_layout import TileLayout
from echogan.model.checkpoints.checkpoint import Checkpoint
from echogan.ui import access, zero_gpu
from echogan.ui.enhance.clearing import clear_if_closed, clear_old
from echogan.ui.enhance.clip_entry import ClipEntry, ClipResult, Stream, Visit
from echogan.ui.enhance.examples import Examples
from echogan.ui.enhance.fair_queue import FairQueue, Job
from echogan.ui.enhance.model_choice import ModelChoices
from echogan.ui.enhance.on_device import store
from echogan.ui.enhance.visits import Visits
from echogan.ui.error_words import log_place, sentence

JOB_SECONDS = 1800.0  # of a clip on a server that others wait for, too
SAME_NETWORK = (
    "Both models have the same weights and settings: there is nothing to compare. Choose another one."
)
TOO_LONG = "This clip takes longer than a server for many may work on one. Cut it, or enhance it on your own machine."


class Enhancing:
    """The enhancing of all visitors, in turn. `queue` is the device's: whatever else uses that waits in it, too."""

    def __init__(self, visits: Visits, models: ModelChoices, examples: Examples) -> None:
        self.visits, self.lock, self.models, self.examples = visits, visits.lock, models, examples
        self.queue = FairQueue("enhance")
        # A repository of the Hub is fetched before its clip waits for the device, which nobody else waits for then.
        self.fetching = FairQueue("fetch", workers=2)
        self.queues = (self.fetching, self.queue)
        self.most_seconds = math.inf if access.own_machine() else JOB_SECONDS

    def start(self, visit: Visit, entry: ClipEntry, model: str) -> None:
        """Queue a clip, or let it be queued as soon as it is opened. Work on it that goes on is stopped."""
        with self.lock:
            self.stop([entry])
            if entry.refused or entry.closing.is_set():
                return
            entry.failed, entry.model = "", model
            if entry.opened is None:
                entry.wanted = model
                return
            # The job waits for the lock, so that it finds itself in the entry.
            work, ended = partial(self._work, visit, entry, model), partial(self._ended, visit, entry)
            entry.job = job = Job(visit.token, work, entry.opened.clip.frames, ended, address=visit.address)
            if self.models.at_hand(model):
                self.queue.submit(job)
            else:
                fetch = partial(self._fetch, visit, entry, model, job)
                self.fetching.submit(Job(visit.token, fetch, address=visit.address))

    def opened(self, visit: Visit, entry: ClipEntry) -> None:
        """A clip is open now: queue it where that was asked for meanwhile."""
        with self.lock:
            model, entry.wanted = entry.wanted, None
        if model is not None:
            self.start(visit, entry, model)

    def stop(self, entries: Iterable[ClipEntry]) -> None:
        """Stop the work on these clips, and take them out of the queue. Their earlier results stay.

        So does one whose pictures and maps are complete, without a trust card then.
        """
        with self.lock:
            for entry in entries:
                entry.wanted = None
                job, entry.job = entry.job, None
                if job is not None:
                    self.queue.cancel(job)
                    entry.go_back()

    def count(self, job: Job, done: int) -> None:
        """A job has come so far. Raises ClipTooLarge where it takes too long."""
        job.done = done
        if job.began is not None and time.monotonic() - job.began > self.most_seconds:
            raise ClipTooLarge(TOO_LONG)

    def _fetch(self, visit: Visit, entry: ClipEntry, model: str, job: Job, fetching: Job) -> None:
        """Have the model on this machine, then let the job wait for the device."""
        if not job.cancel.is_set():
            try:
                fetched = self.models.fetch(model)
                with self.lock:
                    if not job.cancel.is_set():
                        job.work = partial(self._work, visit, entry, fetched)
                        self.queue.submit(job)
                        return
            except Exception as error:
                self._failed(entry, job, error)
        job.over.set()
        self._ended(visit, entry, job)

    def _work(self, visit: Visit, entry: ClipEntry, model: str | Checkpoint, job: Job) -> None:
        try:
            self._enhance(visit, entry, model, job)
        except Exception as error:
            self._failed(entry, job, error)

    def _failed(self, entry: ClipEntry, job: Job, error: Exception) -> None:
        if not isinstance(error, EchoGANError) and not job.cancel.is_set():
            log_place(error)
        with self.lock:
            if entry.job is job:
                entry.go_back()
                entry.failed = "" if job.cancel.is_set() else own_words(error, entry)

    def _enhance(self, visit: Visit, entry: ClipEntry, model: str | Checkpoint, job: Job) -> None:
        with self.lock:
            opened, sector = entry.opened, entry.sector
            entry.working = "Loading the model"
        assert opened is not None
        assert sector is not None
        checkpoint = self.models.load(model) if isinstance(model, str) else self.models.load_fetched(model)
        with self.lock:
            entry.working, first = "Preparing", visit.compared_with(entry)
        if first is not None and first.is_as_by(checkpoint):
            raise SettingsError(SAME_NETWORK)
        shared = entry.example if sector is opened.found and checkpoint.source == self.models.first else ""
        kept = self.examples.result(shared, checkpoint)
        if kept is None:
            enhancer = Enhancer(checkpoint, EnhanceSettings(device=zero_gpu.own_device()))
            self._make(entry, enhancer, enhancer.prepare(opened.clip, sector.sector), job, shared)
        else:
            self._show(entry, kept, job)

    def _make(
        self, entry: ClipEntry, enhancer: Enhancer, prepared: PreparedClip, job: Job, example: str
    ) -> None:
        """Enhance, and show the result as soon as it has frames; with an `example`, for all who look at that.

        Nothing of it is left where this raises, unless its pictures and maps were complete.
        """
        folder = (self.examples.folder() if example else entry.folder) / secrets.token_hex(8)
        folder.mkdir()
        flagger = flagger_for(enhancer, prepared)
        result = ClipResult(
            folder,
            prepared.sector,
            TileLayout.of(prepared, flagger is not None),
            enhancer.checkpoint.without_weights(),
            "cuda" if zero_gpu.ZERO_GPU else f"{enhancer.device} ({enhancer.backend})",
            Stream(folder / TILES),
            Stream(folder / MAP_TILES),
            Stream(folder / FLAG_TILES),
            thresholds=None if flagger is None else (flagger.amber, flagger.red),
            shared=bool(example),
        )
        listener = self._listener(entry, result, job)
        # All visitors wait for an example's trust card: a stop of this one does not end it.
        cancel = None if example else job.cancel
        try:
            stored = store(enhancer, prepared, folder, flagger, listener, cancel)
        except BaseException:
            with self.lock:
                result.checked = None
                entry.rev += 1
                if result.stored is None and entry.shown is result:
                    entry.go_back()
            if result.stored is None or entry.closing.is_set():
                shutil.rmtree(folder, ignore_errors=True)
            raise
        with self.lock:
            result.stored, result.checked = stored, None
            entry.rev += 1
            if example:
                self.examples.keep(example, result)

    def _listener(self, entry: ClipEntry, result: ClipResult, job: Job) -> Listener:
        """What puts the result into its clip as it is made. Raises Cancelled where that is not wanted any more."""

        def progress(done: int, total: int) -> None:
            self._wanted(entry, job)
            self.count(job, done)

        def pictures(ready: int) -> None:
            result.tiles.ready = ready
            if ready:
                self._show(entry, result, job)

        def maps(ready: int) -> None:
            result.maps.ready = ready

        def complete(stored: StoredResult) -> None:
            with self.lock:
                self._wanted(entry, job)
                result.stored, result.checked = stored, 0
                self._show(entry, result, job)

        def checked(done: int, ready: int) -> None:
            result.flags.ready = ready
            if result.checked is not None:  # else the pictures of a long clip are still being made
                result.checked = done
            self.count(job, job.done)
            if entry.closing.is_set():
                raise Cancelled("The clip was removed.")

        return Listener(progress, pictures, maps, complete, checked)

    def _wanted(self, entry: ClipEntry, job: Job) -> None:
        with self.lock:
            if entry.job is not job:
                raise Cancelled("Stopped.")

    def _show(self, entry: ClipEntry, result: ClipResult, job: Job) -> None:
        """Let a result, or what there is of it, take the place of the one before. Raises Cancelled."""
        with self.lock:
            self._wanted(entry, job)
            if entry.shown is not result:
                entry.before, entry.shown = entry.shown, result
                entry.rev += 1
            if result.stored is not None:
                if entry.before is not None and not entry.before.shared:
                    entry.old.append(entry.before.folder)
                entry.before = None
                entry.rev += 1

    def _ended(self, visit: Visit, entry: ClipEntry, job: Job) -> None:
        clear_old(self.visits, visit, entry)
        with self.lock:
            if entry.job is job:
                entry.job, entry.working = None, ""
                entry.rev += 1
        clear_if_closed(self.visits, visit, entry)


def own_words(error: Exception, entry: ClipEntry) -> str:
    """The sentence for the visitor, with the visitor's own name of the clip."""
    return sentence(error).replace(f"'{entry.path.name}'", f"'{Path(entry.name).name}'")
