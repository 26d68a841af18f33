"""What the page is told of the maps: how each is painted and what it misses, and its curve."""

from __future__ import annotations

from typing import Any

from echogan.enhance.tile_layout import FLAG_PARTS, FLAGGED_PART, HIDDEN_PART, TileLayout
from echogan.trust.flagged import FLAGGED
from echogan.trust.hidden_walls import HIDDEN_WALLS
from echogan.trust.map_styles import MAP_STYLES, MapLook


def map_details(layout: TileLayout) -> list[dict[str, Any]]:
    """All maps that stand in a result's tiles, in the order in which they are shown."""
    looks = {name: MAP_STYLES[name] for name in layout.maps} | (
        {FLAGGED_PART: FLAGGED, HIDDEN_PART: HIDDEN_WALLS} if layout.flagged else {}
    )
    return [map_detail(name, look, layout.place(name)) for name, look in looks.items()]


def map_detail(name: str, look: MapLook, place: tuple[int, int, int, int]) -> dict[str, Any]:
    """One map; `place` is (x, y, width, height) in the tile of its stream."""
    return {
        "name": name,
        "label": look.label,
        "title": look.title[:1].upper() + look.title[1:],
        "hint": f"{look.shows} {look.misses}",
        "misses": look.misses,
        "unit": look.unit,
        "low": look.low,
        "high": look.high,
        "ends": list(look.ends or (f"{look.low:g}", f"{look.high:g}")),
        "signed": look.signed,
        "follows_strength": look.follows_strength,
        "solid_at": look.solid_at,
        "legend": look.legend(),
        "colors": look.table()[0].round().astype(int).tolist(),
        "tile": list(place),
        "stream": "flags" if name in FLAG_PARTS else "maps",
    }


def curve_detail(name: str, values: list[float]) -> dict[str, Any]:
    """A map's curve: one number a frame."""
    style = MAP_STYLES[name]
    words = {"name": name, "label": style.label, "color": style.line, "dashed": style.dashed}
    rounded = [round(float(value), 3) for value in values]
    return {**words, "values": rounded, "follows_strength": style.follows_strength}
