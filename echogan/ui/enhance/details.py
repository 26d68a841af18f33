"""What the page is told of a clip, as plain dictionaries: a line in the list, and everything about the one shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from itertools import accumulate
from typing import Any

from echogan.clips.clip import ClipFile
from echogan.clips.sector.sector_confidence import CHECK_BELOW
from echogan.core.geometry import Sector
from echogan.trust.map_styles import CAVEAT
from echogan.trust.residuals import UNIT
from echogan.ui.enhance.card_details import card_details
from echogan.ui.enhance.clip_entry import ClipEntry, ClipResult, ClipSector, Export, Stream
from echogan.ui.enhance.exporting import choices
from echogan.ui.enhance.fair_queue import Job, Place
from echogan.ui.enhance.flag_details import NOT_CALIBRATED, flag_details
from echogan.ui.enhance.map_details import curve_detail, map_details
from echogan.ui.enhance.result_numbers import result_numbers

NOT_CHECKED = "The trust card of this result was not made: the work was stopped. Press Enhance again for it."
STALE = "The sector was changed after this result was made. Press Enhance to renew it."


def summary(entry: ClipEntry, places: Mapping[Job, Place]) -> dict[str, Any]:
    """A clip's line in the list, with that of its second result; `places` in the queue are by their jobs."""
    opened, shown, job = entry.opened, entry.shown, entry.job
    place = None if job is None or job.running else places.get(job)
    clip = opened.clip if opened else None
    seconds = None if place is None or place.seconds is None else round(place.seconds, 1)
    return {
        "id": entry.id,
        "name": entry.name,
        "state": entry.state,
        "error": entry.refused or entry.failed,
        "thumb": str(opened.thumb) if opened else None,
        "frames": clip.frames if clip else 0,
        "seconds": _length(clip) if clip else None,
        "kind": clip.kind if clip else "",
        "rev": entry.rev,
        "original_ready": opened.original.ready if opened else 0,
        "ready": shown.tiles.ready if shown else 0,
        "maps_ready": shown.maps.ready if shown else 0,
        "flags_ready": shown.flags.ready if shown else 0,
        "checked": (shown.checked if shown else None) or 0,
        "has_result": shown is not None,
        "place": place.before if place else None,
        "wait_s": seconds,
        "progress": progress(entry, place),
        "model": entry.model,
        "second": None if entry.second is None else summary(entry.second, places),
    }


def progress(entry: ClipEntry, place: Place | None) -> str:
    """A sentence on the clip's work; "" where there is none."""
    if entry.opened is None:
        return "" if entry.refused else "Opening"
    if place is not None:
        before = "1 clip" if place.before == 1 else f"{place.before} clips"
        about = "" if place.seconds is None else f", about {max(1, round(place.seconds))} s"
        return f"Waiting for {before}{about}" if place.before else "Waiting for the machine"
    if entry.job is None or not entry.job.running:
        return "Fetching the model" if entry.job is not None and entry.job.began is None else ""
    if not entry.job.done:
        return entry.working or "Preparing"
    if entry.state == "checking":
        assert entry.shown is not None
        return f"Making the trust card, frame {entry.shown.checked} of {entry.job.frames}"
    return f"Enhancing frame {entry.job.done} of {entry.job.frames}"


def detail(entry: ClipEntry) -> dict[str, Any]:
    """Everything about a clip that is open."""
    opened, sector = entry.opened, entry.sector
    assert opened is not None
    assert sector is not None
    clip, result = opened.clip, entry.result
    return {
        "id": entry.id,
        "rev": entry.rev,
        "name": entry.name,
        "kind": clip.kind,
        "frames": clip.frames,
        "width": clip.width,
        "height": clip.height,
        "fps": clip.fps,
        "starts": _starts(clip),
        "spacing_mm": None if clip.spacing_mm is None else [float(side) for side in clip.spacing_mm],
        "pixel_aspect": clip.pixel_aspect,
        "still": clip.frames == 1,
        "sector": sector_detail(sector, entry.blackout),
        "notes": list(dict.fromkeys([*clip.warnings, *sector.sector.notes])),
        "tags": [[name, value] for name, value in opened.tags],
        "blackout": entry.blackout,
        "mask": str(sector.mask) if sector.mask else None,
        "original": _stream(opened.original),
        "truth": _stream(opened.truth) if opened.truth else None,
        "result": result_detail(entry.shown, sector.sector, clip) if entry.shown else None,
        "second": second_detail(entry.second, sector.sector, clip) if entry.second else None,
        "exports": [] if result is None else [asdict(choice) for choice in choices(result)],
    }


def sector_detail(found: ClipSector, blackout: bool) -> dict[str, Any]:
    """The sector's outline and what to say about it."""
    sector = found.sector
    top, left, bottom, right = sector.box
    fan = sector.fan
    shape = None
    if fan is not None:
        numbers = (*fan.apex, fan.left_deg, fan.right_deg, fan.r_min, fan.r_max, fan.aspect)
        shape = [*(float(number) for number in numbers), *([True] if fan.opens_up else [])]
    return {
        "note": sector_note(found, blackout),
        "unsure": sector.confidence < CHECK_BELOW,
        "fan": shape,
        "given": found.given,
        "box": [left, top, right, bottom] if sector.kind == "rectangle" else None,
        "crop": [left, top, right, bottom],
    }


