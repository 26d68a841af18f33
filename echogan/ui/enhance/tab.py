"""The Enhance tab: the player, which calls the server itself, and in it the choice of model."""

from __future__ import annotations

import gradio as gr

from echogan.ui.enhance.calls import server_functions
from echogan.ui.enhance.workplace import Workplace
from echogan.ui.player.player import build_player


def build_enhance_tab(place: Workplace) -> gr.Dropdown:
    """Lay the tab out; the choice of model, for tabs that offer one. Call inside a gr.Blocks."""
    with build_player("eg-player", server_functions(place)):
        return gr.Dropdown(
            place.models.names(),
            value=place.models.first,
            label="Model",
            info="From the list, or user/model@revision",
            allow_custom_value=True,
            interactive=True,  # no event reads it: the page sends its text
            elem_id="eg-model",
        )
