"""The Enhance tab: the rail with the controls, the player, and what happens when something is pressed."""

from __future__ import annotations

import html
import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from echogan.core.errors import Cancelled, EchoGANError
from echogan.core.geometry import Fan
from echogan.enhance.enhancer import EnhanceSettings
from echogan.ui.enhance.clip_preview import look_at, preview
from echogan.ui.enhance.examples import EXAMPLES, Example, example_path
from echogan.ui.enhance.model_choice import NONE_BUNDLED, Models
from echogan.ui.enhance.result import Request, enhance_for_page
from echogan.ui.player.player import as_json, build_player
from echogan.ui.session import KEEP_SECONDS, Done, Run, Sessions, in_thread

STRENGTH = EnhanceSettings.__dataclass_fields__["strength"].metadata
FAILED = "Something went wrong inside EchoGANhance; its log says where. Try again, or try another clip."
GPU: dict[str, Any] = {"concurrency_id": "gpu", "concurrency_limit": 1}  # one clip on the device at a time
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


@dataclass(frozen=True)
class Rail:
    """The controls at the left."""

    upload: gr.File
    examples: list[gr.Button]
    model: gr.Dropdown
    strength: gr.Slider
    blackout: gr.Checkbox
    run: gr.Button
    stop: gr.Button
    progress: gr.HTML


def build_enhance_tab(sessions: Sessions, models: Models) -> gr.Dropdown:
    """Lay the tab out and wire it; the choice of model, for tabs that offer one. Call inside a gr.Blocks."""
    fan = gr.State(None, time_to_live=KEEP_SECONDS)
    with gr.Row(elem_id="eg-room"):
        with gr.Column(elem_id="eg-rail", scale=0):
            rail = _rail(models.names())
        with gr.Column(elem_id="eg-viewer"):
            player = build_player("eg-player")
    ticket = gr.State(None, time_to_live=KEEP_SECONDS)
    handlers = Handlers(sessions, models, rail, player, fan, ticket)
    for button, example in zip(rail.examples, EXAMPLES, strict=True):
        button.click(partial(open_example, example), outputs=rail.upload, concurrency_id="examples", **QUIET)
    looked = [player, rail.blackout, rail.run, rail.stop, rail.progress, fan]
    rail.upload.change(
        handlers.opened, rail.upload, looked, concurrency_id="look", concurrency_limit=2, **QUIET
    )
    rail.blackout.input(
        handlers.veil_changed, [rail.upload, rail.blackout, fan], player, concurrency_id="look", **QUIET
    )
    asked = [rail.upload, rail.model, rail.strength, rail.blackout, fan, ticket]
    shown = [player, rail.run, rail.stop, rail.progress, rail.blackout]
    player.drawn(take_fan, None, fan, queue=False, **QUIET)
    for press in (rail.run.click, player.sector(take_fan, None, fan, queue=False, **QUIET).then):
        waiting = press(handlers.wait, rail.upload, [*shown[1:], ticket], queue=False, **QUIET)
        waiting.then(handlers.start, asked, shown, **GPU, **QUIET)
    # Without Gradio's `cancels`: what was stopped says so itself, after whatever else it had to say.
    rail.stop.click(handlers.stop, outputs=shown[1:], queue=False, **QUIET)
    return rail.model


def _rail(names: list[str]) -> Rail:
    upload = gr.File(label="Clip", show_label=False, file_count="single", elem_id="eg-upload", height=96)
    gr.HTML('<p class="eg-legend">Examples</p>', apply_default_css=False, js_on_load=None)
    with gr.Row(elem_id="eg-examples"):
        examples = [gr.Button(example.label, size="sm") for example in EXAMPLES]
    model = gr.Dropdown(
        names,
        value=names[0] if names else None,
        label="Model",
        info="From the list, or user/model@revision",
        allow_custom_value=True,
        elem_id="eg-model",
    )
    strength = gr.Slider(
        STRENGTH["min"], STRENGTH["max"], value=1.0, step=0.05, label="Strength", elem_id="eg-strength"
    )
    blackout = gr.Checkbox(label="Black out everything outside the fan", elem_id="eg-blackout")
    with gr.Row(elem_id="eg-go"):
        run = gr.Button("Enhance", variant="primary", interactive=False, elem_id="eg-run")
        stop = gr.Button("Stop", interactive=False, elem_id="eg-stop")
    message = "" if names else f'<p class="eg-message">{html.escape(NONE_BUNDLED)}</p>'
    progress = gr.HTML(message, apply_default_css=False, js_on_load=None, elem_id="eg-progress")
    return Rail(upload, examples, model, strength, blackout, run, stop, progress)


