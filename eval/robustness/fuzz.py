"""Damaged and hostile files through what the page does with an upload first: open it, sample it, find its sector.

Each file is read in a child process as the page reads it, with the same limits. A traceback is a fault of the program;
a refusal is not. `python -m eval fuzz --count 10000` takes about an hour on one processor.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from echogan.clips.clip import ClipLimits
from echogan.clips.dicom.header import keep_quiet
from echogan.clips.guard import work
from echogan.clips.guard.guard import request_for
from echogan.clips.guard.messages import Gone, receive
from echogan.core.settings import check_settings, number
from eval.command import begin
from eval.robustness.dicom_inputs import dicom_input
from eval.robustness.file_inputs import file_input
from eval.robustness.seeds import large_still, seed_files

DICOM_SHARE, LARGE_SHARE = 0.5, 0.002
WAIT = 600.0  # seconds; a child has a shorter limit of its own
SAY_EVERY = 100


@dataclass(frozen=True)
class FuzzSettings:
    """How many files, and which."""

    count: int = number(10_000, "files to try", 1)
    seed: int = number(0, "which files: the same for the same seed", 0)
    files: tuple[Path, ...] = field(default=(), metadata={"help": "try these files instead"})
    keep: Path | None = field(default=None, metadata={"help": "folder for the files that lead to a fault"})


@dataclass(frozen=True)
class Outcome:
    """What became of a file: "opened", the name of an error, "ended" (by a limit or a crash), or "fault"."""

    what: str
    detail: str
    seconds: float
    memory: int


def main(settings: FuzzSettings) -> None:
    """Try the files, and print what became of them as JSON."""
    check_settings(settings)
    if settings.files:
        print(json.dumps({path.name: asdict(try_file(path)) for path in settings.files}))
        return
    print(json.dumps(run(settings), indent=1))


def run(settings: FuzzSettings) -> dict[str, Any]:
    """Counts by kind of file and outcome, the faults, and the longest and the largest run."""
    keep_quiet()
    counts: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    slowest = largest = ("", Outcome("", "", 0.0, 0))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        seeds = seed_files(folder, np.random.default_rng(settings.seed))
        for index in range(settings.count):
            kind, data = _input(seeds, np.random.default_rng((settings.seed, index)))
            path = folder / kind
            path.write_bytes(data)
            outcome = try_file(path)
            counts[f"{kind.partition('.')[2]}: {outcome.what}"] += 1
            name = f"{settings.seed}-{index}-{kind}"
            if outcome.what in ("fault", "ended"):
                faults[f"{outcome.what}: {outcome.detail}"] += 1
                if settings.keep is not None:
                    settings.keep.mkdir(parents=True, exist_ok=True)
                    (settings.keep / name).write_bytes(data)
            slowest = max(slowest, (name, outcome), key=lambda one: one[1].seconds)
            largest = max(largest, (name, outcome), key=lambda one: one[1].memory)
            if (index + 1) % SAY_EVERY == 0:
                worst = f"longest {slowest[1].seconds:.1f} s, largest {largest[1].memory >> 20} MB"
                print(
                    f"{index + 1} files, {sum(faults.values())} faults, {worst}", file=sys.stderr, flush=True
                )
    return {
        "count": settings.count,
        "seed": settings.seed,
        "tracebacks": sum(number for what, number in faults.items() if what.startswith("fault")),
        "ended": sum(number for what, number in faults.items() if what.startswith("ended")),
        "longest_s": round(slowest[1].seconds, 2),
        "longest": slowest[0],
        "largest_mb": round(largest[1].memory / 2**20),
        "largest": largest[0],
        "faults": dict(faults),
        "outcomes": dict(sorted(counts.items())),
    }


def _input(seeds: dict[str, bytes], rng: np.random.Generator) -> tuple[str, bytes]:
    if rng.random() < LARGE_SHARE:
        return "large.png", large_still(rng)
    if rng.random() < DICOM_SHARE:
        data = dicom_input(rng)
        return "b.dcm", file_input(data, rng) if rng.random() < 0.2 else data
    kind = str(rng.choice(sorted(seeds)))
    return kind, file_input(seeds[kind], rng)


def try_file(path: Path) -> Outcome:
    """Read the file in a child of this process, which must not have started threads before.

    The outcome has seconds of a processor, and the most memory in bytes.
    """
    mine, its = socket.socketpair()
    child = os.fork()
    if child == 0:
        mine.close()
        work.run(request_for("look", path, ClipLimits()), its)
    its.close()
    what, detail = "ended", ""
    with mine:
        mine.settimeout(WAIT)
        try:
            facts, _ = receive(mine)
            what = facts["error"]["kind"] if "error" in facts else "fault" if "fault" in facts else "opened"
            detail = f"{facts['fault']} at\n{facts['place']}" if what == "fault" else ""
        except (Gone, TimeoutError):
            pass
    _, status, used = os.wait4(child, 0)
    if what == "ended":
        detail = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else "no answer"
    return Outcome(what, detail, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


if __name__ == "__main__":
    begin(main, FuzzSettings)
