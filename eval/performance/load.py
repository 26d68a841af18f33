"""Many visitors of the page at once, with a greedy client beside them, and one visitor's clips one after the other.

    python -m eval load                    writes eval/results/load.json
    python -m eval load --soak 200         so many clips one after the other, too

The app runs as a process of its own, and is asked by plain HTTP what the page asks: send a clip, wait for it, enhance,
ask for news, fetch every tile, export, remove. Exit code 1: the result misses a limit of `judged`.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from echogan.core.settings import number
from eval.command import begin
from eval.paths import RESULTS
from eval.performance.load_clients import Greedy, Seen, Work, take_clips, visit
from eval.performance.machine import machine_facts
from eval.performance.page_client import Page, running_app

RESULT = RESULTS / "load.json"
AT_ONCE = (
    4  # clips of the one visitor whom the throughput is compared with: the device must not wait for its page
)
SETTLE_SECONDS = 50  # until what was sent has left the folder of uploads
LONGEST_STILL = 15.0  # seconds between two answers by which a visitor still knows its place
LEAST_SHARE = 0.8  # of one visitor's throughput
MOST_GROWTH = 1.1  # of the app's memory


@dataclass(frozen=True)
class LoadSettings:
    """How many visitors come, and for how long."""

    visitors: int = number(50, "visitors at once; 0 measures only the soak", 0, 500)
    seconds: int = number(120, "seconds for which they begin new clips", 5, 3600)
    greedy_jobs: int = number(100, "jobs that one client posts beside them", 0, 10_000)
    frames: int = number(8, "frames of each clip", 1, 32)
    soak: int = number(0, "clips one after the other", 0, 10_000)
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})


def main(settings: LoadSettings) -> None:
    """Measure, print, write; exit code 1 where a limit is missed."""
    result = json.loads(settings.out.read_text()) if settings.out.is_file() else {}
    result |= {"machine": machine_facts(), "frames": settings.frames}
    if settings.visitors:
        result["visitors"] = visitors(settings)
    if settings.soak:
        result["soak"] = soak(settings)
    print(json.dumps(result, indent=1))
    settings.out.parent.mkdir(parents=True, exist_ok=True)
    settings.out.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n")
    if missed := judged(result):
        sys.exit("\n".join(missed))


def judged(result: dict[str, Any]) -> list[str]:
    """A sentence for each limit that the result misses."""
    missed = []
    for name, part in ((name, result[name]) for name in ("visitors", "soak") if name in result):
        if part["memory_after_mb"] > MOST_GROWTH * part["memory_before_mb"]:
            missed.append(f"{name}: the app's memory grew by more than a tenth.")
        if part["files_left"] or part["files_after_end"]:
            missed.append(f"{name}: files were left.")
        if part["descriptors_after"] > part["descriptors_before"] + 5:
            missed.append(f"{name}: descriptors were left.")
        if part["refused"]:
            missed.append(f"{name}: {part['refused']} requests were refused.")
    if (part := result.get("visitors")) and part["visitors_served"] < part["visitors"]:
        missed.append("visitors: some were not served.")
    if (part := result.get("visitors")) and part["longest_without_news_s"] > LONGEST_STILL:
        missed.append("visitors: some did not know their place for too long.")
    if (part := result.get("visitors")) and part["throughput_share"] < LEAST_SHARE:
        missed.append("visitors: fewer clips in the same time than of one visitor.")
    return missed


def visitors(settings: LoadSettings) -> dict[str, Any]:
    """One visitor's throughput, then that of all at once, with the app's state before and after."""
    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder, "app")) as (url, app):
        one, work = Seen(), Work(settings.seconds, settings.frames)
        began = time.monotonic()
        visit(url, work, 0, one, AT_ONCE)
        alone = sum(one.served) / (time.monotonic() - began)
        time.sleep(SETTLE_SECONDS)
        before = _state(app)
        many, greedy = Seen(), Greedy(url, work, settings.greedy_jobs)
        began = time.monotonic()
        threads = [
            threading.Thread(target=visit, args=(url, work, which + 1, many))
            for which in range(settings.visitors)
        ]
        for thread in (greedy, *threads):
            thread.start()
        for thread in threads:
            thread.join()
        crowd = (sum(many.served) + greedy.served) / (time.monotonic() - began)
        greedy.leave()
        time.sleep(SETTLE_SECONDS)
        after, left = _state(app), _files(Path(folder, "app"))
        result = {
            "visitors": settings.visitors,
            "seconds": settings.seconds,
            "clips": sum(many.served),
            "visitors_served": sum(clips > 0 for clips in many.served),
            "refused": len(many.refused) + len(one.refused),
            "refused_because": sorted(set(many.refused + one.refused))[:5],
            "wait_median_s": round(statistics.median(many.waits or [0]), 1),
            "wait_longest_s": round(max(many.waits, default=0), 1),
            "longest_without_news_s": round(max(many.stills, default=0), 1),
            "clips_per_s": round(crowd, 3),
            "clips_per_s_of_one": round(alone, 3),
            "throughput_share": round(crowd / max(alone, 1e-9), 2),
            "greedy_accepted": greedy.accepted,
            "greedy_refused": greedy.refused,
            "greedy_served": greedy.served,
        }
    return result | _grown(before, after, left) | {"files_after_end": _files(Path(folder, "app"))}


def soak(settings: LoadSettings) -> dict[str, Any]:
    """Clips of one visitor, one after the other; the app's state after the first tenth and at the end."""
    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder, "app")) as (url, app):
        seen, page, states = Seen(), Page(url), []
        began = time.monotonic()
        for index in range(settings.soak):
            take_clips(page, settings.frames, [index], seen)
            states.append(_state(app))
        seconds = time.monotonic() - began
        time.sleep(SETTLE_SECONDS)
        left = _files(Path(folder, "app"))
        fifth = max(1, settings.soak // 5)
        first, last = states[fifth : 2 * fifth] or states, states[-fifth:]
        before, after = (tuple(map(statistics.median, zip(*part, strict=True))) for part in (first, last))
        result = {
            "clips": settings.soak,
            "refused": len(seen.refused),
            "clips_per_s": settings.soak / seconds,
        }
    return result | _grown(before, after, left) | {"files_after_end": _files(Path(folder, "app"))}


def _state(app: psutil.Process) -> tuple[float, float]:
    """The app's resident memory in MB and its open descriptors."""
    return app.memory_info().rss / 1e6, float(app.num_fds())


def _grown(before: tuple[float, ...], after: tuple[float, ...], left: int) -> dict[str, Any]:
    return {
        "memory_before_mb": round(before[0]),
        "memory_after_mb": round(after[0]),
        "descriptors_before": round(before[1]),
        "descriptors_after": round(after[1]),
        "files_left": left,
    }


def _files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


if __name__ == "__main__":
    begin(main, LoadSettings)
