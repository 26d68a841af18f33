"""The Train tab's controls: the form of a run that is to begin, and the view of one that has begun."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import gradio as gr
from gradio.components import Component

from echogan.jobs.runs import Runs
from echogan.ui.access import data_folders
from echogan.ui.session import KEEP_SECONDS
from echogan.ui.train import comparison, run_view
from echogan.ui.train.actions_layout import Actions, build_actions, build_undo
from echogan.ui.train.presets import PRESETS
from echogan.ui.train.settings_form import all_settings, build_settings

EVERY = 2.0  # seconds between two updates of a live run


@dataclass(frozen=True)
class RunForm:
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
    check: gr.Button
    stop: gr.Button
    progress: gr.HTML


@dataclass(frozen=True)
class RunView:
    """What shows a run."""

    whole: gr.Column  # hidden while there is no run
    nothing: gr.HTML
    run: gr.Dropdown
    resume: gr.Button
    use: gr.Button
    head: gr.HTML
    check: gr.HTML
    body: gr.Column  # hidden while nothing was trained
    compare: gr.Dropdown
    along: gr.Radio
    charts: gr.HTML
    samples: gr.HTML
    at: gr.Slider
    terms: gr.HTML
    log: gr.HTML
    timer: gr.Timer
    seen: gr.State
    actions: Actions
    token: gr.BrowserState  # of whoever starts runs with this browser; a reload finds it again


def build_form(runs: Runs) -> RunForm:
    """The form, filled in with the first preset. Call inside gr.Blocks."""
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
        rest = build_settings(paths=bool(data_folders()))
    for key, field in rest.items():
        field.value = first[key]  # type: ignore[attr-defined]
    with gr.Row(elem_classes="tr-go"):
        start = gr.Button("Start", variant="primary", elem_id="tr-start")
        check = gr.Button("Check data", elem_id="tr-check-data")
        stop = gr.Button("Stop", interactive=False, elem_id="tr-stop")
    progress = gr.HTML("", apply_default_css=False, js_on_load=None, elem_id="tr-progress")
    return RunForm(
        preset, about, own, low_path, high_path, low_zip, high_zip, main | rest, start, check, stop, progress
    )


def _side(label: str, side: str) -> tuple[gr.Textbox, gr.File]:
    path = gr.Textbox(
        label=label,
        info="A folder in one that the server's owner offers, or a zip of clips",
        placeholder="/data/poor" if side == "low" else "/data/good",
        max_lines=1,
        visible=bool(data_folders()),
        elem_id=f"tr-{side}-path",
    )
    upload = gr.File(
        label=label,
        show_label=not data_folders(),
        file_types=[".zip"],
        height=72,
        elem_id=f"tr-{side}-zip",
        elem_classes="tr-zip",
    )
    return path, upload


def build_view() -> RunView:
    """The view, hidden until there is a run. Call inside gr.Blocks."""
    plain = partial(gr.HTML, apply_default_css=False, js_on_load=None)
    undoing = build_undo()
    nothing = plain(run_view.NOTHING)
    with gr.Column(visible=False, elem_id="tr-view") as whole:
        with gr.Row(elem_classes="tr-top"):
            run = gr.Dropdown([], label="Run", show_label=False, container=False, elem_id="tr-run")
            resume = gr.Button("Resume", visible=False, elem_id="tr-resume")
            use = gr.Button("Use it in Enhance", visible=False, elem_id="tr-use")
        head = plain("", elem_id="tr-head")
        check = plain("", elem_id="tr-checked")
        with gr.Column(elem_id="tr-body") as body:
            with gr.Row(elem_classes="tr-comparing"):
                compare = gr.Dropdown(
                    [],
                    value=[],
                    multiselect=True,
                    max_choices=comparison.MOST - 1,
                    label="Compare with",
                    elem_id="tr-compare",
                )
                along = gr.Radio(
                    comparison.ALONG, value=comparison.ALONG[0], label="Along", elem_id="tr-along"
                )
            with gr.Row(elem_classes="tr-body"):
                with gr.Column(elem_classes="tr-left"):
                    charts = plain("", elem_id="tr-charts")
                with gr.Column(elem_classes="tr-right"):
                    samples = plain("", elem_id="tr-samples")
                    at = gr.Slider(
                        0, 1, value=0, step=1, label="Samples of step", visible=False, elem_id="tr-at"
                    )
            with gr.Accordion("Every term of the losses", open=False, elem_id="tr-terms"):
                terms = plain("")
        actions = build_actions(undoing)
        with gr.Accordion("Log", open=False, elem_id="tr-log"):
            log = plain("")
    timer, seen = gr.Timer(EVERY, active=False), gr.State({}, time_to_live=KEEP_SECONDS)
    # The secret hides nothing: it lets a browser read what it kept before the server was started again.
    token = gr.BrowserState("", storage_key="echogan-train", secret="echogan-train")
    return RunView(
        whole, nothing, run, resume, use, head, check, body, compare, along, charts, samples, at, terms, log, timer,
        seen, actions, token,
    )  # fmt: skip
