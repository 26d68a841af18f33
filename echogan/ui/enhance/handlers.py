"""What the Enhance tab's controls do. Every handler may be called by anyone, so each checks what it is given."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr

from echogan.core.errors import Cancelled
from echogan.core.geometry import Fan
from echogan.ui.enhance.clip_preview import preview_value
from echogan.ui.enhance.examples import Example, example_path
from echogan.ui.enhance.layout import Rail
from echogan.ui.enhance.model_choice import ModelChoices
from echogan.ui.enhance.result import EnhanceRequest, enhance_for_page
from echogan.ui.feedback import progress_bar, show_error
from echogan.ui.player.player import as_json
from echogan.ui.session import Done, Sessions, VisitorTask, in_thread


class EnhanceHandlers:
    """What the controls do. A user's mistake becomes a toast with its sentence, and the page stays as it was."""

    def __init__(
        self,
        sessions: Sessions,
        models: ModelChoices,
        rail: Rail,
        player: gr.HTML,
        fan: gr.State,
        ticket: gr.State,
    ):
        self.sessions, self.models = sessions, models
        self.rail, self.player, self.fan, self.ticket = rail, player, fan, ticket

    def opened(self, path: str | None, request: gr.Request) -> dict[Any, Any]:
        """A clip was chosen or removed: open it, outline its sector, switch the blackout on for DICOM."""
        rail, visitor = self.rail, str(request.session_hash)
        nothing = {
            self.player: None,
            rail.run: gr.Button(interactive=False),
            rail.stop: gr.Button(interactive=False),
            self.fan: None,
        }
        self.sessions.stop(visitor)
        self.sessions.hold(visitor, path)
        if path is None:
            return {**nothing, rail.progress: ""}
        key, task = self._begin(request)
        try:
            preview = self.sessions.clips.get(key, path)
            dicom = preview.clip.kind == "dicom"
            shown = preview_value(preview, task.folder, blackout=dicom)
        except Exception as error:
            self.sessions.drop(key, task)
            show_error(error, "This file cannot be used")
            return {**nothing, rail.progress: ""}
        return {
            self.player: as_json(shown),
            rail.blackout: gr.Checkbox(value=dicom, interactive=True),
            rail.run: gr.Button(interactive=True),
            rail.stop: gr.Button(interactive=False),
            rail.progress: "",
            self.fan: None,
        }

    def blackout_changed(self, path: str | None, blackout: bool, fan: str | None, request: gr.Request) -> Any:
        """The blackout was switched: show the still accordingly. A result stays as it is."""
        if path is None:
            return gr.skip()
        if self.sessions.has_result(str(request.session_hash)):
            gr.Info("Blackout applies to the next result. Press Enhance to make one.")
            return gr.skip()
        key, task = self._begin(request)
        try:
            preview = self.sessions.clips.get(key, path, parse_fan(fan))
            return as_json(preview_value(preview, task.folder, blackout))
        except Exception as error:
            self.sessions.drop(key, task)
            show_error(error, "This file cannot be used")
            return gr.skip()

    def start(
        self,
        path: str | None,
        model: str | None,
        strength: float,
        blackout: bool,
        fan: str | None,
        ticket: str | None,
        request: gr.Request,
    ) -> Iterator[dict[Any, Any]]:
        """Enhance, with the progress after every batch; nothing, where it is not wanted any more."""
        if path is None or not self.sessions.take(str(request.session_hash), ticket):
            yield {self.rail.progress: gr.skip()}
            return
        key, task = self._begin(request)
        yield self._busy("Preparing")
        try:
            checkpoint = self.models.load(model)
            preview = self.sessions.clips.get(key, path, parse_fan(fan))
            asked = EnhanceRequest(preview, checkpoint, float(strength), blackout)
            for step in in_thread(partial(enhance_for_page, asked, task.folder), task.cancel):
                if not isinstance(step, Done):
                    yield self._busy("", *step)
                elif not task.stopped:
                    task.finished = True
                    yield self._idle() | {self.player: as_json(step.result)}
            if not task.finished:  # it came too late to be stopped
                raise Cancelled
        except Exception as error:
            self.sessions.drop(key, task)
            if not task.stopped:
                show_error(error, "This clip was not enhanced")
            stopped = task.stopped or isinstance(error, Cancelled)
            yield self._idle("Stopped. Nothing was kept." if stopped else "")

    def wait(self, path: str | None, request: gr.Request) -> dict[Any, Any]:
        """Enhance was pressed: the work may have to wait for other visitors' work; its settings are fixed now."""
        if path is None:
            gr.Info("Open a clip first.", title="No clip")
            return self._idle()
        self.sessions.stop(str(request.session_hash))
        return self._busy("Waiting for the machine") | {
            self.rail.blackout: gr.Checkbox(interactive=False),
            self.ticket: self.sessions.ask(str(request.session_hash)),
        }

    def stop(self, request: gr.Request) -> dict[Any, Any]:
        """Stop this visitor's work, or take it out of the queue."""
        self.sessions.stop(str(request.session_hash))
        return self._idle("Stopped. Nothing was kept.")

    def _begin(self, request: gr.Request) -> tuple[str, VisitorTask]:
        key = str(request.session_hash)
        return key, self.sessions.begin(key)

    def _busy(self, text: str, done: int = 0, total: int = 0) -> dict[Any, Any]:
        return {
            self.rail.run: gr.Button(interactive=False),
            self.rail.stop: gr.Button(interactive=True),
            self.rail.progress: progress_bar(text or f"Enhancing frame {done} of {total}", done, total),
        }

    def _idle(self, text: str = "") -> dict[Any, Any]:
        return {
            self.rail.run: gr.Button(interactive=True),
            self.rail.stop: gr.Button(interactive=False),
            self.rail.blackout: gr.Checkbox(interactive=True),
            self.rail.progress: f'<p class="eg-progress">{text}</p>' if text else "",
        }


def open_example(example: Example) -> str:
    """The example's file, for the upload field."""
    return str(example_path(example))


def take_fan(event: gr.EventData) -> str | None:
    """The sector that the visitor drew, a fan as text; None where the sector that was found is wanted again."""
    return str(event.fan)[:200] or None


def parse_fan(text: str | None) -> Fan | None:
    """The fan of that text. Raises SectorError."""
    return Fan.parse(text) if text else None
