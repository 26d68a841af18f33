"""A section of a report: its text, table and figures, and how numbers are written in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from echogan.study.analysis import figures
from echogan.study.analysis.estimate import Estimate, interval_text
from echogan.study.analysis.item_result import ItemResult


@dataclass(frozen=True)
class Table:
    """`widths` are relative widths of the columns."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[float]


@dataclass(frozen=True)
class Picture:
    """A figure as PNG bytes with its size in inches; `name` is that of its file."""

    name: str
    caption: str
    png: bytes
    size: tuple[float, float]


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it, in this order."""

    title: str
    paragraphs: Sequence[str] = ()
    table: Table | None = None
    pictures: Sequence[Picture] = ()


def picture(name: str, caption: str, figure: Figure) -> Picture:
    width, height = figure.get_size_inches()
    return Picture(name, caption, figures.as_png(figure), (float(width), float(height)))


def change(result: ItemResult, found: Estimate) -> str:
    return percent(found, "+") if result.item.binary else interval_text(found, 2, "+")


def level(result: ItemResult, mean: float) -> str:
    return share(mean) if result.item.binary else f"{mean:.2f}"


def percent(found: Estimate, sign: str = "") -> str:
    return interval_text(found, 1, sign, 100) + ("" if found.value is None else " %")


def share(value: float | None) -> str:
    return "none" if value is None else f"{100 * value:.0f} %"
