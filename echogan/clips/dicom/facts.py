"""What a DICOM ultrasound header says about time and space: frame rate, durations, regions, pixel size.

Tags and their meaning: DICOM PS3.3, C.7.6.5 (Cine), C.7.6.6 (Multi-frame), C.8.5.5 (US Region Calibration).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from echogan.core.errors import UnsupportedClip

DEFAULT_FPS = 30.0
FRAME_TIME, FRAME_TIME_VECTOR = 0x00181063, 0x00181065

SPATIAL_2D, SPATIAL_M_MODE, SPATIAL_SPECTRAL, SPATIAL_WAVEFORM = 1, 2, 3, 4
DATA_TISSUE, DATA_COLOR_FLOW = 1, 2
UNIT_CM = 3

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Timing:
    """fps None for a still; durations_ms one per frame where they differ, else None."""

    fps: float | None
    durations_ms: tuple[float, ...] | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Region:
    """One item of (0018,6011); `box` is (top, left, bottom, right), ends exclusive, not clipped."""

    spatial: int
    data: int
    box: Box
    spacing_mm: tuple[float, float] | None

    @property
    def is_tissue(self) -> bool:
        return self.spatial == SPATIAL_2D and self.data == DATA_TISSUE

    @property
    def is_color_flow(self) -> bool:
        return self.spatial == SPATIAL_2D and self.data == DATA_COLOR_FLOW

    def overlaps(self, other: Region) -> bool:
        top, left, bottom, right = self.box
        t, l, b, r = other.box  # noqa: E741
        return min(bottom, b) > max(top, t) and min(right, r) > max(left, l)


@dataclass(frozen=True)
class Space:
    """Tissue boxes clipped to the image, and the (row, column) size of a pixel in mm where it is known."""

    regions: tuple[Box, ...]
    spacing_mm: tuple[float, float] | None
    warnings: tuple[str, ...] = ()


def numbers(value: Any) -> list[float]:
    """A tag's value, single, multiple or absent, as finite floats; values that are not numbers are dropped."""
    if value is None or isinstance(value, str):
        values: Iterable[Any] = [value] if value else []
    else:
        values = value if isinstance(value, Iterable) else [value]
    found = []
    for item in values:
        try:
            number = float(item)
        except (TypeError, ValueError):
            continue
        if math.isfinite(number):
            found.append(number)
    return found


def _one(header: Dataset, keyword: str) -> float:
    """The first number of a tag, 0.0 if there is none."""
    return (numbers(header.get(keyword)) or [0.0])[0]


NO_SCALE = "Scale unknown: no measurements."
SLOWEST, FASTEST = 0.05, 5000.0  # frames per second that a clip may have


def read_timing(header: Dataset, frames: int) -> Timing:
    """Frame rate by Frame Time Vector or Frame Time as the pointer says, else the cine rates, else 30."""
    if frames == 1:
        return Timing(None)
    warnings: list[str] = []
    pointers = {int(p) for p in numbers(header.get("FrameIncrementPointer"))}
    if FRAME_TIME_VECTOR in pointers or (FRAME_TIME not in pointers and "FrameTimeVector" in header):
        durations = _durations(numbers(header.get("FrameTimeVector")), frames)
        if durations is not None and all(1000 / FASTEST <= step <= 1000 / SLOWEST for step in durations):
            mean = float(np.mean(durations))
            same = np.allclose(durations, mean, rtol=1e-3)
            return Timing(1000 / mean, None if same else durations)
        warnings.append("The Frame Time Vector does not fit the frames, so it was ignored.")
    frame_time = _one(header, "FrameTime") or _one(header, "ActualFrameDuration")
    rates = [1000 / frame_time if frame_time > 0 else 0.0]
    rates += [_one(header, "CineRate"), _one(header, "RecommendedDisplayFrameRate")]
    for rate in rates:
        if SLOWEST <= rate <= FASTEST:
            return Timing(rate, None, tuple(warnings))
    warnings.append("The file gives no frame rate, so 30 frames per second is assumed.")
    return Timing(DEFAULT_FPS, None, tuple(warnings))


