"""What the page shows of a clip before it is enhanced: its facts, its sector and a still, from one sample of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

import cv2
import numpy as np

from echogan.clips.clip import ClipFile
from echogan.clips.files import open_clip
from echogan.clips.sector.clip_sample import ClipSample
from echogan.clips.sector.find_sector import find_sector, sector_from_fan
from echogan.clips.sector.sector_confidence import CHECK_BELOW
from echogan.core.geometry import Fan, Sector
from echogan.ui.player.player import PlayerValue

BLUR_BLOCK = 24  # pixels of the still that become one where it is blurred: no letter survives it
BLUR_BLOCKS = 25  # and at most so many blocks along the longer side, for letters grow with the frame


@dataclass(frozen=True)
class ClipPreview:
    """A clip opened and sampled once, and its sector, found or given by hand."""

    clip: ClipFile
    sample: ClipSample
    sector: Sector

    @property
    def first(self) -> np.ndarray:
        """The clip's first frame, uint8 (H, W) or (H, W, 3)."""
        return self.sample.frames[0]

    @property
    def unsure(self) -> bool:
        """Whether the reader should check the sector."""
        return self.sector.confidence < CHECK_BELOW

    @property
    def given(self) -> bool:
        """Whether the visitor drew the sector."""
        return self.sector.fan is not None and self.sector.confidence == 1

    @property
    def nbytes(self) -> int:
        """Memory in bytes: the sample, and two masks for each of two sectors, 4 bytes a pixel."""
        return self.sample.nbytes + 4 * self.clip.height * self.clip.width

    def with_fan(self, fan: Fan) -> ClipPreview:
        """The same clip with its sector given by hand; nothing is decoded. Raises SectorError."""
        return replace(self, sector=sector_from_fan(fan, self.sample))


def open_preview(path: str | Path) -> ClipPreview:
    """Open a clip, decode a sample of it and find its sector. Raises ClipError."""
    clip = open_clip(path)
    sample = ClipSample.of(clip)
    return ClipPreview(clip, sample, find_sector(sample))


def preview_value(preview: ClipPreview, folder: Path, blackout: bool) -> PlayerValue:
    """What the player shows before enhancing: the still with the sector outlined."""
    notes = (*preview.clip.warnings, *preview.sector.notes)
    return PlayerValue(mode="preview", notes=notes, **common_fields(preview, folder, blackout))


def common_fields(preview: ClipPreview, folder: Path, blackout: bool) -> dict:
    """The fields that a preview and a result have in common; writes the still into `folder`."""
    still = folder / "first_frame.png"
    frame = blur_outside(preview.first, preview.sector) if blackout else preview.first
    cv2.imwrite(str(still), frame if frame.ndim == 2 else frame[..., ::-1])
    clip = preview.clip
    return {
        "still": still,
        "frames": clip.frames,
        "width": clip.width,
        "height": clip.height,
        "fps": clip.fps,
        "starts": _starts(clip),
        "sector_note": sector_note(preview, blackout),
        "unsure": preview.unsure,
        "fan": preview.sector.fan,
        "given": preview.given,
        "box": rectangle(preview.sector),
    }


def rectangle(sector: Sector) -> tuple[int, int, int, int] | None:
    """The outline (left, top, right, bottom) of a rectangular sector, else None."""
    if sector.kind != "rectangle":
        return None
    top, left, bottom, right = sector.box
    return left, top, right, bottom


def blur_outside(frame: np.ndarray, sector: Sector) -> np.ndarray:
    """The frame, uint8 (H, W) or (H, W, 3), unreadable outside the tissue; enough is left to place a sector by."""
    height, width = frame.shape[:2]
    block = max(BLUR_BLOCK, -(-max(height, width) // BLUR_BLOCKS))
    coarse = cv2.resize(
        frame, (max(1, width // block), max(1, height // block)), interpolation=cv2.INTER_AREA
    )
    coarse = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    inside = sector.tissue_mask if frame.ndim == 2 else sector.tissue_mask[..., None]
    return np.where(inside, frame, coarse)


def sector_note(preview: ClipPreview, blackout: bool) -> str:
    """One or two sentences on the sector, for the line under the image."""
    sector = preview.sector
    if sector.kind == "whole":
        note = "No sector border was found, so the whole image counts as tissue."
        return f"{note} Nothing can be blacked out: check the image for names." if blackout else note
    if sector.kind == "rectangle":
        return (
            f"Sector found as a rectangle, confidence {sector.confidence:.2f}. Adjust the sector where the image is a "
            "fan."
        )
    if preview.unsure:
        return (
            f"The sector is uncertain (confidence {sector.confidence:.2f}). Compare the outline with the image, and "
            "adjust its corners where it does not fit."
        )
    if preview.given:
        return "Sector as you set it."
    return f"Sector found, confidence {sector.confidence:.2f}."


def _starts(clip: ClipFile) -> list[float] | None:
    if clip.durations_ms is None:
        return None
    return [0.0, *accumulate(duration / 1000 for duration in clip.durations_ms)]
