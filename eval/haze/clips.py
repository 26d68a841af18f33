"""The real hazy clips, with their fan and the regions that were drawn by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from echogan.clips.clip import grey
from echogan.clips.files import open_clip
from echogan.clips.sector.find_sector import find_sector, sector_from_fan
from echogan.core.errors import EchoGANError
from echogan.core.geometry import Fan, Sector
from eval.real_data import fan_of_regions

AROUND = 2  # frames measured on either side of the frame that the regions were drawn on


@dataclass(frozen=True)
class HazyClip:
    """One hazy clip.

    frames   uint8 (T, h, w)
    fan      given by hand, in pixels
    sectors  "found" by the sector finder and "given" by the fan
    near     slice of the frames that the regions are measured on
    regions  bool (h, w) by name, "cavity" and "wall"; empty where none were drawn
    """

    name: str
    frames: np.ndarray
    fan: Fan
    sectors: dict[str, Sector]
    near: slice
    regions: dict[str, np.ndarray]


def hazy_clips(folder: Path, quick: bool = False) -> Iterator[HazyClip]:
    """The clips of a folder with their regions. `quick`: only the frames that the regions are measured on.

    Raises EchoGANError where the folder has no clips.
    """
    given = json.loads((folder / "regions.json").read_text())
    fan = fan_of_regions(given["fan"])
    near = slice(given["frame"] - AROUND, given["frame"] + AROUND + 1)
    paths = sorted(folder.glob("hazy_*.mkv"), key=lambda path: int(path.stem.removeprefix("hazy_")))
    if not paths:
        raise EchoGANError(f"There is no hazy_*.mkv in {folder}: give another --data.")
    for path in paths:
        name = path.stem.removeprefix("hazy_")
        source = open_clip(path)
        frames = np.stack([grey(frame) for frame in source.iter_frames()])
        sectors = {"found": find_sector(source), "given": sector_from_fan(fan, source)}
        regions = {
            kind: polygon_mask(points, frames.shape[1:]) for kind, points in given.get(name, {}).items()
        }
        shown = near if regions else slice(None)
        if quick:
            frames, shown = frames[shown], slice(None)
        yield HazyClip(name, frames, fan, sectors, shown, regions)


def polygon_mask(points: list[list[int]], size: tuple[int, ...]) -> np.ndarray:
    """The pixels of a polygon of (x, y) corners, including its edge: bool (h, w)."""
    mask = np.zeros(size, np.uint8)
    cv2.fillPoly(mask, [np.array(points, np.int32)], 1)
    return mask > 0
