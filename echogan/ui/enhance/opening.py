"""Open a clip for the page: its facts, its sector and a thumbnail from one sample, then its frames as tiles."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from echogan.clips.clip import ClipFile
from echogan.clips.guard.guard import GONE, look
from echogan.clips.sector.clip_sample import ClipSample
from echogan.clips.sector.find_sector import sector_from_fan
from echogan.core.atomic import write_whole
from echogan.core.errors import Cancelled, UnreadableClip
from echogan.core.geometry import Fan, Sector
from echogan.enhance.frame_tiles import TileReader, TileWriter, png
from echogan.ui.enhance.clip_entry import ClipSector, OpenedClip, Stream

THUMB = 144  # pixels of the longer side
SAMPLING = threading.BoundedSemaphore(2)  # a sample takes up to 400 MB: so many at once


def open_for_page(path: Path, folder: Path, cancel: threading.Event | None = None) -> OpenedClip:
    """Open a clip and find its sector, with a thumbnail and a mask in `folder`.

    The file is read in a child process with limits, now and whenever frames are asked for. Raises ClipError,
    OutputError, and Cancelled once `cancel` is set.
    """
    with SAMPLING:
        seen = look(path, cancel=cancel)
    thumb = folder / "thumb.png"
    write_whole(thumb, png(thumbnail(seen.first, seen.sector)))
    found = ClipSector(seen.sector, write_mask(seen.sector, folder / "mask.png"))
    return OpenedClip(seen.clip, found, thumb, seen.tags, Stream(folder / "original"))


def sector_by_hand(clip: ClipFile, fan: Fan, mask: Path) -> ClipSector:
    """The clip's sector as the visitor drew it; the clip is sampled again. Raises SectorError, ClipError."""
    fan.check()
    with SAMPLING:
        sector = sector_from_fan(fan, ClipSample.of(clip))
    return ClipSector(sector, write_mask(sector, mask), given=True)


def write_tiles(clip: ClipFile, stream: Stream, cancel: threading.Event) -> ClipFile:
    """Write all frames of a clip as they are; the clip with its frames from there.

    Raises ClipError, OutputError, and Cancelled once `cancel` is set.
    """
    writer = TileWriter(stream.folder)
    for frame in clip.iter_frames():
        if cancel.is_set():
            raise Cancelled("Stopped.")
        writer.add(frame)
        stream.ready = writer.ready
    writer.finish()
    stream.ready = writer.ready
    return replace(clip, decode=partial(_from_tiles, clip, stream.folder))


def _from_tiles(clip: ClipFile, folder: Path) -> Iterator[np.ndarray]:
    """The clip's frames, without a look at its file: quicker, and what a visitor sent is decoded once."""
    frames = iter(TileReader(folder))
    for _ in range(clip.frames):
        frame = next(frames, None)
        if frame is None:
            raise UnreadableClip(GONE.format(clip.path.name))
        yield np.repeat(frame[..., None], 3, axis=2) if clip.color and frame.ndim == 2 else frame


def thumbnail(frame: np.ndarray, sector: Sector) -> np.ndarray:
    """The sector's box of a frame, uint8 (H, W) or (H, W, 3), scaled to at most THUMB pixels."""
    top, left, bottom, right = sector.box
    cropped = frame[top:bottom, left:right]
    scale = THUMB / max(cropped.shape[:2])
    if scale >= 1:
        return cropped
    height, width = (max(1, round(side * scale)) for side in cropped.shape[:2])
    return cv2.resize(cropped, (width, height), interpolation=cv2.INTER_AREA)


def write_mask(sector: Sector, path: Path) -> Path | None:
    """The tissue as a PNG; None where no sector was found, so that nothing can be blacked out. Raises OutputError."""
    if sector.kind == "whole":
        return None
    write_whole(path, png(sector.tissue_mask.astype(np.uint8) * 255))
    return path
