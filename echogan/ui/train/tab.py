"""The Train tab: where to begin, a few settings, and the run as it goes, also after a reload or a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from echogan.jobs.runs import Runs
from echogan.ui import access
from echogan.ui.enhance.model_choice import ModelChoices
from echogan.ui.feedback import QUIET
from echogan.ui.session import Sessions
from echogan.ui.train.handlers import TrainHandlers
from echogan.ui.train.layout import RunForm, RunView, build_form, build_view

SWITCHED_OFF = (
    "Training is switched off on this shared server. Run EchoGANhance on a machine of your own, or ask the host to "
    "start it with ECHOGAN_TRAIN=1 and a login, ECHOGAN_AUTH (docs/hosting.md)."
)


def css() -> str:
    """The style sheet of the tab."""
    return Path(__file__).with_name("train.css").read_text(encoding="utf-8")


def build_train_tab(
    page: gr.Blocks, tabs: gr.Tabs, model: gr.Dropdown, sessions: Sessions, models: ModelChoices, runs: Runs
) -> None:
    """Lay the tab out and wire it. `tabs` and `model`, the Enhance tab's choice, are for "Use it in Enhance"."""
    if not access.training_allowed():
        gr.HTML(f'<p class="eg-message tr-off">{SWITCHED_OFF}</p>', apply_default_css=False, js_on_load=None)
        return
    with gr.Row(elem_classes="tr-layout"):
        with gr.Column(elem_classes="tr-rail", scale=0):
            form = build_form(runs)
        with gr.Column(elem_classes="tr-viewer"):
            view = build_view()
    handlers = TrainHandlers(
        runs, sessions, models, form, view, model, access.data_folders(), access.own_machine()
    )
    _wire(page, handlers, form, view, tabs, model)


def _wire(
    page: gr.Blocks, do: TrainHandlers, form: RunForm, view: RunView, tabs: gr.Tabs, model: gr.Dropdown
) -> None:
    run = [
        view.whole,
        view.nothing,
        view.run,
        view.resume,
        view.use,
        view.head,
        view.check,
        view.body,
        view.compare,
        view.charts,
        view.terms,
        view.log,
    ]
    shown = [*run, view.samples, view.at, view.timer, view.seen, form.stop, form.progress]
    acts = view.actions
    shown += [acts.whole, acts.download, acts.save, acts.publish, acts.published]
    shown += [acts.delete, acts.question, acts.sure]
    asked = [view.run, view.at, view.seen, view.token, view.compare, view.along]
    at_once: dict[str, Any] = QUIET | {"queue": False}
    entered = [
        view.token,
        form.preset,
        form.low_path,
        form.high_path,
        form.low_zip,
        form.high_zip,
        *form.settings.values(),
    ]
    chosen = [form.about, form.own, *form.settings.values()]
    page.load(do.arrive, view.token, [*shown, form.settings["name"], model], **at_once)
    form.preset.input(do.choose, form.preset, chosen, **at_once)
    fresh = [form.settings["name"], form.low_zip, form.high_zip]
    form.start.click(
        do.start, entered, [*shown, *fresh, view.token], concurrency_id="train", concurrency_limit=1, **QUIET
    )
    form.check.click(
        do.check, entered, [*shown, *fresh, view.token], concurrency_id="train", concurrency_limit=1, **QUIET
    )
    form.stop.click(do.stop, asked, shown, **QUIET)
    view.resume.click(do.resume, asked, shown, concurrency_id="train", **QUIET)
    view.run.input(do.refresh, asked, shown, **at_once)
    for field in (view.compare, view.along):
        field.input(do.refresh, asked, shown, trigger_mode="always_last", **at_once)
    view.timer.tick(do.refresh, asked, shown, trigger_mode="once", **at_once)
    view.at.input(
        do.show_samples, [view.run, view.at, view.token], view.samples, trigger_mode="always_last", **at_once
    )
    view.use.click(do.use, [view.run, view.token], [tabs, model], **QUIET)
    _wire_actions(do, view, shown, [form.settings["name"], model])


def _wire_actions(do: TrainHandlers, view: RunView, shown: list[Any], around: list[Any]) -> None:
    acts, run = view.actions, [view.run, view.token]
    question = [acts.question, acts.sure, acts.delete]
    undone = [acts.deleted, acts.told, acts.undoing]
    acts.download.click(do.acts.download, run, acts.save, **QUIET)
    typed = [*run, acts.repo, acts.license, acts.public, acts.hub_token]
    acts.publish.click(
        do.acts.publish,
        typed,
        [acts.hub_token, acts.published],
        api_visibility="private",
        show_progress="full",
    )
    acts.delete.click(do.acts.ask, run, question, **QUIET)
    acts.no.click(do.acts.keep, None, question, **QUIET)
    acts.yes.click(do.delete, run, [*shown, *around, *undone], **QUIET)
    acts.undo.click(do.undo, [acts.deleted, view.token], [*shown, *undone], **QUIET)
