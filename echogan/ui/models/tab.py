"""The Models tab: what can be chosen, with hash, size and licence; the card of each; removal from the cache."""

from __future__ import annotations

import html
from typing import Any

import gradio as gr

from echogan.core.errors import SettingsError
from echogan.model.checkpoints.hub_cache import remove_cached
from echogan.ui import access
from echogan.ui.enhance.model_choice import ModelChoices
from echogan.ui.feedback import QUIET, show_error
from echogan.ui.models.model_facts import ModelFacts, list_models

HEADINGS = ("Model", "From", "Trained on", "Licence of the weights", "Calibrated", "Size", "SHA-256")
ORIGIN = {"bundled": "bundled", "added": "a run on this machine", "cached": "the Hugging Face Hub, cached"}
NO_CARD = "*This model has no card.*"
ABOUT = (
    "A calibrated model flags where its result was probably changed wrongly. Other models of the Hugging Face Hub are "
    "named on the Enhance tab, as user/model@revision; once used they are listed here. "
    "There, two models can be compared side by side on the same clip."
)


def build_models_tab(tab: gr.Tab, models: ModelChoices) -> None:
    """Lay the tab out and wire it. Call inside the tab, which lists its models anew whenever it is shown."""
    do = ModelsTab(models)
    with gr.Column(elem_classes="eg-about eg-models"):
        gr.HTML(f"<h2>Models</h2><p>{ABOUT}</p>", apply_default_css=False, js_on_load=None)
        table = gr.HTML("", apply_default_css=False, js_on_load=None, elem_id="eg-models-table")
        chosen = gr.Dropdown([], label="Card of", interactive=True, elem_id="eg-models-chosen")
        remove = gr.Button("Remove from the cache", visible=False, elem_id="eg-models-remove")
        card = gr.Markdown(elem_id="eg-models-card")
    shown = [table, chosen, card, remove]
    tab.select(do.show, chosen, shown, **QUIET)
    chosen.input(do.choose, chosen, [card, remove], **QUIET)
    remove.click(do.remove, chosen, shown, **QUIET)


class ModelsTab:
    """What the tab shows, and what its button does."""

    def __init__(self, models: ModelChoices) -> None:
        self.models = models

    def show(self, name: str | None) -> tuple[Any, ...]:
        """The table, the choice, the card of the chosen model and whether it can be removed."""
        found = {facts.name: facts for facts in list_models(self.models)}
        name = name if name in found else next(iter(found), None)
        chosen = gr.Dropdown(choices=list(found), value=name)
        return (table_html(list(found.values())), chosen, *_card(found.get(name or "")))

    def choose(self, name: str | None) -> tuple[Any, ...]:
        """The card of another model, and whether it can be removed."""
        return _card(next((facts for facts in list_models(self.models) if facts.name == name), None))

    def remove(self, name: str | None) -> tuple[Any, ...]:
        """Remove a model from the cache; an error becomes a toast."""
        try:
            if not access.own_machine():
                raise SettingsError("Models are removed by whoever runs this server.")
            remove_cached(name or "")
        except Exception as error:
            show_error(error, "Not removed. ")
        return self.show(name)


def _card(facts: ModelFacts | None) -> tuple[str, Any]:
    """The card of a model, and its button."""
    removable = facts is not None and facts.kind == "cached" and access.own_machine()
    card = NO_CARD if facts is None else facts.card() or _elsewhere(facts)
    return card, gr.Button(visible=removable)


def _elsewhere(facts: ModelFacts) -> str:
    """Where the card of a model is that lies here without it: only networks are fetched from the Hub."""
    return (
        f"Its card is at huggingface.co/{facts.name.partition('@')[0]}."
        if facts.kind == "cached"
        else NO_CARD
    )


def table_html(found: list[ModelFacts]) -> str:
    """The table, a line for each model."""
    head = "".join(f"<th>{heading}</th>" for heading in HEADINGS)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(map(_row, found))}</tbody></table>"


def _row(facts: ModelFacts) -> str:
    cells = (
        html.escape(facts.name),
        ORIGIN[facts.kind],
        facts.trained_on,
        html.escape(facts.license),
        "yes" if facts.calibrated else "no",
        f"{facts.size / 1e6:.1f} MB",
        f'<code title="{facts.sha256}">{facts.sha256[:12]}</code>',
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
