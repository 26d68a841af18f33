"""The Studies tab, for whoever runs reader studies on this machine: one component, which calls `Administration`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from echogan.core.errors import EchoGANError
from echogan.ui import access
from echogan.ui.error_words import log_place, sentence
from echogan.ui.session import app_folder
from echogan.ui.study.administration import Administration, Sent, acts
from echogan.ui.study.making import Making
from echogan.ui.study.studies import Studies

HERE = Path(__file__).parent / "admin"
SCRIPTS = ("admin_parts", "admin_readers", "admin")  # parts first, then what uses them
SWITCHED_OFF = (
    "Reader studies are run on the machine of whoever leads them. On this shared server the host can turn them on with "
    "ECHOGAN_STUDY=1 and a login, ECHOGAN_AUTH (docs/hosting.md). Readers need only their links."
)


def build_studies_tab(studies: Studies, making: Making | None = None) -> None:
    """Lay the tab out. Call inside a gr.Blocks."""
    if not access.studies_allowed():
        gr.HTML(f'<p class="eg-message st-off">{SWITCHED_OFF}</p>', apply_default_css=False, js_on_load=None)
        return
    administration = Administration(
        studies, access.data_folders, lambda: app_folder("studies"), making or Making()
    )
    gr.HTML(
        None,
        html_template=(HERE / "admin.html").read_text(encoding="utf-8"),
        js_on_load=scripts(),
        apply_default_css=False,
        elem_id="st-tab",
        server_functions=[_call(name, act) for name, act in acts(administration).items()],
    )


def scripts() -> str:
    """All scripts as the body of one function."""
    return "\n".join((HERE / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)


def css() -> str:
    """The style sheet of the tab."""
    return (HERE / "admin.css").read_text(encoding="utf-8")


def _call(name: str, act: Callable[[Sent], Any]) -> Callable[[Any], dict[str, Any]]:
    """The call server.NAME(dict) of the page; a mistake is answered with {"error": sentence}."""

    def call(data: Any) -> dict[str, Any]:
        try:
            return act(data if isinstance(data, dict) else {})
        except Exception as error:
            if not isinstance(error, EchoGANError):
                log_place(error)
            return {"error": sentence(error)}

    call.__name__ = f"study_{name}"
    return call
