"""What may be done with a run on one's own machine: download its network, publish it, delete the run, take it back.

On a server that others reach, these are its owner's alone and are refused, whoever asks.
"""

from __future__ import annotations

import html
import secrets
from typing import Any

import gradio as gr

from echogan.core.errors import EchoGANError, SettingsError, TrainingError
from echogan.jobs.job import Job
from echogan.jobs.run_zip import pack_run
from echogan.jobs.runs import Runs
from echogan.jobs.trash import KEPT_DAYS, discard, restore
from echogan.model.checkpoints.checkpoint import describe_checkpoint
from echogan.model.checkpoints.publish import UNSTATED, publish
from echogan.ui.enhance.model_choice import ModelChoices
from echogan.ui.feedback import show_error
from echogan.ui.session import app_folder
from echogan.ui.train.actions_layout import Actions, no_question
from echogan.ui.train.ownership import check_owns
from echogan.ui.train.run_updates import Update

OWNERS_ALONE = "Networks are downloaded and published, and runs deleted, by whoever runs this server."


class RunActions:
    """A user's mistake becomes a toast with its sentence, and the page stays as it was."""

    def __init__(self, runs: Runs, models: ModelChoices, actions: Actions, own_machine: bool) -> None:
        self.runs, self.models, self.actions, self.own_machine = runs, models, actions, own_machine

    def download(self, name: str | None, token: Any) -> Update:
        """Pack the run's network, and offer the file."""
        try:
            job = self._allowed(name, token)
            folder = app_folder("sessions") / secrets.token_hex(16)  # which `Sessions.sweep` removes
            folder.mkdir()
            packed = pack_run(job, folder)
        except Exception as error:
            show_error(error, "Nothing to download")
            return {self.actions.save: gr.DownloadButton(visible=False)}
        label = f"Save {packed.name}, {max(0.1, packed.stat().st_size / 1e6):.1f} MB"
        return {self.actions.save: gr.DownloadButton(label, value=str(packed), visible=True)}

    def publish(
        self, name: str | None, token: Any, repo: str, license: str, public: bool, hub_token: str
    ) -> Update:
        """Publish the run's network on the Hub. The token typed is used once; the field is empty afterwards."""
        fields: Update = {self.actions.hub_token: ""}
        try:
            folder = self._network(self._allowed(name, token))
            stated = describe_checkpoint(folder).config.license
            if stated == UNSTATED and not license.strip():
                raise SettingsError(
                    "The licence of these weights is not stated, for they were trained with clips of your own. "
                    "Give the one that the owners of the clips allow."
                )
            done = publish(
                folder,
                repo.strip(),
                private=not public,
                license=license.strip() if stated == UNSTATED else "",
                token=hub_token,
            )
        except Exception as error:
            show_error(error, "Nothing was published")
            return {**fields, self.actions.published: ""}
        seen = "only you see it" if done.private else "everybody sees it"
        link = html.escape(done.url, quote=True)
        where = f'<a href="{link}" target="_blank" rel="noreferrer">{html.escape(repo.strip())}</a>'
        return {**fields, self.actions.published: f'<p class="tr-hint">Published as {where}; {seen}.</p>'}

    def ask(self, name: str | None, token: Any) -> Update:
        """Ask whether the run shall be deleted."""
        try:
            job = self._allowed(name, token)
            if job.process():
                raise TrainingError(f"The run '{job.name}' is being trained. Stop it first.")
        except EchoGANError as error:
            show_error(error, "Nothing was deleted")
            return self.keep()
        text = f"Delete '{html.escape(job.name)}'? It stays in the trash for {KEPT_DAYS} days."
        return {
            self.actions.question: f'<p class="tr-hint" role="alert">{text}</p>',
            self.actions.sure: gr.Row(visible=True),
            self.actions.delete: gr.Button(visible=False),
        }

    def keep(self) -> Update:
        """Take the question back."""
        return no_question(self.actions)

    def delete(self, name: str | None, token: Any) -> tuple[Update, bool]:
        """Move the run to the trash, from which `undo` takes it; and whether that was done."""
        try:
            job = self._allowed(name, token)
            place = discard(job)
        except Exception as error:
            show_error(error, "Nothing was deleted")
            return self.keep(), False
        self.models.withdraw(job.name)
        text = f"'{html.escape(job.name)}' is in the trash for {KEPT_DAYS} days."
        return {
            **self.keep(),
            self.actions.deleted: place.name,
            self.actions.told: f'<p class="tr-hint" role="status">{text}</p>',
            self.actions.undoing: gr.Row(visible=True),
        }, True

    def undo(self, entry: str | None, token: Any) -> tuple[Update, Job | None]:
        """Take the run that was deleted last back; and the run."""
        job = None
        try:
            if not self.own_machine:
                raise SettingsError(OWNERS_ALONE)
            job = restore(self.runs.folder, entry or "")
        except Exception as error:
            show_error(error, "Nothing was taken back")
        return {
            self.actions.deleted: "",
            self.actions.told: "",
            self.actions.undoing: gr.Row(visible=False),
        }, job

    def _allowed(self, name: str | None, token: Any) -> Job:
        """The run, where whoever asks may do this. Raises SettingsError and TrainingError."""
        if not self.own_machine:
            raise SettingsError(OWNERS_ALONE)
        job = self.runs.job(name or "")
        check_owns(job, token, self.own_machine)
        return job

    def _network(self, job: Job):
        folder = job.checkpoint()
        if folder is None:
            raise TrainingError("This run has not saved a network yet. Wait for its first save.")
        return folder
