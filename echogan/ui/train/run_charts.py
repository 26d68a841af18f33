"""The curves of a run, from its metrics.jsonl: losses, held-out measures, and the single terms of the losses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from echogan.core.scale import GREY
from echogan.jobs.job import Job
from echogan.ui.train.charts import Chart, Series, draw

IN_MAIN_CHARTS = frozenset(
    {"generators", "discriminators", "right_high", "right_low", "change_low", "change_high"}
)
NOT_LOSSES = frozenset({"step", "learning_rate", "seconds_per_step", "held_out"})


def best_of(lines: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The measurement that the trainer kept the checkpoint of: the highest score, or PSNR where there is none."""

    def score(line: dict[str, Any]) -> float:
        found = line["held_out"].get("score", line["held_out"].get("psnr_output"))
        return found if isinstance(found, int | float) and math.isfinite(found) else -math.inf

    return max(lines, key=score, default=None)


def ticks_of(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl with losses."""
    return [line for line in lines if "seconds_per_step" in line]


def measured_of(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines with held-out measures."""
    return [line for line in lines if isinstance(line.get("held_out"), dict)]


def main_charts(lines: Sequence[dict[str, Any]]) -> list[Chart]:
    """The charts of what every line with losses has."""

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
    lines = ticks_of(job.lines())
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
