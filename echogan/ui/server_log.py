"""What the server prints: where an error was raised and its kind, never its message, which may quote what was sent."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
import warnings
from types import SimpleNamespace
from typing import Any

from gradio import queueing, route_utils, routes

from echogan.ui.error_words import log_place

OWN = "echogan"  # our own lines quote nothing


def leave_messages_out() -> None:
    """From now on this process prints no message of an exception, a warning or a library. Call once, at the start."""
    logging.setLogRecordFactory(_record)
    threading.excepthook = lambda raised: _log(raised.exc_value)
    sys.unraisablehook = lambda raised: _log(raised.exc_value)
    warnings.showwarning = _show_warning
    for module in (
        queueing,
        routes,
        route_utils,
    ):  # Gradio prints an exception whole, and has no switch for that
        vars(module)["traceback"] = SimpleNamespace(
            **vars(traceback) | {"print_exc": lambda *_, **__: _log(sys.exception())}
        )


def _log(error: BaseException | None) -> None:
    if error is not None:
        log_place(error)


def _record(
    name: str,
    level: int,
    path: str,
    line: int,
    message: object,
    values: Any,
    raised: Any,
    *rest: Any,
    **more: Any,
) -> logging.LogRecord:
    """A line of the log: of a library only where it comes from, of an exception its kind and place."""
    if name != OWN:
        message, values = f"{name} at {path}:{line} (its message is left out)", ()
    record = logging.LogRecord(name, level, path, line, message, values, None, *rest, **more)
    if raised and raised[1] is not None:
        _log(raised[1])
    return record


def _show_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any
) -> None:
    logging.getLogger(OWN).warning("%s at %s:%d", category.__name__, filename, lineno)
