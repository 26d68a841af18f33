"""Enhance one clip for the page: every output under a neutral name, and the player's value made from them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from echogan.clips.clip import ClipFile
from echogan.clips.dicom.writer import fits_dicom
from echogan.clips.write_options import WriteOptions
from echogan.core.geometry import Sector
from echogan.core.version import __version__
from echogan.enhance.enhance_file import enhance_file
from echogan.enhance.enhancer import EnhanceSettings
from echogan.enhance.outputs import Outputs
from echogan.enhance.report import Report
from echogan.model.checkpoints.checkpoint import Checkpoint
from echogan.trust.map_styles import CAVEAT, MAP_STYLES
from echogan.trust.residuals import UNIT
from echogan.ui.enhance.clip_preview import ClipPreview, common_fields
from echogan.ui.player.player import CurveView, Download, MapView, PlayerValue
from echogan.ui.session import Progress


@dataclass(frozen=True)
class EnhanceRequest:
    """What the visitor asked for: a clip with its sector, and how to enhance it."""

    preview: ClipPreview
    checkpoint: Checkpoint
    strength: float
    blackout: bool


def enhance_for_page(
    request: EnhanceRequest, folder: Path, progress: Progress, cancel: threading.Event
) -> PlayerValue:
    """Enhance with every output that the page offers, all in `folder`. Raises EchoGANError."""
    preview = request.preview
    outputs = Outputs(
        clips=[folder / "enhanced.mp4", *([folder / "enhanced.dcm"] if fits_dicom(preview.clip) else [])],
        player_original=folder / "original.webm",
        player_enhanced=folder / "enhanced.webm",
        player_maps={name: folder / f"{name}.webm" for name in MAP_STYLES},
        arrays=folder / "enhanced.npz",
        report=folder / "report.json",
        figure=folder / "maps.png",
    )
    report = enhance_file(
        preview.clip,
        outputs,
        request.checkpoint,
        EnhanceSettings(strength=request.strength),
        sector=preview.sector,
        progress=progress,
        cancel=cancel,
        write=options(request.blackout),
    )
    return result_value(request, outputs, report, folder)


def enhance_for_client(
    clip: ClipFile,
    checkpoint: Checkpoint,
    strength: float,
    folder: Path,
    progress: Progress,
    cancel: threading.Event,
) -> Report:
    """Enhance into `folder`/enhanced.mp4 only, DICOM blacked out outside the sector. Raises EchoGANError."""
    outputs = Outputs(clips=[folder / "enhanced.mp4"])
    settings, write = EnhanceSettings(strength=strength), options(clip.kind == "dicom")
    return enhance_file(clip, outputs, checkpoint, settings, progress=progress, cancel=cancel, write=write)


def options(blackout: bool) -> WriteOptions:
    """How the app writes: never with identity."""
    return WriteOptions(blackout=blackout, software_version=__version__)


def result_value(request: EnhanceRequest, outputs: Outputs, report: Report, folder: Path) -> PlayerValue:
    """The finished work as the player shows it."""
    preview = request.preview
    assert outputs.player_original is not None
    assert outputs.player_enhanced is not None
    return PlayerValue(
        mode="result",
        media={"original": outputs.player_original, "enhanced": outputs.player_enhanced},
        maps=[map_view(name, path) for name, path in outputs.player_maps.items()],
        curves=[curve_view(name, values) for name, values in report.per_frame.items()],
        curves_title=f"Mean over the sector, {UNIT}",
        curves_unit=UNIT.capitalize(),
        badge=badge(request.checkpoint, report),
        downloads=downloads(outputs, preview.sector),
        notes=list(dict.fromkeys([*report.warnings, *request.checkpoint.notes, *too_long(preview.clip)])),
        caveat=CAVEAT,
        **common_fields(preview, folder, request.blackout),
    )


def map_view(name: str, path: Path) -> MapView:
    """A map clip with the scale that it was painted with."""
    style = MAP_STYLES[name]
    title = style.title[:1].upper() + style.title[1:]
    hint = f"{style.shows} {style.misses}"
    return MapView(path, style.label, title, hint, UNIT, style.low, style.high, style.legend())


def curve_view(name: str, values: Sequence[float]) -> CurveView:
    """The per-frame means of a map, in its colour."""
    style = MAP_STYLES[name]
    return CurveView(style.label, values, style.line, style.dashed)


def badge(checkpoint: Checkpoint, report: Report) -> list[tuple[str, str, str]]:
    """What made the result: (name, shown, in full)."""
    rows = [
        ("Model", checkpoint.name, checkpoint.source),
        ("Hash", checkpoint.sha256[:12], checkpoint.sha256),
    ]
    if checkpoint.config.license != "MIT":
        rows.append(("Licence", checkpoint.config.license, "Of the weights, not of what they are used on"))
    if checkpoint.revision:
        rows.append(("Revision", checkpoint.revision[:12], checkpoint.revision))
    rows.append(("Device", report.device, ""))
    rows.append(("Strength", f"{report.strength:g}", ""))
    return rows


def too_long(clip: ClipFile) -> list[str]:
    """A note on a clip that no DICOM file can hold; else none."""
    note = "No DICOM download: the clip is too long for one file (4 GiB). Cut the clip if you need DICOM."
    return [] if fits_dicom(clip) else [note]


def downloads(outputs: Outputs, sector: Sector) -> list[Download]:
    """The files to save, in the order of their likely use."""
    mp4, *dicom = outputs.clips
    text = "text in the picture stays in it" if sector.kind == "whole" else "black outside the sector"
    assert outputs.arrays is not None
    assert outputs.report is not None
    assert outputs.figure is not None
    return [
        Download(mp4, "MP4", "Enhanced clip, H.264 video"),
        *(
            Download(dcm, "DICOM", f"Enhanced clip as a derived multi-frame object, identity removed; {text}")
            for dcm in dicom
        ),
        Download(outputs.arrays, "NPZ", "Lossless arrays: original, enhanced, mask and maps"),
        Download(outputs.report, "Report", "Settings, model and numbers of this result, JSON"),
        Download(outputs.figure, "Figure", "Mean images, maps and curves, PNG"),
    ]
