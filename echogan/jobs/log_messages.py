"""Turn the end of a run's log into a message for the user."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

BEGINS = "--- "  # starts the line that we write before each start of a process
TAIL_BYTES = 64 << 10
KILLED = (
    "The run ended without a message: the system ended it, probably because memory was full, or the machine was "
    "restarted. Resume it, or start a new run with smaller frames, a smaller batch or a narrower network."
)
NO_MEMORY = (
    "The memory did not suffice. Start a new run with smaller frames, a smaller batch or a narrower network."
)
NO_SPACE = "The disk is full. Free some space, then resume the run."
CAUSES = (
    (r"out of memory|MemoryError|can't allocate memory|not enough memory|std::bad_alloc", NO_MEMORY),
    (r"^The memory did not suffice\.", NO_MEMORY),
    (r"No space left on device", NO_SPACE),
    (
        r"^A process that renders clips was ended|worker .*killed|BrokenProcessPool|worker .*exited unexpectedly",
        KILLED,
    ),
)
CURATING = re.compile(r"curate: (\d+ of \d+ files)")
CHECKING = re.compile(r"step (\d+)/(\d+): .* told right")
PLAIN_PROGRESS = re.compile(r"step \d+/\d+ |held out: |Run folder: |curate: |note: |(low|high|semireal):|  ")
EXCEPTION = re.compile(r"^(?:[\w.]+\.)?(\w+(?:Error|Exception|Exit|Interrupt|Warning))\b:? ?")


def preparing(lines: Sequence[str]) -> str:
    """How many of the user's clips are curated, as "5 of 8 files", if that is the log's last line; else empty."""
    found = CURATING.fullmatch(lines[-1]) if lines else None
    return found[1] if found else ""


def checking(lines: Sequence[str]) -> str:
    """How far the data check is, as "80 of 240 steps", if the log's last line says it; else empty."""
    found = CHECKING.fullmatch(lines[-1]) if lines else None
    return f"{found[1]} of {found[2]} steps" if found else ""


def tail(path: Path, lines: int = 40) -> list[str]:
    """The last lines of the log since the last start, without those that a progress bar overwrote."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    shown = [line.rstrip("\r").rpartition("\r")[2].rstrip() for line in text.split("\n")]
    shown = [line for line in shown if line]
    starts = [number for number, line in enumerate(shown) if line.startswith(BEGINS)]
    return shown[starts[-1] if starts else 0 :][-lines:]


def why_it_failed(path: Path) -> str:
    """One or two sentences on why a run ended early."""
    lines = [line for line in tail(path, 400) if not line.startswith(BEGINS)]
    for pattern, sentence in CAUSES:
        if any(re.search(pattern, line) for line in lines[-60:]):
            return sentence
    if not lines or PLAIN_PROGRESS.match(lines[-1]):
        return KILLED
    if any(line.startswith("Traceback (most recent call last)") for line in lines):
        kinds = [found[1] for line in lines if (found := EXCEPTION.match(line))]
        kind = f" ({kinds[-1]})" if kinds else ""
        return f"Something went wrong inside the training{kind}. The end of the log says where; resume it to try again."
    # The training prints a user's mistake as its last line: one sentence with the remedy.
    return lines[-1] if lines[-1].endswith((".", "!", "?")) else KILLED
