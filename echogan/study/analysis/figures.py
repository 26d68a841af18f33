"""The figures of a study. Scales are fixed by the item, never by the data, and labelled; simulated data are marked."""

from __future__ import annotations

import io
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from echogan.study.analysis.dwell import SHARES, TENTHS, Dwell
from echogan.study.analysis.estimate import Estimate, interval_text
from echogan.study.analysis.item_result import ItemResult
from echogan.study.analysis.planner import PowerPoint
from echogan.study.analysis.tables import ARMS

SIMULATED = "SIMULATED RATINGS: not read by anybody"
ORIGINAL, ENHANCED = "#e69f00", "#0072b2"  # Okabe and Ito: told apart by colour-blind readers too
GREY = "#666666"


def likert(items: Sequence[ItemResult], simulated: bool) -> Figure:
    """How often each level was given, in percent: a bar for each arm of each item."""
    figure, axes = _figure(7.2, 0.9 + 0.72 * len(items), simulated)
    colours = matplotlib.colormaps["RdYlBu"]
    for row, result in enumerate(reversed(items)):
        for a, arm in enumerate(ARMS):
            counts = np.array(result.counts[arm], float)
            if not counts.sum():
                continue
            place, left = 2.4 * row + 1 - a, 0.0
            for i, share in enumerate(100 * counts / counts.sum()):
                colour = colours(0.08 + 0.84 * i / (len(counts) - 1))
                axes.barh(place, share, left=left, color=colour, edgecolor="white", height=0.9)
                if share >= 4:
                    dark = abs(i / (len(counts) - 1) - 0.5) < 0.35
                    level = str(result.item.levels[i]) if not result.item.binary else ("no", "yes")[i]
                    colour = "black" if dark else "white"
                    axes.text(
                        left + share / 2, place, level, ha="center", va="center", fontsize=8, color=colour
                    )
                left += share
            axes.text(101, place, f"n = {counts.sum():.0f}", va="center", fontsize=8, color=GREY)
    places = [2.4 * row + 1 - a for row in range(len(items)) for a in range(2)]
    names = [f"{r.item.label}, {arm}" if arm == "original" else arm for r in reversed(items) for arm in ARMS]
    axes.set_yticks(places, names, fontsize=8)
    axes.set(xlim=(0, 100), xlabel="share of ratings [%]; the level is in the bar, low is poor")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure


def forest(result: ItemResult, simulated: bool) -> Figure:
    """Each reader's difference over patients, and the difference over readers and patients."""
    rows = [*result.readers.items(), ("All readers", result.difference)]
    figure, axes = _figure(6.4, 1.3 + 0.3 * len(rows), simulated)
    limit = _limit(result)
    for place, (name, found) in enumerate(reversed(rows)):
        if found.value is None:
            axes.text(0, place, "no rating in both arms", ha="center", va="center", fontsize=8, color=GREY)
            continue
        whole = name == "All readers"
        colour = ENHANCED if whole else GREY
        if found.low is not None and found.high is not None:
            axes.plot([found.low, found.high], [place, place], color=colour, lw=2.2 if whole else 1.4)
        axes.plot(
            np.clip(found.value, -limit, limit),
            place,
            "D" if whole else "o",
            color=colour,
            ms=7 if whole else 5,
        )
        text = _difference_text(found, result.item.binary)
        beside = axes.get_yaxis_transform()
        axes.text(
            1.02, place, text, transform=beside, va="center", fontsize=8, weight="bold" if whole else "normal"
        )
    axes.axvline(0, color="black", lw=0.8)
    axes.axhline(0.5, color=GREY, lw=0.5)
    axes.set_yticks(range(len(rows)), [name for name, _ in reversed(rows)])
    unit = "share of yes" if result.item.binary else "points"
    axes.set(xlim=(-limit, limit), ylim=(-0.6, len(rows) - 0.4))
    axes.set_xlabel(
        f"{result.item.label}, enhanced minus original [{unit}]\n← original better      enhanced better →"
    )
    axes.grid(axis="x", alpha=0.3)
    return figure


def vgc(items: Sequence[ItemResult], simulated: bool) -> Figure:
    """The VGC curves of the items with more than two levels, and their areas."""
    figure, axes = _figure(4.6, 4.3, simulated)
    axes.plot([0, 1], [0, 1], color=GREY, lw=0.8, ls="--", label="no difference: 0.50")
    shown_items = [r for r in items if not r.item.binary and r.vgc.value is not None]
    for i, result in enumerate(shown_items):
        original, enhanced = result.vgc_curve
        area = f"{result.item.label}: {interval_text(result.vgc)}"
        width, colour = (2.2, ENHANCED) if i == 0 else (1.1, f"C{i}")
        axes.plot(original, enhanced, marker="o", ms=1.5 * width + 1, lw=width, color=colour, label=area)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set(
        xlabel="share of original clips rated at least so", ylabel="share of enhanced clips rated at least so"
    )
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7.5, loc="lower right", title="area [95 % interval]", title_fontsize=8)
    return figure


