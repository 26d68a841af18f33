"""The controls of what may be done with a run: download, publish, delete, and undo."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from echogan.ui.session import KEEP_SECONDS


@dataclass(frozen=True)
class Actions:
    """The controls; `whole` is hidden from those who may not act."""

    whole: gr.Accordion
    download: gr.Button
    save: gr.DownloadButton
    repo: gr.Textbox
    license: gr.Textbox
    hub_token: gr.Textbox
    public: gr.Checkbox
    publish: gr.Button
    published: gr.HTML
    delete: gr.Button
    question: gr.HTML
    sure: gr.Row
    yes: gr.Button
    no: gr.Button
    undoing: gr.Row
    told: gr.HTML
    undo: gr.Button
    deleted: gr.State  # the place in the trash of the run that was deleted last


def forget_answers(actions: Actions) -> dict[Any, Any]:
    """What the controls show of a run that nothing was asked of yet."""
    return no_question(actions) | {
        actions.save: gr.DownloadButton(visible=False),
        actions.published: "",
    }


def no_question(actions: Actions) -> dict[Any, Any]:
    """The question whether to delete a run, taken back."""
    return {
        actions.question: "",
        actions.sure: gr.Row(visible=False),
        actions.delete: gr.Button(visible=True),
    }


def build_undo() -> tuple[gr.Row, gr.HTML, gr.Button]:
    """The line that says what was deleted, with its button. It stays when no run is left. Call inside gr.Blocks."""
    with gr.Row(visible=False, elem_id="tr-undoing") as row:
        told = gr.HTML("", apply_default_css=False, js_on_load=None)
        undo = gr.Button("Undo", elem_id="tr-undo", scale=0)
    return row, told, undo


def build_actions(undoing: tuple[gr.Row, gr.HTML, gr.Button]) -> Actions:
    """The accordion. Call inside gr.Blocks."""
    plain = partial(gr.HTML, apply_default_css=False, js_on_load=None)
    with gr.Accordion(
        "Download, publish or delete",
        open=False,
        visible=False,
        elem_id="tr-actions",
        elem_classes="tr-actions",
    ) as whole:
        with gr.Row(elem_classes="tr-act"):
            download = gr.Button("Download the network as zip", elem_id="tr-download", scale=0)
            save = gr.DownloadButton("Save", visible=False, elem_id="tr-save", scale=0)
        with gr.Column(elem_id="tr-publishing"):
            with gr.Row(elem_classes="tr-fields"):
                repo = gr.Textbox(
                    label="On the Hugging Face Hub as", placeholder="user/model", elem_id="tr-repo"
                )
                license = gr.Textbox(
                    label="Licence, if clips were your own",
                    placeholder="CC-BY-NC-SA-4.0",
                    elem_id="tr-license",
                )
                hub_token = gr.Textbox(
                    label="Token that may write",
                    placeholder="empty: that in HF_TOKEN",
                    type="password",
                    autofocus=False,
                    elem_id="tr-hub-token",
                )
            with gr.Row(elem_classes="tr-act"):
                publish = gr.Button("Publish", elem_id="tr-publish", scale=0)
                public = gr.Checkbox(
                    False, label="Everybody may see it", elem_id="tr-public", container=False
                )
            published = plain("", elem_id="tr-published")
        with gr.Row(elem_classes="tr-act", elem_id="tr-deleting"):
            delete = gr.Button("Delete the run", elem_id="tr-delete", scale=0)
            question = plain("")
            with gr.Row(visible=False, elem_classes="tr-sure") as sure:
                yes = gr.Button("Delete", variant="stop", elem_id="tr-yes", scale=0)
                no = gr.Button("Keep", elem_id="tr-no", scale=0)
    row, told, undo = undoing
    deleted = gr.State("", time_to_live=KEEP_SECONDS)
    return Actions(
        whole, download, save, repo, license, hub_token, public, publish, published, delete, question, sure, yes, no,
        row, told, undo, deleted,
    )  # fmt: skip