def _durations(vector: list[float], frames: int) -> tuple[float, ...] | None:
    """Milliseconds each frame lasts, from the steps between them; the last gets the mean of the others."""
    steps = vector[1:] if len(vector) == frames else vector
    if len(steps) != frames - 1 or min(steps) <= 0:
        return None
    return (*steps, float(np.mean(steps)))


def read_regions(header: Dataset) -> list[Region]:
    """Every item of the Sequence of Ultrasound Regions, unclipped."""
    found = []
    for item in header.get("SequenceOfUltrasoundRegions") or []:
        left, top = int(_one(item, "RegionLocationMinX0")), int(_one(item, "RegionLocationMinY0"))
        right, bottom = int(_one(item, "RegionLocationMaxX1")), int(_one(item, "RegionLocationMaxY1"))
        units = _one(item, "PhysicalUnitsXDirection"), _one(item, "PhysicalUnitsYDirection")
        spacing = abs(_one(item, "PhysicalDeltaY")) * 10, abs(_one(item, "PhysicalDeltaX")) * 10
        known = units == (UNIT_CM, UNIT_CM) and min(spacing) > 0
        spatial, data = int(_one(item, "RegionSpatialFormat")), int(_one(item, "RegionDataType"))
        # The maximum names the last pixel of the region (C.8.5.5.1.5), so the end is one further.
        box = top, left, bottom + 1, right + 1
        found.append(Region(spatial, data, box, spacing if known else None))
    return found


def check_regions(regions: list[Region]) -> None:
    """Raise UnsupportedClip if the regions hold only Doppler, M-mode or traces."""
    tissue = [r for r in regions if r.is_tissue]
    flow = [r for r in regions if r.is_color_flow]
    if flow and (not tissue or any(f.overlaps(t) for f in flow for t in tissue)):
        raise UnsupportedClip(
            "This clip shows colour Doppler, whose colours would be lost; choose a plain B-mode clip."
        )
    if tissue:
        return
    names = {SPATIAL_M_MODE: "M-mode", SPATIAL_SPECTRAL: "spectral Doppler", SPATIAL_WAVEFORM: "a waveform"}
    for spatial, name in names.items():
        if any(r.spatial == spatial for r in regions):
            raise UnsupportedClip(
                f"This clip shows {name} and no two-dimensional tissue; choose a grey-scale B-mode clip."
            )


def overruns(region: Region, height: int, width: int) -> bool:
    """Whether the region reaches outside the image: the image was rescaled and its tags were not.

    Some devices write one pixel past the last; that is accepted.
    """
    top, left, bottom, right = region.box
    return top < 0 or left < 0 or bottom > height + 1 or right > width + 1


def clip_box(box: Box, height: int, width: int) -> Box | None:
    """The part of the box inside the image, None if there is none."""
    top, left, bottom, right = max(box[0], 0), max(box[1], 0), min(box[2], height), min(box[3], width)
    return (top, left, bottom, right) if bottom > top and right > left else None


def read_space(header: Dataset, regions: list[Region], height: int, width: int) -> Space:
    """Tissue boxes calibrated in cm, and the pixel size: that of the regions, else Pixel Spacing, None if in doubt."""
    tissue = [r for r in regions if r.is_tissue and r.spacing_mm is not None]
    boxes = tuple(box for r in tissue if (box := clip_box(r.box, height, width)) is not None)
    if any(overruns(r, height, width) for r in tissue):
        return Space(boxes, None, (f"The picture was rescaled. {NO_SCALE}",))
    spacings = [r.spacing_mm for r in tissue if r.spacing_mm is not None]
    if spacings:
        if np.allclose(spacings, spacings[0], rtol=0.01):
            return Space(boxes, spacings[0])
        return Space(boxes, None, (f"The panes have different scales. {NO_SCALE}",))
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        spacing = numbers(header.get(keyword))
        if len(spacing) == 2 and min(spacing) > 0:
            return Space(boxes, (spacing[0], spacing[1]))
    return Space(boxes, None)
