"""The Enhance tab's page: one custom HTML component, which fetches all it shows by calls to the server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

HERE = Path(__file__).parent
SCRIPTS = (  # parts first, then what uses them
    *(
        "server",
        "frames",
        "measure",
        "transport",
        "paint",
        "view",
        "flags",
        "card",
        "compare",
        "tools",
        "mmode",
        "list",
        "exports",
        "keys",
    ),
    *("curves", "fan"),
    *("viewer", "marks", "workspace", "controls", "pair", "pointer"),
)


def build_player(elem_id: str, calls: Sequence[Callable[..., Any]]) -> gr.HTML:
    """The player; what is built inside it (`with build_player(...):`) takes the place of @children in its template.

    calls   what its scripts call as server.NAME(dict)

    Not a subclass of gr.HTML: for each of those Gradio writes a .pyi file beside its source.
    """
    return gr.HTML(
        None,
        html_template=(HERE / "player.html").read_text(encoding="utf-8"),
        js_on_load=scripts(),
        apply_default_css=False,
        elem_id=elem_id,
        server_functions=list(calls),
    )


def scripts() -> str:
    """All scripts as the body of one function."""
    return "\n".join((HERE / f"player_{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)


def css() -> str:
    """The style sheet of the player."""
    return (HERE / "player.css").read_text(encoding="utf-8")
