"""A first look at a clip: its facts, its sector, and the still that the page shows before anything is enhanced."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import cv2
import numpy as np

from echogan.clips.clip import ClipFile
from echogan.clips.files import open_clip
from echogan.clips.sector.find_sector import find_sector, sector_from_fan
from echogan.clips.sector.sector_confidence import CHECK_BELOW
from echogan.core.errors import UnreadableClip
from echogan.core.geometry import Fan, Sector
from echogan.ui.player.player import PlayerValue

VEIL = 24  # pixels of the still that become one where it is veiled: no letter survives it
VEIL_BLOCKS = 25  # and at most so many blocks along the longer side, for letters grow with the frame


@dataclass(frozen=True)
class Look:
    """A clip, its sector, and its first frame."""

    clip: ClipFile
    sector: Sector
    first: np.ndarray

    @property
    def unsure(self) -> bool:
        """Whether the reader should look at the sector."""
        return self.sector.confidence < CHECK_BELOW

    @property
    def given(self) -> bool:
        """Whether the visitor drew the fan."""
        return self.sector.fan is not None and self.sector.confidence == 1


def look_at(path: str | Path, fan: Fan | None = None) -> Look:
    """Open a clip and find its sector, or take the fan given by hand. Raises ClipError, SectorError."""
    if not Path(path).exists():
        raise UnreadableClip("The clip is no longer here, for nothing is kept for long: open it again.")
    clip = open_clip(path)
    sector = find_sector(clip) if fan is None else sector_from_fan(fan, clip)
    return Look(clip, sector, next(iter(clip.iter_frames())))


def preview(look: Look, folder: Path, veil: bool) -> PlayerValue:
    """What the player shows before enhancing: the still with the sector outlined."""
    return PlayerValue(
        mode="preview", notes=(*look.clip.warnings, *look.sector.notes), **shown(look, folder, veil)
    )


def shown(look: Look, folder: Path, veil: bool) -> dict:
    """The fields that a preview and a result have in common; writes the still into `folder`."""
    still = folder / "first_frame.png"
    frame = veiled(look.first, look.sector) if veil else look.first
    cv2.imwrite(str(still), frame if frame.ndim == 2 else frame[..., ::-1])
    clip = look.clip
    return {
        "still": still,
        "frames": clip.frames,
        "width": clip.width,
        "height": clip.height,
        "fps": clip.fps,
        "starts": _starts(clip),
        "sector_note": sector_note(look, veil),
        "unsure": look.unsure,
        "fan": look.sector.fan,
        "given": look.given,
        "box": rectangle(look.sector),
    }


def rectangle(sector: Sector) -> tuple[int, int, int, int] | None:
    """The outline (left, top, right, bottom) of a rectangular sector, else None."""
    if sector.kind != "rectangle":
        return None
    top, left, bottom, right = sector.box
    return left, top, right, bottom


def veiled(frame: np.ndarray, sector: Sector) -> np.ndarray:
    """The frame, uint8 (H, W) or (H, W, 3), made unreadable outside the sector; enough is left to place a fan by."""
    height, width = frame.shape[:2]
    block = max(VEIL, -(-max(height, width) // VEIL_BLOCKS))
    coarse = cv2.resize(
        frame, (max(1, width // block), max(1, height // block)), interpolation=cv2.INTER_AREA
    )
    coarse = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    inside = sector.tissue_mask if frame.ndim == 2 else sector.tissue_mask[..., None]
    return np.where(inside, frame, coarse)


def sector_note(look: Look, blackout: bool) -> str:
    """One or two sentences on the sector, for the line under the picture."""
    sector = look.sector
    if sector.kind == "whole":
        note = "No border of the sector was found, so the whole image counts as tissue."
        return f"{note} Nothing can be blacked out: look for names in the image." if blackout else note
    if sector.kind == "rectangle":
        return (
            f"A rectangle was taken for the sector, confidence {sector.confidence:.2f}. Where the image is a fan, "
            "adjust the sector."
        )
    if look.unsure:
        return (
            f"The sector is uncertain (confidence {sector.confidence:.2f}). Compare the outline with the image, and "
            "adjust its corners where it does not fit."
        )
    if look.given:
        return "Sector as you set it."
    return f"Sector found, confidence {sector.confidence:.2f}."


def _starts(clip: ClipFile) -> list[float] | None:
    if clip.durations_ms is None:
        return None
    return [0.0, *accumulate(duration / 1000 for duration in clip.durations_ms)]
