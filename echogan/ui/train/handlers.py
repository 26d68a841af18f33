"""What the Train tab's controls do. Every handler may be called by anyone, so each checks what it is given."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr

from echogan.core.errors import EchoGANError, SettingsError, TrainingError
from echogan.jobs.job import Job
from echogan.jobs.runs import Runs
from echogan.jobs.unzip import unzip
from echogan.training.config import TrainingConfig, with_settings
from echogan.ui.enhance.model_choice import ModelChoices
from echogan.ui.feedback import progress_bar, show_error
from echogan.ui.session import Sessions
from echogan.ui.train.layout import RunForm, RunView
from echogan.ui.train.presets import preset
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
        shared: bool,
    ) -> None:
        self.runs, self.sessions, self.models = runs, sessions, models
        self.form, self.view, self.model_choice, self.shared = form, view, model_choice, shared
        self.updates = RunUpdates(runs, form, view)

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

    def start(
        self,
        request: gr.Request,
        label: str | None,
        low_path: str | None,
        high_path: str | None,
        low_zip: str | None,
        high_zip: str | None,
        *values: Any,
    ) -> Iterator[Update]:
        """Begin a run with what the form says, unpacking what was sent first."""
        found, own = preset(label), None
        cleared: Update = {}  # a zip is gone once it is unpacked; before that, a mistake costs nobody an upload
        zips = {"low": self.form.low_zip, "high": self.form.high_zip}
        try:
            config = with_settings(TrainingConfig(), dict(parse_all(list(self.form.settings), list(values))))
            self.runs.check_free(config)
            if found.own_data:
                own = Job(self.runs.path(config.name)).uploads
                paths, sent = {"low": low_path, "high": high_path}, {"low": low_zip, "high": high_zip}
                folders = {side: self._on_server(side, paths[side]) for side in SIDES if not sent[side]}
                for side, upload in sent.items():
                    if upload:
                        cleared[zips[side]] = None
                        yield self._busy(f"Unpacking the {SIDES[side]} clips")
                        folders[side] = self._unpacked(side, upload, own, str(request.session_hash))
                config = with_settings(config, {side: str(folder) for side, folder in folders.items()})
            job = self.runs.start(config)
        except BaseException as error:  # a visitor who leaves ends this with GeneratorExit
            if own is not None:
                shutil.rmtree(own, ignore_errors=True)
                with suppress(OSError):
                    own.parent.rmdir()
            if not isinstance(error, Exception):
                raise
            show_error(error, "The run did not start")
            yield {self.form.progress: "", **cleared}
            return
        yield {
            **self.updates.of(job, {}),
            **cleared,
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

    def _on_server(self, side: str, path: str | None) -> Path:
        """The folder of one side's clips on the server. Raises SettingsError."""
        path = (path or "").strip()
        if self.shared or not path:
            where = (
                "Send a zip of them."
                if self.shared
                else "Give their folder on the server, or send a zip of them."
            )
            raise SettingsError(f"The {SIDES[side]} clips are missing. {where}")
        folder = Path(path).expanduser()
        if not folder.is_dir():
            raise SettingsError(f"There is no folder {folder} for the {SIDES[side]} clips. Check the path.")
        return folder.resolve()

    # The run that goes on.

    def stop(self, name: str | None, at: float | None, seen: dict[str, Any] | None) -> Update:
        """Ask the run to end after its current step."""
        try:
            self.runs.stop(name or "")
        except EchoGANError as error:
            show_error(error, "Nothing was stopped")
        return self.refresh(name, at, seen)

    def resume(self, name: str | None, at: float | None, seen: dict[str, Any] | None) -> Update:
        """Go on with the run that is shown."""
        try:
            self.runs.resume(name or "")
        except Exception as error:
            show_error(error, "The run did not resume")
        return {**self.refresh(name, at, seen), self.view.timer: gr.Timer(active=True)}

    def use(self, name: str | None) -> tuple[Any, Any]:
        """Offer the run's network to the Enhance tab, and go there with it chosen."""
        try:
            job = self.runs.job(name or "")
            folder = job.checkpoint()
            if folder is None:
                raise TrainingError("This run has not saved a network yet. Wait for its first save.")
            offered = self.models.offer(job.name, folder)
        except Exception as error:
            show_error(error, "This network cannot be used yet")
            return gr.skip(), gr.skip()
        return gr.Tabs(selected="enhance"), gr.Dropdown(self.models.names(), value=offered)

    # What is shown.

    def arrive(self) -> Update:
        """A page was opened: show the run that is being trained, else the last one."""
        job = self.runs.current()
        form = {
            self.form.settings["name"]: self.runs.free_name(preset(None).stem),
            self.model_choice: gr.Dropdown(self.models.names()),
        }
        if job is None:
            return {**self.updates.nothing(), **form}
        return {**self.updates.of(job, {}), **form, self.view.timer: gr.Timer(active=job.status().live)}

    def refresh(self, name: str | None, at: float | None, seen: dict[str, Any] | None) -> Update:
        """The run of that name as it is now; only what has changed since the page last saw it is sent."""
        try:
            job = self.runs.job(name or "")
        except EchoGANError:
            return self.updates.nothing()
        return self.updates.of(job, seen or {}, at)

    def show_samples(self, name: str | None, at: float | None) -> Any:
        """The samples of an earlier step."""
        try:
            job = self.runs.job(name or "")
        except EchoGANError:
            return gr.skip()
        steps = job.preview_steps()
        return sample_of(job, nearest(steps, at)) if steps else gr.skip()

    def _busy(self, text: str) -> Update:
        return {self.form.progress: progress_bar(text, 0, 0)}
