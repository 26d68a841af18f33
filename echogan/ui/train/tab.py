"""The Train tab: where to begin, a few settings, and the run as it goes, also after a reload or a restart."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from echogan.jobs.runs import Runs
from echogan.ui.enhance.model_choice import Models
from echogan.ui.enhance.tab import QUIET
from echogan.ui.session import KEEP_SECONDS, Sessions
from echogan.ui.train import run_view as train_view
from echogan.ui.train.handlers import Handlers
from echogan.ui.train.presets import PRESETS
from echogan.ui.train.settings_form import all_settings, build_settings

EVERY = 2.0  # seconds between two looks at a live run
SWITCHED_OFF = (
    "Training is switched off here, for others use this server too: run EchoGANhance on a machine of your own, or have "
    "its host start it with ECHOGAN_TRAIN=1."
)


@dataclass(frozen=True)
class Form:
    """The fields of a run that is to begin. `settings` are by dotted name."""

    preset: gr.Radio
    about: gr.HTML
    own: gr.Column
    low_path: gr.Textbox
    high_path: gr.Textbox
    low_zip: gr.File
    high_zip: gr.File
    settings: dict[str, Component]
    start: gr.Button
    stop: gr.Button
    progress: gr.HTML


@dataclass(frozen=True)
class View:
    """What shows a run."""

    whole: gr.Column  # hidden while there is no run
    nothing: gr.HTML
    run: gr.Dropdown
    resume: gr.Button
    use: gr.Button
    head: gr.HTML
    charts: gr.HTML
    samples: gr.HTML
    at: gr.Slider
    terms: gr.HTML
    log: gr.HTML
    timer: gr.Timer
    seen: gr.State


def training_allowed() -> bool:
    """ECHOGAN_TRAIN=1 or 0 decides; unset, a machine of one's own may train and a Space may not."""
    wish = os.environ.get("ECHOGAN_TRAIN", "").strip().lower()
    if wish:
        return wish in ("1", "true", "yes", "on")
    return not is_shared()


def is_shared() -> bool:
    """Whether this is a Space, whose visitors have no folders on the server."""
    return bool(os.environ.get("SPACE_ID"))


def css() -> str:
    """The style sheet of the tab."""
    return Path(__file__).with_name("train.css").read_text(encoding="utf-8")


def build_train_tab(
    page: gr.Blocks, tabs: gr.Tabs, model: gr.Dropdown, sessions: Sessions, models: Models, runs: Runs
) -> None:
    """Lay the tab out and wire it. `tabs` and `model`, the Enhance tab's choice, are for "Use it in Enhance"."""
    if not training_allowed():
        gr.HTML(f'<p class="eg-message tr-off">{SWITCHED_OFF}</p>', apply_default_css=False, js_on_load=None)
        return
    with gr.Row(elem_classes="tr-room"):
        with gr.Column(elem_classes="tr-rail", scale=0):
            form = _form(runs)
        with gr.Column(elem_classes="tr-viewer"):
            view = _view()
    handlers = Handlers(runs, sessions, models, form, view, model, is_shared())
    _wire(page, handlers, form, view, tabs, model)


def _form(runs: Runs) -> Form:
    usual, first = all_settings(), PRESETS[0].values()
    preset = gr.Radio(
        [p.label for p in PRESETS], value=PRESETS[0].label, label="Begin with", elem_id="tr-preset"
    )
    about = gr.HTML(f'<p class="tr-about">{PRESETS[0].about}</p>', apply_default_css=False, js_on_load=None)
    with gr.Column(visible=False, elem_id="tr-own") as own:
        low_path, low_zip = _side("Poor clips", "low")
        high_path, high_zip = _side("Good clips", "high")
    name = gr.Textbox(
        runs.free_name(PRESETS[0].stem), label="Name", max_lines=1, max_length=96, elem_id="tr-name"
    )
    main: dict[str, Component] = {"name": name}
    with gr.Row(elem_classes="tr-three"):
        for key, label in (("steps", "Steps"), ("size", "Size, px"), ("batch_size", "Batch")):
            setting = usual[key]
            main[key] = gr.Number(
                first[key],
                label=label,
                minimum=setting.low,
                maximum=setting.high,
                precision=0,
                min_width=60,
                elem_id=f"tr-{key}",
            )
    with gr.Accordion("All settings", open=False, elem_id="tr-all"):
        rest = build_settings(paths=not is_shared())
    for key, field in rest.items():
        field.value = first[key]  # type: ignore[attr-defined]
    with gr.Row(elem_classes="tr-go"):
        start = gr.Button("Start", variant="primary", elem_id="tr-start")
        stop = gr.Button("Stop", interactive=False, elem_id="tr-stop")
    progress = gr.HTML("", apply_default_css=False, js_on_load=None, elem_id="tr-progress")
    return Form(
        preset, about, own, low_path, high_path, low_zip, high_zip, main | rest, start, stop, progress
    )