def sector_note(found: ClipSector, blackout: bool) -> str:
    """One or two sentences on the sector, for the line under the image."""
    sector = found.sector
    if found.given:
        return "Sector as you set it."
    if sector.kind == "whole":
        note = "No sector was found, so the whole image counts as tissue."
        return f"{note} Nothing can be blacked out: check the image for names." if blackout else note
    if sector.kind == "rectangle":
        return (
            f"Sector found as a rectangle, confidence {sector.confidence:.2f}. Adjust the sector where the image is a "
            "fan."
        )
    if sector.confidence < CHECK_BELOW:
        return (
            f"The sector is uncertain (confidence {sector.confidence:.2f}). Compare the outline with the image, and "
            "adjust its corners where it does not fit."
        )
    return f"Sector found, confidence {sector.confidence:.2f}."


def result_detail(shown: ClipResult, sector: Sector, clip: ClipFile) -> dict[str, Any]:
    """A result as far as it has been made; its numbers are null and its curves empty until it has ended."""
    layout, stored = shown.layout, shown.stored
    curves = stored.report.per_frame if stored else {}
    return {
        **_stream(shown.tiles),
        "ended": stored is not None,
        "stale": "" if shown.sector is sector else STALE,
        "model": shown.checkpoint.name,
        "source": str(shown.checkpoint.source),
        "box": list(layout.box),
        "map_tiles": _stream(shown.maps),
        "flag_tiles": _stream(shown.flags) if layout.flagged else None,
        "card": card_details(stored),
        "maps": map_details(layout),
        "flags": flag_details(shown, clip),
        "curves": [curve_detail(name, values) for name, values in curves.items()],
        "curves_title": f"Mean over the sector, {UNIT}",
        "curves_unit": UNIT.capitalize(),
        "numbers": result_numbers(shown),
        "mean_change": stored.report.diagnostics["difference"]["mean"] if stored else None,
        "badge": [list(row) for row in badge(shown)],
        "notes": _notes(shown),
        "caveat": CAVEAT if layout.flagged else f"{CAVEAT} {NOT_CALIBRATED}",
        "seconds": round(stored.seconds, 2) if stored else None,
        "first_s": round(stored.first_s, 2) if stored else None,
        "cpu_s": round(stored.cpu_s, 2) if stored else None,
    }


def second_detail(second: ClipEntry, sector: Sector, clip: ClipFile) -> dict[str, Any]:
    """The result of a second model, beside the first."""
    return {
        "rev": second.rev,
        "model": second.model,
        "error": second.failed,
        "result": result_detail(second.shown, sector, clip) if second.shown else None,
    }


def _notes(shown: ClipResult) -> list[str]:
    stored = shown.stored
    if stored is None:
        return list(shown.checkpoint.notes)
    stopped = shown.checked is None and not stored.trusted
    return [*stored.report.warnings, *([NOT_CHECKED] if stopped else [])]


def badge(shown: ClipResult) -> list[tuple[str, str, str]]:
    """What made the result: (name, shown, in full)."""
    checkpoint = shown.checkpoint
    rows = [
        ("Model", checkpoint.name, checkpoint.source),
        ("Hash", checkpoint.sha256[:12], checkpoint.sha256),
    ]
    if checkpoint.config.license != "MIT":
        rows.append(("Licence", checkpoint.config.license, "Of the weights, not of what they are used on"))
    if checkpoint.revision:
        rows.append(("Revision", checkpoint.revision[:12], checkpoint.revision))
    rows.append(("Device", shown.device, ""))
    return rows


def export_line(export: Export) -> dict[str, Any]:
    """An export in the visitor's list."""
    done = export.state == "done" and export.file is not None
    return {
        "id": export.id,
        "ids": list(export.clips),
        "kind": export.kind,
        "label": export.label,
        "state": export.state,
        "progress": round(export.progress, 3),
        "error": export.error,
        "file": str(export.file) if done else None,
        "name": export.file.name if export.file and done else "",
        "size": size_text(export.file.stat().st_size) if export.file and done else "",
    }


def size_text(size: int) -> str:
    """A file's size in the unit that suits it."""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1e3))} kB"


def _stream(stream: Stream) -> dict[str, Any]:
    return {"folder": str(stream.folder), "ready": stream.ready}


def _length(clip: ClipFile) -> float | None:
    """Seconds that the clip lasts; None for a still."""
    if clip.durations_ms is not None:
        return round(sum(clip.durations_ms) / 1000, 3)
    return None if clip.fps is None else round(clip.frames / clip.fps, 3)


def _starts(clip: ClipFile) -> list[float] | None:
    """When each frame starts, seconds, and the end of the last; None at a constant rate."""
    if clip.durations_ms is None:
        return None
    starts = accumulate((duration / 1000 for duration in clip.durations_ms), initial=0.0)
    return [round(start, 5) for start in starts]
