"""What the page is told of the flags of a result: thresholds, regions in words, numbers with the original kept."""

from __future__ import annotations

from typing import Any

from echogan.clips.clip import ClipFile
from echogan.enhance.flags import Flags
from echogan.enhance.tile_layout import FLAGGED_PART, HIDDEN_PART, KEPT_PART, TileLayout
from echogan.trust.flagged import FLAGGED
from echogan.trust.regions import HIDDEN, Region
from echogan.ui.enhance.clip_entry import ClipResult

NOT_CALIBRATED = "This network has no calibration: the page cannot flag what it may have removed or added."


def flag_details(shown: ClipResult, clip: ClipFile) -> dict[str, Any] | None:
    """All of it; None without a calibration. Regions and numbers come when the flags are complete."""
    if shown.thresholds is None:
        return None
    amber, red = shown.thresholds
    stored = shown.stored
    found = stored.flags if stored else None
    return {
        "label": FLAGGED.label,
        "part": FLAGGED_PART,
        "amber": amber,
        "red": red,
        "kept_tile": list(shown.layout.place(KEPT_PART)),
        "ended": found is not None,
        **(
            _found(found, shown.layout, clip) if found else {"regions": [], "mean_change": None, "curves": {}}
        ),
    }


def _found(flags: Flags, layout: TileLayout, clip: ClipFile) -> dict[str, Any]:
    weaker = {name: [round(v, 3) for v in curve] for name, curve in flags.report.per_frame.items()}
    return {
        "regions": [region_detail(region, layout, clip) for region in flags.regions],
        "mean_change": flags.report.diagnostics["difference"]["mean"],
        "curves": weaker,
    }


def region_detail(region: Region, layout: TileLayout, clip: ClipFile) -> dict[str, Any]:
    """A region in words, with the frame and the box (left, top, right, bottom) in the clip's pixels to go to."""
    left, top, right, bottom = layout.box
    down, across = (bottom - top) / layout.map_size[0], (right - left) / layout.map_size[1]
    y0, x0, y1, x1 = region.box
    return {
        "kind": region.kind.split()[0],
        "map": HIDDEN_PART if region.kind == HIDDEN else FLAGGED_PART,
        "over": _threshold(region),
        "title": f"{region.kind.capitalize()}, {region.depth} {region.side}",
        "text": " · ".join(
            filter(None, (_frames(region, clip), _area(region, down * across, clip), _lasts(region)))
        ),
        "red": region.red,
        "frame": region.frame,
        "box": [left + x0 * across, top + y0 * down, left + x1 * across, top + y1 * down],
    }


def _threshold(region: Region) -> str:
    if region.kind == HIDDEN:
        return "More probable than not"
    return f"Over the {'red' if region.red else 'amber'} threshold"


def _frames(region: Region, clip: ClipFile) -> str:
    if clip.frames == 1:
        return ""
    if region.first == region.last:
        return f"frame {region.first + 1}"
    return f"frames {region.first + 1} to {region.last + 1}"


def _area(region: Region, share: float, clip: ClipFile) -> str:
    """`share` is a pixel of the working space in pixels of the clip."""
    pixels = region.pixels * share
    if clip.spacing_mm is None:
        return f"{pixels:.0f} px"
    return f"{pixels * clip.spacing_mm[0] * clip.spacing_mm[1]:.0f} mm²"


def _lasts(region: Region) -> str:
    return "" if region.persistent is None else "persistent" if region.persistent else "flickering"
