"""Several runs in one chart, a curve each, and the time of training along the axis instead of steps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from echogan.core.scale import GREY
from echogan.jobs.job import Job
from echogan.ui.train.charts import Chart, Series, draw
from echogan.ui.train.run_charts import held_out_charts, main_charts, measured_of, ticks_of

ALONG = ("Steps", "Time")
MOST = 6  # runs in a chart: as many colours can be told apart
UNITS = ((3 * 3600.0, 3600.0, " h"), (180.0, 60.0, " min"), (0.0, 1.0, " s"))  # from so many seconds on
COMPARED = {  # key of a tick -> title, factor, unit, whether on a log axis
    "generators": ("Loss of the generators", 1.0, "", True),
    "discriminators": ("Loss of the discriminators", 1.0, "", True),
    "right_high": ("Discriminator is right, good side", 100.0, " %", False),
    "change_low": ("Change made by the enhancer", GREY, "", False),
}


def charts(jobs: Sequence[Job], along: str) -> str:
    """The main curves of one run, or of several with a curve each; `along` is one of ALONG."""
    runs = {job.name: list(job.lines()) for job in jobs[:MOST]}
    unit = ""
    if along == "Time":
        runs = {name: timed(lines) for name, lines in runs.items()}
        longest = max((line["step"] for lines in runs.values() for line in lines), default=0.0)
        one, unit = next((one, unit) for least, one, unit in UNITS if longest >= least)
        runs = {name: [line | {"step": line["step"] / one} for line in lines] for name, lines in runs.items()}
    found = _one(*runs.values()) if len(runs) == 1 else compared(runs)
    last = max((line["step"] for lines in runs.values() for line in lines), default=0)
    return f'<div class="tr-charts">{"".join(draw(chart, last, unit) for chart in found)}</div>'


def _one(lines: list[dict[str, Any]]) -> list[Chart]:
    losses, discriminators, change = main_charts(ticks_of(lines))
    return [losses, discriminators, *held_out_charts(measured_of(lines)), change]


def compared(runs: dict[str, list[dict[str, Any]]]) -> list[Chart]:
    """A chart for each quantity that is compared, with the curve of each run that has it."""
    out = []
    for key, (title, factor, unit, log) in COMPARED.items():
        curves = []
        for colour, (name, lines) in enumerate(runs.items()):
            found = [
                (line["step"], factor * line[key]) for line in ticks_of(lines) if _is_number(line.get(key))
            ]
            curves.append(Series(name, [s for s, _ in found], [v for _, v in found], colour, smooth=True))
        out.append(Chart(title, curves, unit, log, digits=0 if unit else 3 if log else 1))
    measures = [held_out_charts(measured_of(lines)) for lines in runs.values()]
    for title in dict.fromkeys(chart.title for found in measures for chart in found):
        curves = [
            Series(name, curve.steps, curve.values, colour, dots=True)
            for colour, (name, found) in enumerate(zip(runs, measures, strict=True))
            for chart in found
            if chart.title == title
            for curve in chart.series[:1]  # of the output; the input may be another one in each run
        ]
        first = next(chart for found in measures for chart in found if chart.title == title)
        out.insert(-2, Chart(title, curves, first.unit, digits=first.digits))
    return out


def timed(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines with the seconds of training until then as their step: pauses and measurements do not count."""
    ticks, at = ticks_of(lines), {0: 0.0}
    for before, tick in pairwise([{"step": 0}, *ticks]):
        at[tick["step"]] = at[before["step"]] + tick["seconds_per_step"] * (tick["step"] - before["step"])
    known = sorted(at)
    return [line | {"step": at[max(step for step in known if step <= line["step"])]} for line in lines]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