def _side(label: str, side: str) -> tuple[gr.Textbox, gr.File]:
    path = gr.Textbox(
        label=label,
        info="A folder on the server, or a zip of clips",
        placeholder="/data/poor" if side == "low" else "/data/good",
        max_lines=1,
        visible=not is_shared(),
        elem_id=f"tr-{side}-path",
    )
    upload = gr.File(
        label=label,
        show_label=is_shared(),
        file_types=[".zip"],
        height=72,
        elem_id=f"tr-{side}-zip",
        elem_classes="tr-zip",
    )
    return path, upload


def _view() -> View:
    plain = partial(gr.HTML, apply_default_css=False, js_on_load=None)
    nothing = plain(train_view.NOTHING)
    with gr.Column(visible=False, elem_id="tr-view") as whole:
        with gr.Row(elem_classes="tr-top"):
            run = gr.Dropdown([], label="Run", show_label=False, container=False, elem_id="tr-run")
            resume = gr.Button("Resume", visible=False, elem_id="tr-resume")
            use = gr.Button("Use it in Enhance", visible=False, elem_id="tr-use")
        head = plain("", elem_id="tr-head")
        with gr.Row(elem_classes="tr-body"):
            with gr.Column(elem_classes="tr-left"):
                charts = plain("", elem_id="tr-charts")
            with gr.Column(elem_classes="tr-right"):
                samples = plain("", elem_id="tr-samples")
                at = gr.Slider(0, 1, value=0, step=1, label="Samples of step", visible=False, elem_id="tr-at")
        with gr.Accordion("Every term of the losses", open=False, elem_id="tr-terms"):
            terms = plain("")
        with gr.Accordion("Log", open=False, elem_id="tr-log"):
            log = plain("")
    timer, seen = gr.Timer(EVERY, active=False), gr.State({}, time_to_live=KEEP_SECONDS)
    return View(whole, nothing, run, resume, use, head, charts, samples, at, terms, log, timer, seen)


def _wire(page: gr.Blocks, do: Handlers, form: Form, view: View, tabs: gr.Tabs, model: gr.Dropdown) -> None:
    run = [
        view.whole,
        view.nothing,
        view.run,
        view.resume,
        view.use,
        view.head,
        view.charts,
        view.terms,
        view.log,
    ]
    shown = [*run, view.samples, view.at, view.timer, view.seen, form.stop, form.progress]
    asked = [view.run, view.at, view.seen]
    at_once: dict[str, Any] = QUIET | {"queue": False}
    entered = [
        form.preset,
        form.low_path,
        form.high_path,
        form.low_zip,
        form.high_zip,
        *form.settings.values(),
    ]
    chosen = [form.about, form.own, *form.settings.values()]
    page.load(do.arrive, None, [*shown, form.settings["name"], model], **at_once)
    form.preset.input(do.choose, form.preset, chosen, **at_once)
    fresh = [form.settings["name"], form.low_zip, form.high_zip]
    form.start.click(
        do.start, entered, [*shown, *fresh], concurrency_id="train", concurrency_limit=1, **QUIET
    )
    form.stop.click(do.stop, asked, shown, **QUIET)
    view.resume.click(do.resume, asked, shown, concurrency_id="train", **QUIET)
    view.run.input(do.look, asked, shown, **at_once)
    view.timer.tick(do.look, asked, shown, trigger_mode="once", **at_once)
    view.at.input(do.show_samples, [view.run, view.at], view.samples, trigger_mode="always_last", **at_once)
    view.use.click(do.use, view.run, [tabs, model], **QUIET)
