"""What long commands share on a terminal: a progress bar, and Ctrl-C that ends the work cleanly."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from echogan.core.errors import OutputError

LINE_EVERY = 5.0  # seconds
ASKING = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def progress_bar(name: str, unit: str = "frame", lines: bool = False) -> Iterator:
    """A progress(done, total) callback that draws a bar on a terminal; elsewhere nothing, or now and then a line."""
    from tqdm import tqdm

    with tqdm(desc=name, unit=unit, disable=None, leave=False) as bar:
        printed = time.monotonic()

        def progress(done: int, total: int) -> None:
            nonlocal printed
            bar.total = total
            bar.update(done - bar.n)
            if lines and bar.disable and (time.monotonic() - printed > LINE_EVERY or done == total):
                printed = time.monotonic()
                print(f"{name}: {done} of {total} {unit}s", file=sys.stderr, flush=True)

        yield progress


@contextlib.contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C or SIGTERM sets: the work ends between two batches. A second one interrupts."""
    cancel = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield cancel
        return

    def stop(number, frame) -> None:
        cancel.set()
        for number in ASKING:
            signal.signal(number, signal.default_int_handler)

    before = {number: signal.signal(number, stop) for number in ASKING}
    try:
        yield cancel
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def make_folder(folder: Path) -> None:
    """Make a folder for outputs, its parents too. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {folder} cannot be made ({error.strerror}). Choose another.") from None
