"""What a run looks like on the page: its state in words, its curves, its samples and the end of its log, as HTML."""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from PIL import Image

from echogan.core.scale import GREY
from echogan.jobs.job import Job, Status
from echogan.trust.map_styles import MAP_STYLES, MapPainter
from echogan.ui.train.charts import Chart, Series, draw

LARGEST_SAMPLE = 256  # px: what a cell can show
ROWS = 4
# Each row of the samples from left to right, as the arrays of a preview are named.
COLUMNS = {
    "poor": "Poor",
    "enhanced": "Enhanced",
    "change": "Change",
    "cycled": "Back to poor",
    "clean": "Truth",
}
STATES = {
    "empty": "Nothing here yet",
    "starting": "Starting",
    "running": "Training",
    "stopping": "Stopping",
    "stopped": "Stopped",
    "finished": "Finished",
    "failed": "Failed",
}
NOTHING = """<div class="tr-empty"><p class="eg-empty-title">No run yet</p>
<p>Choose where to begin and press Start. Losses, held-out measures and samples appear here as they come;
the run goes on when you close the page.</p></div>"""
IN_MAIN_CHARTS = frozenset(
    {"generators", "discriminators", "right_high", "right_low", "change_low", "change_high"}
)
NOT_LOSSES = frozenset({"step", "learning_rate", "seconds_per_step", "held_out"})


def head(job: Job, status: Status) -> str:
    """State, step, speed and time left in words, and how far the run is."""
    percent = round(100 * status.step / status.steps) if status.steps else 0
    best = best_words(job)
    more = f'<p class="tr-best">{html.escape(best)}</p>' if best else ""
    return (
        f'<div class="tr-head" data-state="{status.state}" data-step="{status.step}">'
        f'<p class="tr-state"><b>{STATES[status.state]}</b> <span>{html.escape(words(status))}</span></p>'
        f'<div class="eg-track" role="progressbar" aria-label="Training" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}"><i style="width:{percent}%"></i></div>{more}</div>'
    )


def words(status: Status) -> str:
    """The state as a sentence for a reader who does not know the files."""
    at = f"step {status.step:,} of {status.steps:,}"
    if status.state == "starting" and status.message:
        return f"Your clips are being looked at: {status.message}."
    if status.state == "starting":
        return "The first clips are being prepared. The first numbers come in a minute or two; many clips take longer."
    if status.state == "running":
        speed = "" if status.seconds_per_step is None else f", {seconds(status.seconds_per_step)} a step"
        left = "" if status.seconds_left is None else f", {duration(status.seconds_left)} left"
        return f"{at.capitalize()}{speed}{left}."
    if status.state == "stopping":
        return f"{at.capitalize()}. It ends after the current step, and saves."
    if status.state == "stopped":
        return f"At {at}. Resume goes on from where it was saved, exactly as if it had never stopped."
    if status.state == "finished":
        return f"All {status.steps:,} steps are done." if status.step >= status.steps else status.message
    if status.state == "failed":
        return f"At {at}. {status.message}" if status.step else status.message
    return "This run has not begun."


def best_words(job: Job) -> str:
    """The best held-out measures so far, in a sentence; empty before the first."""
    line = best_of(measured(job))
    if line is None:
        return ""
    told = []
    for name, unit, digits in (("psnr", " dB", 2), ("ssim", "", 3)):
        after, before = (line["held_out"].get(f"{name}_{side}") for side in ("output", "input"))
        if isinstance(after, float) and isinstance(before, float):
            told.append(
                f"{name.upper()} {after:.{digits}f}{unit} ({after - before:+.{digits}f} against the input)"
            )
    return f"Best on held-out clips at step {line['step']:,}: {', '.join(told)}." if told else ""