def slopes(result: ItemResult, simulated: bool) -> Figure:
    """Each patient's mean over readers, original to enhanced."""
    figure, axes = _figure(4.2, 4.2, simulated)
    ends = np.array([pair for pair in result.patients.values() if None not in pair], float).reshape(-1, 2)
    gains = ends[:, 1] - ends[:, 0]
    for pair, gain in zip(ends, gains, strict=True):
        colour = ENHANCED if gain > 0 else ORIGINAL if gain < 0 else GREY
        axes.plot([0, 1], pair, color=colour, alpha=0.55, lw=1.1, marker="o", ms=3)
    if len(ends):
        axes.plot([0, 1], ends.mean(0), color="black", lw=3, marker="o", ms=6, label="mean of patients")
        axes.legend(fontsize=8, loc="upper left")
    low, high = result.item.low, result.item.high
    margin = 0.03 * (high - low)
    axes.set(
        xlim=(-0.2, 1.2), ylim=(low - margin, high + margin), ylabel=f"{result.item.label}, mean over readers"
    )
    axes.set_xticks([0, 1], ARMS)
    axes.set_xlabel(f"{(gains > 0).sum()} of {len(ends)} patients higher, {(gains < 0).sum()} lower")
    axes.grid(axis="y", alpha=0.3)
    return figure


def agreement(result: ItemResult, simulated: bool) -> Figure:
    """Quadratic weighted kappa of each pair of readers."""
    readers = result.agreement.readers
    size = 1.6 + 0.36 * len(readers)
    figure, axes = _figure(size + 1.9, size, simulated)
    kappa = np.array(result.agreement.kappa, float).reshape(len(readers), len(readers))
    np.fill_diagonal(kappa, np.nan)
    image = axes.imshow(kappa, cmap="RdBu", vmin=-1, vmax=1)
    for row, column in np.argwhere(~np.isnan(kappa)):
        value = kappa[row, column]
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=7,
                  color="white" if abs(value) > 0.6 else "black")  # fmt: skip
    axes.set_xticks(range(len(readers)), readers, rotation=90 if len(readers) > 8 else 0)
    axes.set_yticks(range(len(readers)), readers)
    figure.colorbar(image, ax=axes, label="quadratic kappa")
    return figure


def dwell(found: Dwell, simulated: bool) -> Figure:
    """The share of ratings that took at most so long, by arm; each reader's median in the course of a session."""
    figure = _blank(7.2, 3.2, simulated)
    left, right = figure.subplots(1, 2)
    colours = {"original": ORIGINAL, "enhanced": ENHANCED}
    for arm, times in found.quantiles.items():
        left.plot(times, 100 * SHARES, color=colours.get(arm, GREY), lw=1.8, label=arm)
    left.set(xlim=(0, None), ylim=(0, 100), xlabel="seconds", ylabel="ratings done [%]")
    left.legend(fontsize=8, loc="lower right")
    lines = np.array(list(found.course.values()), float)
    middles = 100 * (np.arange(TENTHS) + 0.5) / TENTHS
    for line in lines:
        right.plot(middles, line, color=GREY, lw=0.8, alpha=0.6)
    read = ~np.isnan(lines).all(0)
    right.plot(
        middles[read],
        np.nanmedian(lines[:, read], 0),
        color="black",
        lw=2.2,
        marker="o",
        ms=4,
        label="median of readers",
    )
    right.set(
        xlim=(0, 100), ylim=(0, None), xlabel="course of a session [%]", ylabel="median seconds for a rating"
    )
    right.legend(fontsize=8, loc="lower left")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    return figure


def power_curve(points: Sequence[PowerPoint], simulated: bool = False) -> Figure:
    """The power by patients, a line for each number of readers."""
    figure, axes = _figure(5.6, 4.2, simulated)
    for i, readers in enumerate(sorted({point.readers for point in points})):
        line = sorted((p for p in points if p.readers == readers), key=lambda point: point.patients)
        patients = [point.patients for point in line]
        axes.errorbar(patients, [point.power for point in line], [1.96 * point.se for point in line],
                      marker="o", ms=4, lw=1.5, capsize=2, color=f"C{i}", label=f"{readers} readers")  # fmt: skip
    axes.axhline(0.8, color=GREY, lw=0.8, ls="--")
    axes.set(ylim=(0, 1), xlim=(0, None), xlabel="patients", ylabel="power (p < 0.05)")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, title=f"gain of {points[0].gain:.2f} points", title_fontsize=8, loc="lower right")
    return figure


def _limit(result: ItemResult) -> float:
    """The end of the axis of differences: half of the scale, or all of it where an interval is wider."""
    span = float(result.item.high - result.item.low)
    found = [result.difference, *result.readers.values()]
    ends = [
        abs(end)
        for estimate in found
        for end in (estimate.value, estimate.low, estimate.high)
        if end is not None
    ]
    return span / 2 if max(ends, default=0.0) <= span / 2 else span


def _difference_text(found: Estimate, share: bool) -> str:
    return interval_text(found, 1, "+", 100) + " %" if share else interval_text(found, 2, "+")


def as_png(figure: Figure, dpi: int = 180) -> bytes:
    """The figure as PNG bytes, without the date and the program, so that equal data give equal bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def _figure(width: float, height: float, simulated: bool) -> tuple[Figure, Axes]:
    """The same with one pair of axes."""
    figure = _blank(width, height, simulated)
    return figure, figure.add_subplot()


def _blank(width: float, height: float, simulated: bool) -> Figure:
    """A white figure in inches, marked where the ratings are simulated."""
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    if simulated:
        figure.suptitle(SIMULATED, fontsize=8, color="#b00020", weight="bold")
    return figure