class Handlers:
    """What the controls do. A user's mistake becomes a toast with its sentence, and the page stays as it was."""

    def __init__(
        self, sessions: Sessions, models: Models, rail: Rail, player: gr.HTML, fan: gr.State, ticket: gr.State
    ):
        self.sessions, self.models = sessions, models
        self.rail, self.player, self.fan, self.ticket = rail, player, fan, ticket

    def opened(self, path: str | None, request: gr.Request) -> dict[Any, Any]:
        """A clip was chosen or taken away: look at it, outline its sector, settle the blackout."""
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
        key, run = self._begin(request)
        try:
            look = look_at(path)
            dicom = look.clip.kind == "dicom"
            shown = preview(look, run.folder, veil=dicom)
        except Exception as error:
            self.sessions.drop(key, run)
            tell(error, "This file cannot be used")
            return {**nothing, rail.progress: ""}
        return {
            self.player: as_json(shown),
            rail.blackout: gr.Checkbox(value=dicom, interactive=True),
            rail.run: gr.Button(interactive=True),
            rail.stop: gr.Button(interactive=False),
            rail.progress: "",
            self.fan: None,
        }

    def veil_changed(self, path: str | None, blackout: bool, fan: str | None, request: gr.Request) -> Any:
        """The blackout was switched: show the still accordingly. A result stays, for it took its time."""
        if path is None:
            return gr.skip()
        if self.sessions.has_result(str(request.session_hash)):
            gr.Info("The result on the page stays as it is. Press Enhance for one with the new setting.")
            return gr.skip()
        key, run = self._begin(request)
        try:
            return as_json(preview(look_at(path, parse_fan(fan)), run.folder, veil=blackout))
        except Exception as error:
            self.sessions.drop(key, run)
            tell(error, "This file cannot be used")
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
        """Enhance, telling how far it is after every batch; nothing, where it is not wanted any more."""
        if path is None or not self.sessions.take(str(request.session_hash), ticket):
            yield {self.rail.progress: gr.skip()}
            return
        key, run = self._begin(request)
        yield self._busy("Preparing")
        try:
            checkpoint = self.models.load(model)
            asked = Request(Path(path), checkpoint, float(strength), blackout, parse_fan(fan))
            for step in in_thread(partial(enhance_for_page, asked, run.folder), run.cancel):
                if not isinstance(step, Done):
                    yield self._busy("", *step)
                elif not run.stopped:
                    run.finished = True
                    yield self._idle() | {self.player: as_json(step.result)}
            if not run.finished:  # it came too late to be stopped
                raise Cancelled
        except Exception as error:
            self.sessions.drop(key, run)
            if not run.stopped:
                tell(error, "This clip was not enhanced")
            stopped = run.stopped or isinstance(error, Cancelled)
            yield self._idle("Stopped. Nothing was kept." if stopped else "")

    def wait(self, path: str | None, request: gr.Request) -> dict[Any, Any]:
        """Enhance was pressed: the work may have to wait for that of others. What it is asked for stays as it is."""
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

    def _begin(self, request: gr.Request) -> tuple[str, Run]:
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
    """The fan that the visitor drew in the player, as text; None where the one that was found is wanted again."""
    return str(event.fan)[:200] or None


def parse_fan(text: str | None) -> Fan | None:
    """The fan of that text. Raises SectorError."""
    return Fan.parse(text) if text else None


def progress_bar(text: str, done: int, total: int) -> str:
    """The quiet bar under the button."""
    percent = round(100 * done / total) if total else 0
    return (
        f'<div class="eg-progress" role="progressbar" aria-label="Enhancing" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}"><span>{html.escape(text)}</span>'
        f'<div class="eg-track"><i style="width:{percent}%"></i></div></div>'
    )


def tell(error: Exception, title: str, show: Callable[..., None] = gr.Warning) -> None:
    """Show a user's mistake as a toast; log a fault of ours by its place only, for a message may hold a name."""
    if isinstance(error, Cancelled):
        return
    if not isinstance(error, EchoGANError):
        log_place(error)
    sentence = str(error) if isinstance(error, EchoGANError) else FAILED
    # A toast renders HTML, and Gradio 6 shows no title in it.
    show(f"<b>{title}</b>{html.escape(sentence)}", title=title, duration=15)


def log_place(error: Exception) -> None:
    """Where and what kind, without the error's message."""
    place = "".join(traceback.format_tb(error.__traceback__))
    logging.getLogger("echogan").error("%s at\n%s", type(error).__name__, place)
