"""The Enhance tab's controls, at the left of the player."""

from __future__ import annotations

import html
from dataclasses import dataclass

import gradio as gr

from echogan.enhance.enhancer import EnhanceSettings
from echogan.ui.enhance.examples import EXAMPLES
from echogan.ui.enhance.model_choice import NONE_BUNDLED

STRENGTH = EnhanceSettings.__dataclass_fields__["strength"].metadata


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


def build_rail(names: list[str]) -> Rail:
    """The controls, with the models of those names to choose from. Call inside gr.Blocks."""
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
    blackout = gr.Checkbox(label="Black out everything outside the sector", elem_id="eg-blackout")
    with gr.Row(elem_id="eg-go"):
        run = gr.Button("Enhance", variant="primary", interactive=False, elem_id="eg-run")
        stop = gr.Button("Stop", interactive=False, elem_id="eg-stop")
    message = "" if names else f'<p class="eg-message">{html.escape(NONE_BUNDLED)}</p>'
    progress = gr.HTML(message, apply_default_css=False, js_on_load=None, elem_id="eg-progress")
    return Rail(upload, examples, model, strength, blackout, run, stop, progress)
