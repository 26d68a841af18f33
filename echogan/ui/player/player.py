"""The synchronised player: one custom HTML component, and the value that fills it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData

from echogan.core.geometry import Fan

HERE = Path(__file__).parent
SCRIPTS = ("player_curves.js", "player_fan.js", "player.js")


@dataclass(frozen=True)
class MapView:
    """One map clip with its fixed scale from `low` to `high`; `colors` are CSS colours from end to end.

    label   on its button; `title` beside its scale; `hint` says what it shows and misses
    """

    path: Path
    label: str
    title: str
    hint: str
    unit: str
    low: float
    high: float
    colors: Sequence[str]


@dataclass(frozen=True)
class CurveView:
    """One mean per frame in grey levels; `color` is a CSS colour."""

    label: str
    values: Sequence[float]
    color: str
    dashed: bool = False


@dataclass(frozen=True)
class Download:
    """A file to save: what the link says, the neutral name it is saved under, and a hint."""

    path: Path
    label: str
    hint: str


@dataclass(frozen=True)
class PlayerValue:
    """Everything the player shows. mode "preview" has only the still and the sector; "result" has all.

    given   whether the visitor drew the fan
    box     of a rectangular sector: left, top, right, bottom in pixels, ends exclusive
    starts  when each frame starts, seconds, and the end of the last: frames + 1 numbers; None at a constant rate
    curves_title, curves_unit  over the curves: what their values are, and their unit alone where that is too long
    badge   (name, shown, full text for the tooltip)
    """

    mode: str
    still: Path
    frames: int
    width: int
    height: int
    fps: float | None
    sector_note: str
    unsure: bool
    fan: Fan | None
    given: bool = False
    box: tuple[int, int, int, int] | None = None
    starts: Sequence[float] | None = None
    media: dict[str, Path] = field(default_factory=dict)
    maps: Sequence[MapView] = ()
    curves: Sequence[CurveView] = ()
    curves_title: str = ""
    curves_unit: str = ""
    badge: Sequence[tuple[str, str, str]] = ()
    downloads: Sequence[Download] = ()
    notes: Sequence[str] = ()
    caveat: str = ""


def build_player(elem_id: str) -> gr.HTML:
    """The player, empty; give it `as_json(value)`. Its `sector` event carries the fan that the user drew.

    Not a subclass of gr.HTML: for each of those Gradio writes a .pyi file beside its source.
    """
    return gr.HTML(
        None,
        html_template=(HERE / "player.html").read_text(encoding="utf-8"),
        js_on_load="\n".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS),
        apply_default_css=False,
        elem_id=elem_id,
    )


def css() -> str:
    """The style sheet of the player."""
    return (HERE / "player.css").read_text(encoding="utf-8")


def as_json(value: PlayerValue) -> dict[str, Any]:
    """What player.js reads. Gradio turns every FileData in it into a link that only its holder knows."""
    fan = value.fan
    return {
        "mode": value.mode,
        "still": _file(value.still),
        "frames": value.frames,
        "width": value.width,
        "height": value.height,
        "fps": value.fps,
        "starts": None if value.starts is None else [round(float(s), 5) for s in value.starts],
        "sector": {
            "note": value.sector_note,
            "unsure": value.unsure,
            "fan": fan and [*fan.apex, fan.left_deg, fan.right_deg, fan.r_min, fan.r_max, fan.aspect],
            "given": value.given,
            "box": value.box and list(value.box),
        },
        "media": {name: _file(path) for name, path in value.media.items()},
        "maps": [_map(m) for m in value.maps],
        "curves": [_curve(c) for c in value.curves],
        "curves_title": value.curves_title,
        "curves_unit": value.curves_unit,
        "badge": [list(row) for row in value.badge],
        "downloads": [
            {
                "label": d.label,
                "hint": d.hint,
                "name": d.path.name,
                "size": _size(d.path),
                "file": _file(d.path),
            }
            for d in value.downloads
        ],
        "notes": list(value.notes),
        "caveat": value.caveat,
    }


def _map(m: MapView) -> dict[str, Any]:
    words = {"label": m.label, "title": m.title, "hint": m.hint, "unit": m.unit}
    return {**words, "min": m.low, "max": m.high, "colors": list(m.colors), "file": _file(m.path)}


def _curve(c: CurveView) -> dict[str, Any]:
    values = [round(float(v), 3) for v in c.values]
    return {"label": c.label, "values": values, "color": c.color, "dashed": c.dashed}


def _file(path: Path) -> dict[str, Any]:
    return FileData(path=str(path), orig_name=path.name).model_dump()


def _size(path: Path) -> str:
    size = path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1e3))} kB"