def best_of(lines: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The measurement that the trainer kept the checkpoint of: the highest score, or PSNR where there is none."""

    def score(line: dict[str, Any]) -> float:
        found = line["held_out"].get("score", line["held_out"].get("psnr_output"))
        return found if isinstance(found, int | float) and math.isfinite(found) else -math.inf

    return max(lines, key=score, default=None)


def ticks(job: Job) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl with losses."""
    return [line for line in job.lines() if "seconds_per_step" in line]


def measured(job: Job) -> list[dict[str, Any]]:
    """The lines with held-out measures."""
    return [line for line in job.lines() if isinstance(line.get("held_out"), dict)]


def seconds(value: float) -> str:
    """A short time."""
    return f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


def duration(value: float) -> str:
    """A time as a clock on the wall would say it."""
    if value < 90:
        return f"{max(1, round(value)):d} s"
    minutes = round(value / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes < 2880 else f"{minutes / 1440:.1f} days"


def charts(job: Job) -> str:
    """The main curves: losses, held-out quality, how often the discriminators are right, how much is changed."""
    losses, discriminators, change = main_charts(ticks(job))
    found = (losses, discriminators, *held_out_charts(measured(job)), change)
    last = max((line["step"] for line in job.lines()), default=0)
    return f'<div class="tr-charts">{"".join(draw(chart, last) for chart in found)}</div>'


def main_charts(lines: Sequence[dict[str, Any]]) -> list[Chart]:
    """The charts of what every tick tells."""

    def series(key: str, label: str, colour: int, scale: float = 1.0, smooth: bool = True) -> Series:
        found = [(line["step"], line[key]) for line in lines if isinstance(line.get(key), int | float)]
        return Series(label, [s for s, _ in found], [v * scale for _, v in found], colour, smooth)

    return [
        Chart(
            "Losses",
            [series("generators", "generators", 0), series("discriminators", "discriminators", 1)],
            log=True,
        ),
        Chart(
            "Discriminators are right",
            [
                series("right_high", "good side", 0, 100),
                series("right_low", "poor side", 1, 100),
            ],
            unit=" %",
            low=0,
            high=100,
            digits=0,
            hint="At 50 % they cannot tell real frames from translated ones.",
        ),
        Chart(
            "Change made by the enhancer",
            [series("change_low", "poor frames", 0, GREY), series("change_high", "good frames", 1, GREY)],
            digits=1,
            hint="Grey levels. It should move poor frames, and leave good ones alone.",
        ),
    ]


def held_out_charts(lines: Sequence[dict[str, Any]]) -> list[Chart]:
    """A chart for each measure that has a value for the output; PSNR is always there."""
    keys, best = (lines[0]["held_out"] if lines else ()), best_of(lines)
    out = []
    for name in [key.removesuffix("_output") for key in keys if key.endswith("_output")] or ["psnr"]:
        steps, values, before = [], [], []
        for line in lines:
            value = line["held_out"].get(f"{name}_output")
            if isinstance(value, int | float):
                steps.append(line["step"])
                values.append(value)
                before.append(line["held_out"].get(f"{name}_input", float("nan")))
        unit, digits = (" dB", 2) if name.startswith("psnr") else ("", 3)
        curves = [
            Series("enhanced", steps, values, 0, dots=True),
            Series("input", steps, before, 2, reference=True),
        ]
        title = f"Held out: {name.upper() if len(name) < 5 else name.replace('_', ' ')}"
        marked = [(s, v) for s, v in zip(steps, values, strict=True) if best and s == best["step"]]
        out.append(Chart(title, curves, unit=unit, digits=digits, marks=marked))
    return out


def terms(job: Job) -> str:
    """Every other number of the ticks: the single terms of the losses."""
    lines = ticks(job)
    keys = [key for key in (lines[-1] if lines else {}) if key not in IN_MAIN_CHARTS | NOT_LOSSES]
    out = []
    for stem in dict.fromkeys(key.removesuffix("_high").removesuffix("_low") for key in keys):
        curves = []
        for colour, key in enumerate(k for k in (f"{stem}_high", f"{stem}_low", stem) if k in keys):
            found = [(t["step"], t[key]) for t in lines if isinstance(t.get(key), int | float)]
            label = {"high": "good side", "low": "poor side"}.get(key.rpartition("_")[2], "")
            curves.append(
                Series(label, [s for s, _ in found], [v for _, v in found], colour % 3, smooth=True)
            )
        out.append(draw(Chart(stem.replace("_", " ").capitalize(), curves, log=True, digits=3)))
    return f'<div class="tr-charts tr-terms">{"".join(out)}</div>'


NO_SAMPLES = """<div class="tr-samples"><p class="tr-title"><b>Samples</b></p><p class="tr-none tr-tall">
Held-out frames, poor and enhanced, appear here as the networks learn</p></div>"""


def samples(path: Path, step: int) -> str:
    """The frames of a preview: one frame a row, from the poor one to the truth."""
    try:
        with np.load(path) as file:
            found = {name: file[name] for name in COLUMNS if name in file.files}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return ""
    if "poor" in found and "enhanced" in found:
        found["change"] = painted_change(found["poor"], found["enhanced"])
    names = [name for name in COLUMNS if name in found]
    if not names:
        return ""
    heads = "".join(f"<span class='tr-{name}'>{COLUMNS[name]}</span>" for name in names)
    cells = "".join(
        f'<img class="tr-{name}" alt="{COLUMNS[name]}, frame {row + 1}" src="{as_png(found[name][row])}">'
        for row in range(min(ROWS, len(found[names[0]])))
        for name in names
    )
    style = MAP_STYLES["difference"]
    scale = (
        f'<p class="tr-hint"><span class="tr-scale"><i>{style.low:g}</i><b style="background:linear-gradient(90deg,'
        f'{",".join(style.legend())})"></b><i>+{style.high:g}</i></span> Change in grey levels. '
        "No frame here was trained on.</p>"
    )
    return (
        f'<div class="tr-samples" data-step="{step}" style="--columns:{len(names)}"><p class="tr-title"><b>Samples</b> '
        f"step {step:,}</p><div class='tr-grid-of'>{heads}{cells}</div>{scale}</div>"
    )


def painted_change(poor: np.ndarray, enhanced: np.ndarray) -> np.ndarray:
    """Enhanced minus poor, uint8 (n, h, w, 3), in the player's colours over the dimmed frame."""
    painter = MapPainter(MAP_STYLES["difference"])
    everywhere = np.ones(poor.shape[1:], bool)
    return np.stack(
        [painter.paint(a, b.astype(np.float32) - a, everywhere) for a, b in zip(poor, enhanced, strict=True)]
    )


def as_png(frame: np.ndarray) -> str:
    """A frame, uint8 (h, w) or (h, w, 3), as a data URL: no file of it is left anywhere."""
    image = Image.fromarray(np.ascontiguousarray(frame))
    image.thumbnail((LARGEST_SAMPLE, LARGEST_SAMPLE))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def log(lines: Sequence[str]) -> str:
    """The end of the log."""
    return f'<pre class="tr-log" tabindex="0">{html.escape(chr(10).join(lines)) or "Empty so far."}</pre>'
