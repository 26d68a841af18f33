"""Curves of a run as small SVG charts: drawn on the server, sharp at any width, with words as text."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from matplotlib.ticker import LogLocator, MaxNLocator

MOST_POINTS = 300
SMOOTHING = 0.85  # share of the past in the smoothed curve
MARGIN = 0.06  # of the range, free above and below

Along = Callable[[float], float]  # a step or a value, to percent of the plot


@dataclass(frozen=True)
class Series:
    """One curve. `reference` draws it thin and dashed; `dots` marks each point, for few and exact ones."""

    label: str
    steps: Sequence[float]
    values: Sequence[float]
    colour: int = 0
    smooth: bool = False
    reference: bool = False
    dots: bool = False


@dataclass(frozen=True)
class Chart:
    """A title, its curves, and how their values read. `log` for losses, which fall over decades."""

    title: str
    series: Sequence[Series]
    unit: str = ""
    log: bool = False
    low: float | None = None  # fixed ends of the axis, where the quantity has them
    high: float | None = None
    hint: str = ""
    digits: int = 2
    marks: Sequence[tuple[float, float]] = ()  # points that stand out


def draw(chart: Chart, last: float = 0, unit: str = "") -> str:
    """The chart as HTML, its steps from 0 to `last` or to the last point; one without a point says so.

    `unit` is that of the steps where they are times.
    """
    if any(value < 0 for series in chart.series for value in series.values):
        chart = replace(chart, log=False)  # the hinge loss has no lower end
    curves = [(series, *clean(series, chart.log)) for series in chart.series]
    curves = [(series, steps, values) for series, steps, values in curves if steps]
    title = f"<figcaption><b>{html.escape(chart.title)}</b>{keys(chart, curves)}</figcaption>"
    if not curves:
        return f'<figure class="tr-chart">{title}<p class="tr-none">Nothing measured yet</p></figure>'
    last = max(last, *(steps[-1] for _, steps, _ in curves), 1e-3 if unit else 1)
    low, high = extent([v for _, _, values in curves for v in values], chart)
    ticks = log_ticks(low, high) if chart.log else even_ticks(low, high)

    def across(step: float) -> float:
        return 100 * step / last

    def down(value: float) -> float:
        a, b, v = (math.log10(x) for x in (low, high, value)) if chart.log else (low, high, value)
        return 100 * (b - v) / (b - a)

    steps_at = [t for t in even_ticks(0, last) if unit or t == int(t)]
    marks = [(across(step), down(value)) for step, value in chart.marks]
    grid = "".join(f'<path class="tr-grid" d="M0 {down(t):.2f}H100"/>' for t in ticks)
    lines = "".join(curve(series, steps, values, across, down) for series, steps, values in curves)
    dots = "".join(dot(x, y, 9, "tr-mark") for x, y in marks)
    rows = "".join(
        f'<span class="tr-y" style="top:{down(t):.2f}%">{label}</span>'
        for t, label in zip(ticks, labels(ticks), strict=True)
    )
    units = [unit if t == steps_at[-1] else "" for t in steps_at]
    columns = "".join(
        f'<span class="tr-x" style="left:{across(t):.2f}%">{step_label(t)}{of}</span>'
        for t, of in zip(steps_at, units, strict=True)
    )
    ends = "; ".join(f"{series.label} {values[-1]:.3g}" for series, _, values in curves)
    svg = (
        f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" '
        f'aria-label="{html.escape(f"{chart.title}: {ends}")}">{grid}{lines}{dots}</svg>'
    )
    hint = f'<p class="tr-hint">{html.escape(chart.hint)}</p>' if chart.hint else ""
    return f'<figure class="tr-chart">{title}<div class="tr-plot">{svg}{rows}{columns}</div>{hint}</figure>'


def keys(chart: Chart, curves: list[tuple[Series, list[float], list[float]]]) -> str:
    """The legend: each curve's name with its last value."""
    out = []
    for series, _, values in curves:
        kind = "tr-key tr-ref" if series.reference else "tr-key"
        value = f"{values[-1]:.{chart.digits}f}{chart.unit}"
        out.append(
            f'<span class="{kind} tr-c{series.colour}">{html.escape(series.label)} <i>{value}</i></span>'
        )
    return f'<span class="tr-keys">{"".join(out)}</span>'


