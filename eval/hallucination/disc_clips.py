"""The clips that discs are painted into: simulated ones, the cine of pydicom, and real ones where they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from echogan.calibration.lesion_clips import LesionClip
from echogan.clips.clip import grey
from echogan.clips.files import open_clip
from echogan.clips.sector.find_sector import find_sector
from echogan.core.errors import ClipError, SectorError
from echogan.core.geometry import Sector
from echogan.enhance.enhancer import Enhancer
from echogan.trust.calibration import Calibration
from eval.hallucination.discs import CHANGES, FLAGGED, FRAMES, Seen, look, through, truly_there
from eval.measures.intervals import interval, share_interval
from eval.real_data import pydicom_cine

PLACES = 60  # of each change, in each clip: with 20 the share of all clips scatters by 2 points
REAL = ("clips/*.gif", "haze/hazy_*.mkv")  # under the folder of real clips


@dataclass(frozen=True)
class DiscClip:
    """FRAMES frames uint8 (n, H, W) of a clip; `mm` is the side of a pixel, None where unknown."""

    name: str
    frames: np.ndarray
    sector: Sector
    mm: float | None


def simulated(clips: Sequence[LesionClip], count: int) -> Iterator[DiscClip]:
    """The controls of some simulated clips, spread over the kinds of lesion."""
    for clip in clips[:: max(1, len(clips) // count)][:count]:
        name = f"simulated {clip.facts['seed']}"
        yield DiscClip(name, clip.array("control")[:FRAMES], clip.sector, float(clip.mm))


def real(data: Path) -> Iterator[DiscClip]:
    """The cine of pydicom, and the clips under a folder, if it is there. What cannot be read as a cine is left out."""
    cine = pydicom_cine()
    for path in [
        *([cine] if cine else []),
        *(found for pattern in REAL for found in sorted(data.glob(pattern))),
    ]:
        try:
            clip = open_clip(path)
            sector = find_sector(clip)
        except (ClipError, SectorError):
            continue
        frames = np.stack([grey(frame) for frame in islice(clip.iter_frames(), FRAMES)])
        if len(frames) == FRAMES:
            mm = None if clip.spacing_mm is None else float(clip.spacing_mm[0])
            yield DiscClip("cine of pydicom" if path == cine else path.stem, frames, sector, mm)


def disc_table(clips: Sequence[DiscClip], enhancer: Enhancer, calibration: Calibration) -> dict[str, Any]:
    """For each clip and change what was seen, at PLACES places."""
    table: dict[str, Any] = {}
    for clip in clips:
        found = through(enhancer, clip.frames, clip.sector, clip.mm)
        rows = {change: summed(look(found, change, PLACES, calibration, seed=1)) for change in CHANGES}
        there = truly_there(enhancer, clip.frames, clip.sector, clip.mm, PLACES, calibration, seed=1)
        table[clip.name] = {**rows, "truly there": summed(there)}
    return table


def summed(seen: Sequence[Seen]) -> dict[str, Any] | None:
    """The share of discs that are flagged, and the mean change elsewhere; None where a clip has no place for any."""
    if not seen:
        return None
    return {
        "flagged": share_interval([one.covered >= FLAGGED for one in seen]),
        "elsewhere": interval([one.elsewhere for one in seen]),
    }
