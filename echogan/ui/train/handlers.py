"""What the Train tab's controls do. Every handler may be called by anyone, so each checks what it is given."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr

from echogan.core.errors import EchoGANError, TrainingError
from echogan.jobs.job import Job
from echogan.jobs.runs import Runs
from echogan.jobs.unzip import unzip
from echogan.training.config import TrainingConfig, with_settings
from echogan.ui.enhance.model_choice import ModelChoices
from echogan.ui.feedback import progress_bar, show_error
from echogan.ui.session import Sessions
from echogan.ui.train import run_samples
from echogan.ui.train.layout import RunForm, RunView
from echogan.ui.train.offered_folders import OfferedFolders
from echogan.ui.train.ownership import check_owns, claim, has_own_data, owns, release, token_of
from echogan.ui.train.presets import preset
from echogan.ui.train.run_actions import RunActions
from echogan.ui.train.run_updates import RunUpdates, Update, nearest, sample_of
from echogan.ui.train.settings_form import parse_all

SIDES = {"low": "poor", "high": "good"}


class TrainHandlers:
    """A user's mistake becomes a toast with its sentence, and the page stays as it was."""

    def __init__(
        self,
        runs: Runs,
        sessions: Sessions,
        models: ModelChoices,
        form: RunForm,
        view: RunView,
        model_choice: gr.Dropdown,
        folders: list[Path],
        own_machine: bool,
    ) -> None:
        self.runs, self.sessions, self.models = runs, sessions, models
        self.form, self.view, self.model_choice = form, view, model_choice
        self.folders, self.own_machine = OfferedFolders(folders), own_machine
        self.updates = RunUpdates(runs, form, view, own_machine)
        self.acts = RunActions(runs, models, view.actions, own_machine)

    # The run that begins.

    def choose(self, label: str | None) -> Update:
        """A preset was chosen: its words, its data, and every setting as it wants them."""
        found = preset(label)
        values = found.values() | {"name": self.runs.free_name(found.stem)}
        return {
            self.form.about: f'<p class="tr-about">{found.about}</p>',
            self.form.own: gr.Column(visible=found.own_data),
            **{field: values[name] for name, field in self.form.settings.items()},
        }

    def start(self, request: gr.Request, token: Any, label: str | None, *entered: Any) -> Iterator[Update]:
        """Begin a run with what the form says, unpacking what was sent first."""
        yield from self._begin(self.runs.start, request, token, label, *entered)

    def check(self, request: gr.Request, token: Any, label: str | None, *entered: Any) -> Iterator[Update]:
        """Check the data of a run that may begin afterwards, unpacking what was sent first."""
        yield from self._begin(self.runs.check, request, token, label, *entered)

    def _begin(
        self,
        begin: Callable[[TrainingConfig], Job],
        request: gr.Request,
        token: Any,
        label: str | None,
        low_path: str | None,
        high_path: str | None,
        low_zip: str | None,
        high_zip: str | None,
        *values: Any,
    ) -> Iterator[Update]:
        found, own, token = preset(label), None, token_of(token)
        job: Job | None = None
        cleared: Update = {}  # a zip is gone once it is unpacked; before that, a mistake costs nobody an upload
        zips = {"low": self.form.low_zip, "high": self.form.high_zip}
        key = request.session_hash or secrets.token_hex(16)
        try:
            config = with_settings(TrainingConfig(), dict(parse_all(list(self.form.settings), list(values))))
            self.folders.check(config)
            self.runs.check_free(config)
            job = Job(self.runs.path(config.name))
            if found.own_data:
                own = job.uploads
                paths, sent = {"low": low_path, "high": high_path}, {"low": low_zip, "high": high_zip}
                folders = {
                    side: self.folders.of_side(words, paths[side])
                    for side, words in SIDES.items()
                    if not sent[side]
                }
                for side, upload in sent.items():
                    if upload:
                        cleared[zips[side]] = None
                        yield self._busy(f"Unpacking the {SIDES[side]} clips")
                        folders[side] = self._unpacked(side, upload, own, key)
                config = with_settings(config, {side: str(folder) for side, folder in folders.items()})
            claim(job, token)  # before others can see it
            job = begin(config)
        except BaseException as error:  # a visitor who leaves ends this with GeneratorExit
            if own is not None:
                shutil.rmtree(own, ignore_errors=True)
                with suppress(OSError):
                    own.parent.rmdir()
            if job is not None:
                release(job)
            if not isinstance(error, Exception):
                raise
            show_error(error, "The run did not start")
            yield {self.form.progress: "", **cleared}
            return
        yield {
            **self.updates.of(job, {}, owner=True),
            **cleared,
            self.view.token: token,
            self.form.settings["name"]: self.runs.free_name(found.stem),
            self.form.progress: "",
            self.view.timer: gr.Timer(active=True),
        }

    def _unpacked(self, side: str, upload: str, data: Path, key: str) -> Path:
        """The clips that were sent for one side, unpacked into the run's own folder."""
        # The very name of a zip may be a patient's: it goes as soon as it is unpacked.
        self.sessions.hold(f"{key}/{side}", upload)
        try:
            data.mkdir(parents=True, exist_ok=True)
            unzip(Path(upload), data / side)
        finally:
            self.sessions.hold(f"{key}/{side}", None)
        return data / side

    # The run that goes on.

    def stop(
        self, name: str | None, at: float | None, seen: dict[str, Any] | None, token: Any, *shown: Any
    ) -> Update:
        """Ask the run to end after its current step."""
        try:
            check_owns(self.runs.job(name or ""), token, self.own_machine)
            self.runs.stop(name or "")
        except EchoGANError as error:
            show_error(error, "Nothing was stopped")
        return self.refresh(name, at, seen, token, *shown)

    def resume(
        self, name: str | None, at: float | None, seen: dict[str, Any] | None, token: Any, *shown: Any
    ) -> Update:
        """Go on with the run that is shown."""
        try:
            check_owns(self.runs.job(name or ""), token, self.own_machine)
            self.runs.resume(name or "")
        except Exception as error:
            show_error(error, "The run did not resume")
        return {**self.refresh(name, at, seen, token, *shown), self.view.timer: gr.Timer(active=True)}

    def use(self, name: str | None, token: Any) -> tuple[Any, Any]:
        """Offer the run's network to the Enhance tab, and go there with it chosen."""
        try:
            job = self.runs.job(name or "")
            check_owns(job, token, self.own_machine)
            folder = job.checkpoint()
            if folder is None:
                raise TrainingError("This run has not saved a network yet. Wait for its first save.")
            offered = self.models.offer(job.name, folder)
        except Exception as error:
            show_error(error, "This network cannot be used yet")
            return gr.skip(), gr.skip()
        return gr.Tabs(selected="enhance"), gr.Dropdown(self.models.names(), value=offered)

    def delete(self, name: str | None, token: Any) -> Update:
        """Delete the run that is shown, and show another one."""
        out, done = self.acts.delete(name, token)
        return out | self.arrive(token) if done else out

    def undo(self, entry: str | None, token: Any) -> Update:
        """Take the run back that was deleted last, and show it."""
        out, job = self.acts.undo(entry, token)
        return out if job is None else out | self._shown(job, token)

    # What is shown.

    def arrive(self, token: Any) -> Update:
        """A page was opened: show the run that is being trained, else the last one."""
        job = self.runs.current()
        form = {
            self.form.settings["name"]: self.runs.free_name(preset(None).stem),
            self.model_choice: gr.Dropdown(self.models.names()),
        }
        if job is None:
            return {**self.updates.nothing(), **form}
        return self._shown(job, token) | form

    def _shown(self, job: Job, token: Any) -> Update:
        return {
            **self.updates.of(job, {}, owner=owns(job, token, self.own_machine)),
            self.view.timer: gr.Timer(active=job.status().live),
        }

    def refresh(
        self,
        name: str | None,
        at: float | None,
        seen: dict[str, Any] | None,
        token: Any,
        compare: list[str] | None = None,
        along: str | None = None,
    ) -> Update:
        """The run of that name as it is now, beside the runs to compare with; only what has changed since the page
        last saw it is sent."""
        try:
            job = self.runs.job(name or "")
        except EchoGANError:
            return self.updates.nothing()
        owner = owns(job, token, self.own_machine)
        return self.updates.of(job, seen or {}, at, owner, compare or (), along)

    def show_samples(self, name: str | None, at: float | None, token: Any) -> Any:
        """The samples of an earlier step."""
        try:
            job = self.runs.job(name or "")
        except EchoGANError:
            return gr.skip()
        if has_own_data(job) and not owns(job, token, self.own_machine):
            return run_samples.PRIVATE
        steps = job.preview_steps()
        return sample_of(job, nearest(steps, at)) if steps else gr.skip()

    def _busy(self, text: str) -> Update:
        return {self.form.progress: progress_bar(text, 0, 0)}
