"""One call of the API: the clip that was sent is looked at, waits for the device in turn, and is enhanced."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from anyio.to_thread import run_sync

from echogan.clips.guard.guard import Look, look
from echogan.clips.write_options import WriteOptions
from echogan.core.errors import Cancelled, SettingsError
from echogan.core.settings import check_setting
from echogan.core.version import __version__
from echogan.enhance.enhancer import EnhanceSettings
from echogan.enhance.outputs import Outputs
from echogan.enhance.report import Report
from echogan.model.checkpoints.checkpoint import Checkpoint
from echogan.ui.enhance.fair_queue import FairQueue, Job, finished
from echogan.ui.enhance.on_device import write
from echogan.ui.enhance.workplace import Workplace
from echogan.ui.listeners import LISTENERS
from echogan.ui.session import ClientTask

T = TypeVar("T")
UNHEARD_SECONDS = 60.0  # after which a call that nobody listens to is dropped


@dataclass
class Call:
    """A call: what was sent and is wanted, by whom, and under which name its answer is listened to.

    outputs   what to write, given the folder for it
    """

    file: str | None
    model: str
    strength: float
    keep_original: bool
    outputs: Callable[[Path], Outputs]
    client: str
    address: str
    event: str
    heard: float = field(default_factory=time.monotonic)

    def unheard(self) -> bool:
        """Whether nobody has listened for too long."""
        now = time.monotonic()
        if LISTENERS.hears(self.client, self.event):
            self.heard = now
        return now - self.heard > UNHEARD_SECONDS


async def serve(place: Workplace, call: Call) -> tuple[Outputs, Report]:
    """Enhance for a client, in turn with the visitors: what was written. Raises EchoGANError for a user's mistake."""
    if call.file is None:
        raise SettingsError("Send a file.")
    task = await run_sync(place.sessions.begin, call.client)
    try:
        with place.sessions.using(call.client, call.file):
            if not isinstance(call.strength, int | float):
                raise SettingsError("The strength is not a number. Give one from 0 to 1.")
            check_setting(EnhanceSettings, "strength", call.strength)
            place.models.check(call.model)
            path = Path(call.file)
            seen = await _in_turn(place.opening, call, task, lambda job: look(path, cancel=task.cancel))
            checkpoint = await _fetched(place, call, task)
            report = await _in_turn(
                place.enhancing.queue,
                call,
                task,
                lambda job: _enhance(place, call, task, seen, checkpoint, job),
                seen.clip.frames,
            )
            return call.outputs(task.folder), report
    except BaseException:  # a client that cancels ends this with CancelledError
        task.cancel.set()
        place.sessions.drop(call.client, task)
        raise
    finally:
        task.cancel.set()


async def _fetched(place: Workplace, call: Call, task: ClientTask) -> Checkpoint | None:
    """A repository of the Hub, fetched before the clip waits for the device; None for what is at hand."""
    if place.models.at_hand(call.model):
        return None
    fetching = place.enhancing.fetching
    return await _in_turn(fetching, call, task, lambda job: place.models.fetch(call.model))


async def _in_turn(
    queue: FairQueue, call: Call, task: ClientTask, work: Callable[[Job], T], frames: int = 0
) -> T:
    """What `work` returns, in its turn. Raises what it raises, and Cancelled where nobody listens."""
    found: list[T] = []
    failed: list[Exception] = []

    def run(job: Job) -> None:
        try:
            found.append(work(job))
        except Exception as error:
            failed.append(error)

    job = queue.submit(Job(call.client, run, frames, cancel=task.cancel, address=call.address))

    def watch() -> None:
        if call.unheard() or (task.cancel.is_set() and not job.running):
            queue.cancel(job)

    try:
        await finished(job, watch)
    finally:
        if not job.over.is_set():
            queue.cancel(job)
    if failed:
        raise failed[0]
    if not found:
        raise Cancelled("Stopped; nothing was written.")
    return found[0]


def _enhance(
    place: Workplace, call: Call, task: ClientTask, seen: Look, fetched: Checkpoint | None, job: Job
) -> Report:
    """Enhance into the task's folder. Raises what `enhance_file` raises."""

    def count(done: int, total: int) -> None:
        place.enhancing.count(job, done)

    models = place.models
    settings = EnhanceSettings(strength=float(call.strength), keep_original=bool(call.keep_original))
    checkpoint = models.load(call.model) if fetched is None else models.load_fetched(fetched)
    options = WriteOptions(blackout=seen.clip.kind == "dicom", software_version=__version__)
    outputs = call.outputs(task.folder)
    return write(seen.clip, seen.sector, outputs, checkpoint, settings, count, job.cancel, options)