def clean(series: Series, log: bool) -> tuple[list[float], list[float]]:
    """Finite (and for a log axis positive) points, smoothed where asked for, thinned to what a screen can show."""
    pairs = [
        (step, float(value))
        for step, value in zip(series.steps, series.values, strict=True)
        if math.isfinite(value) and (value > 0 or not log)
    ]
    values = smoothed([value for _, value in pairs], log) if series.smooth else [value for _, value in pairs]
    every = max(1, -(-len(pairs) // MOST_POINTS))
    keep = sorted({*range(0, len(pairs), every), len(pairs) - 1} - {-1})
    return [pairs[k][0] for k in keep], [values[k] for k in keep]


def smoothed(values: Sequence[float], log: bool) -> list[float]:
    """An exponential mean without the pull of its start (as Adam's); over logarithms on a log axis."""
    out, mean, weight = [], 0.0, 0.0
    for value in values:
        mean = SMOOTHING * mean + (1 - SMOOTHING) * (math.log(value) if log else value)
        weight = SMOOTHING * weight + (1 - SMOOTHING)
        out.append(math.exp(mean / weight) if log else mean / weight)
    return out


def extent(values: list[float], chart: Chart) -> tuple[float, float]:
    """The axis' ends: all values with a margin, or the chart's own."""
    low, high = min(values), max(values)
    if chart.log:
        spread = max((high / low) ** MARGIN, 1.15)
        low, high = low / spread, high * spread
    else:
        spread = max((high - low) * MARGIN, 1e-3 * max(1.0, abs(high)))
        low, high = low - spread, high + spread
    return (chart.low if chart.low is not None else low), (chart.high if chart.high is not None else high)


def even_ticks(low: float, high: float, most: int = 4) -> list[float]:
    """At most `most` + 1 round numbers within the ends."""
    return within(low, high, MaxNLocator(most, steps=[1, 2, 5, 10]).tick_values(low, high))


def log_ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 of each decade within the ends; only decades where there are many; even ones in a narrow range."""
    for parts in ((1, 2, 5), (1,)):
        ticks = within(low, high, LogLocator(subs=parts, numticks=6).tick_values(low, high))
        if 2 <= len(ticks) <= 6:
            return ticks
    return [tick for tick in even_ticks(low, high, 3) if tick > 0]


def within(low: float, high: float, ticks: Iterable[float]) -> list[float]:
    """The ticks between the ends, both included; matplotlib's go one beyond each."""
    rounded = (float(f"{tick:.12g}") for tick in ticks)
    return [tick for tick in rounded if low <= tick <= high]


def curve(series: Series, steps: list[float], values: list[float], across: Along, down: Along) -> str:
    """The polyline, its dots, and a single dot where there is one point only."""
    points = [(across(step), down(value)) for step, value in zip(steps, values, strict=True)]
    kind = f"tr-line tr-c{series.colour}" + (" tr-ref" if series.reference else "")
    if series.reference:  # what is compared with holds from end to end
        points = [(0.0, points[0][1]), *points, (100.0, points[-1][1])]
    line = f'<polyline class="{kind}" points="{" ".join(f"{x:.2f},{y:.2f}" for x, y in points)}"/>'
    if (series.dots and len(points) <= 60) or (len(points) == 1 and not series.reference):
        line += "".join(dot(x, y, 5, f"tr-c{series.colour}") for x, y in points)
    return line


def dot(x: float, y: float, width: int, kind: str) -> str:
    """A round dot, though the picture is stretched: a line of no length with round ends."""
    return f'<path class="tr-dot {kind}" d="M{x:.2f} {y:.2f}h0" stroke-width="{width}"/>'


def step_label(step: float) -> str:
    """A step, or a time that need not be whole."""
    return f"{step:,.0f}" if step == int(step) else f"{step:g}"


def labels(ticks: Sequence[float]) -> list[str]:
    """The ticks as text, with as many digits as tell them apart."""
    for digits in range(3, 9):
        found = [f"{tick:,.0f}" if abs(tick) >= 1000 else f"{tick:.{digits}g}" for tick in ticks]
        if len(set(found)) == len(found):
            break
    return found
