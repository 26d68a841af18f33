"""What every tab uses to answer: options of events, the progress bar, a toast for an error, and the log."""

from __future__ import annotations

import errno
import html
import logging
import traceback
from collections.abc import Callable
from typing import Any

import gradio as gr

from echogan.core.errors import Cancelled, EchoGANError, OutputError

FAILED = "Something went wrong inside EchoGANhance; its log says where. Try again, or try another clip."
DISK_FULL = "The server's disk is full. Tell whoever runs the server, or try again later."
DISK_CLOSED = "The server cannot write to its disk. Tell whoever runs the server."
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


def sentence(error: Exception) -> str:
    """What a visitor is told: a user's mistake has its own sentence, and so has a disk; FAILED for a fault of ours."""
    disk = error.__cause__ if isinstance(error, OutputError) else error
    code = disk.errno if isinstance(disk, OSError) else None
    if code in (errno.ENOSPC, errno.EDQUOT):
        return DISK_FULL
    if code in (errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO):
        return DISK_CLOSED
    return str(error) if isinstance(error, EchoGANError) else FAILED


def log_place(error: BaseException) -> None:
    """Log where an error of ours was raised and its type; not its message, which may quote a patient's name."""
    place = "".join(traceback.format_tb(error.__traceback__))
    logging.getLogger("echogan").error("%s at\n%s", type(error).__name__, place)
