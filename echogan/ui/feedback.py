"""What tabs of Gradio components use to answer: options of events, the progress bar, a toast for an error."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import gradio as gr

from echogan.core.errors import Cancelled, EchoGANError
from echogan.ui.error_words import log_place, sentence

QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def progress_bar(text: str, done: int, total: int) -> str:
    """The bar under the button as HTML: a text, and how much of `total` is done."""
    percent = round(100 * done / total) if total else 0
    return (
        f'<div class="eg-progress" role="progressbar" aria-label="Enhancing" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}"><span>{html.escape(text)}</span>'
        f'<div class="eg-track"><i style="width:{percent}%"></i></div></div>'
    )


def show_error(error: Exception, title: str, show: Callable[..., None] = gr.Warning) -> None:
    """Show an error as a toast, a user's with its own sentence; cancelling shows nothing. Log a fault of ours."""
    if isinstance(error, Cancelled):
        return
    if not isinstance(error, EchoGANError):
        log_place(error)
    # A toast renders HTML, and Gradio 6 shows no title in it.
    show(f"<b>{title}</b>{html.escape(sentence(error))}", title=title, duration=15)
