"""The Enhance tab: controls at the left, the player beside them, and which control calls which handler."""

from __future__ import annotations

from functools import partial

import gradio as gr

from echogan.ui.enhance.examples import EXAMPLES
from echogan.ui.enhance.handlers import EnhanceHandlers, open_example, take_fan
from echogan.ui.enhance.layout import build_rail
from echogan.ui.enhance.model_choice import ModelChoices
from echogan.ui.feedback import GPU, QUIET
from echogan.ui.player.player import build_player
from echogan.ui.session import KEEP_SECONDS, Sessions


def build_enhance_tab(sessions: Sessions, models: ModelChoices) -> gr.Dropdown:
    """Lay the tab out and wire it; the choice of model, for tabs that offer one. Call inside a gr.Blocks."""
    fan = gr.State(None, time_to_live=KEEP_SECONDS)
    with gr.Row(elem_id="eg-layout"):
        with gr.Column(elem_id="eg-rail", scale=0):
            rail = build_rail(models.names())
        with gr.Column(elem_id="eg-viewer"):
            player = build_player("eg-player")
    ticket = gr.State(None, time_to_live=KEEP_SECONDS)
    handlers = EnhanceHandlers(sessions, models, rail, player, fan, ticket)
    for button, example in zip(rail.examples, EXAMPLES, strict=True):
        button.click(partial(open_example, example), outputs=rail.upload, concurrency_id="examples", **QUIET)
    opened = [player, rail.blackout, rail.run, rail.stop, rail.progress, fan]
    rail.upload.change(
        handlers.opened, rail.upload, opened, concurrency_id="open", concurrency_limit=2, **QUIET
    )
    rail.blackout.input(
        handlers.blackout_changed, [rail.upload, rail.blackout, fan], player, concurrency_id="open", **QUIET
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
