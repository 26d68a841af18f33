"""Clips of research formats: frames of numbers of any kind, brought to grey levels 0 to 255."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from echogan.clips.clip import ClipFile, ClipKind, pixel_shape
from echogan.clips.content import decoder_errors
from echogan.core.errors import UnsupportedClip

DEFAULT_FPS = 30.0
NO_RATE = f"The file gives no frame rate; {DEFAULT_FPS:.0f} per second is assumed."
THIRD_AXIS = "The file does not say that its third axis is time; it is taken for the frames of a clip."
SCALED = "The values go beyond 0 to 255; they are scaled so that the smallest is black and the largest white."
SLOWEST, FASTEST = 1.0, 1000.0  # frames per second of an echo
LABELS = 15  # whole numbers up to this are the labels of a segmentation
CELLS, ALIKE = (
    24,
    0.6,
)  # frames of a clip light the same cells of a coarse grid; slices through a volume do not


@dataclass(frozen=True)
class GreyValues:
    """What a header says. `values` yields the frames as numbers (height, width), upright.

    step_s     seconds from frame to frame, None if unknown
    timed      whether the file says that its frames follow one another in time
    third_mm   the distance of the third axis where it may be one of space, else None
    """

    path: Path
    kind: ClipKind
    frames: int
    height: int
    width: int
    values: Callable[[], Iterator[np.ndarray]] = field(repr=False)
    spacing_mm: tuple[float, float] | None = None
    step_s: float | None = None
    timed: bool = False
    third_mm: float | None = None


@dataclass
class _Range:
    """Of the values of a clip: the smallest and the largest, whether all are whole, and a few frames."""

    low: float = np.inf
    high: float = -np.inf
    whole: bool = True
    some: list[np.ndarray] = field(default_factory=list)


def grey_clip(given: GreyValues) -> ClipFile:
    """The clip of such a file, after one pass over its values.

    Raises UnreadableClip (cut off) and UnsupportedClip (labels, or a volume in space).
    """
    with decoder_errors(given.path):
        found = _range(given)
    _refuse_labels(given, found)
    notes = []
    if given.frames > 1 and not given.timed:
        _refuse_volume(given, found)
        notes.append(THIRD_AXIS)
    low, gain = _scale(found)
    if low != 0 or gain not in (1.0, 255.0):
        notes.append(SCALED)
    rate = 1 / given.step_s if given.step_s else 0.0
    if given.frames > 1 and not SLOWEST <= rate <= FASTEST:
        rate = DEFAULT_FPS
        notes.append(NO_RATE)

    def decode() -> Iterator[np.ndarray]:
        with decoder_errors(given.path):
            for values in given.values():
                if values.dtype == np.uint8 and (low, gain) == (0.0, 1.0):
                    yield values
                    continue
                shown = (np.nan_to_num(values.astype(np.float64), nan=low) - low) * gain
                yield np.clip(np.rint(shown), 0, 255).astype(np.uint8)

    row, column = given.spacing_mm or (1.0, 1.0)
    return ClipFile(
        path=given.path,
        kind=given.kind,
        frames=given.frames,
        height=given.height,
        width=given.width,
        fps=rate if given.frames > 1 else None,
        color=False,
        decode=decode,
        spacing_mm=given.spacing_mm,
        warnings=tuple(notes),
        pixel_aspect=pixel_shape(column, row),
    )


def _range(given: GreyValues) -> _Range:
    found, wanted = _Range(), {0, given.frames // 2, given.frames - 1}
    for index, values in enumerate(given.values()):
        finite = values[np.isfinite(values)]
        if finite.size:
            found.low, found.high = min(found.low, float(finite.min())), max(found.high, float(finite.max()))
        if found.whole and values.dtype.kind == "f":
            found.whole = bool((finite == np.rint(finite)).all())
        if index in wanted:
            found.some.append(values.astype(np.float32))
    if not np.isfinite(found.low):
        raise UnsupportedClip(f"'{given.path.name}' holds no numbers that can be shown: export it again.")
    return found


def _refuse_labels(given: GreyValues, found: _Range) -> None:
    if found.whole and found.low >= 0 and 1 <= found.high <= LABELS:
        raise UnsupportedClip(
            f"'{given.path.name}' holds labels, as of a segmentation, and no picture: give the image that they "
            "belong to."
        )


def _refuse_volume(given: GreyValues, found: _Range) -> None:
    """Raise UnsupportedClip where the third axis is one of space: equal distances on all axes, or unlike slices."""
    spacing = given.spacing_mm
    equal = (
        spacing is not None
        and given.third_mm is not None
        and np.allclose([given.third_mm, *spacing], spacing[0], rtol=0.02)
    )
    lit = [_lit_cells(frame, found) for frame in found.some]
    unlike = any(a.any() != b.any() or _overlap(a, b) < ALIKE for a, b in pairwise(lit))
    if equal or unlike:
        raise UnsupportedClip(
            f"'{given.path.name}' is a three-dimensional volume: export a two-dimensional clip of it."
        )


def _lit_cells(frame: np.ndarray, found: _Range) -> np.ndarray:
    lit = np.nan_to_num(frame, nan=found.low) > found.low + 0.02 * (found.high - found.low)
    return cv2.resize(lit.astype(np.float32), (CELLS, CELLS), interpolation=cv2.INTER_AREA) > 0.2


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum()) / max(1, int((a | b).sum())) if (a | b).any() else 1.0


def _scale(found: _Range) -> tuple[float, float]:
    """(value that is black, grey levels to one unit); values that are grey levels already stay as they are."""
    low, high = found.low, found.high
    if low >= 0 and high <= 1 and not found.whole:
        return 0.0, 255.0
    if low >= 0 and high <= 255:
        return 0.0, 1.0
    return low, 255 / (high - low) if high > low else 0.0


def step_seconds(step: float, unit: str | None) -> float | None:
    """A time step in seconds; None if it is unknown. 1 is what programs write that know none.

    Without a unit, a step of more than one is one of milliseconds: no echo has seconds from frame to frame.
    """
    factors = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}
    if not np.isfinite(step) or step <= 0 or (step == 1 and unit in (None, "sec")):
        return None
    return step * factors.get(unit or "", 1.0 if step < 1 else 1e-3)


def known_spacing(row: float, column: float) -> tuple[float, float] | None:
    """(row, column) in mm; None if they make no sense or are both 1, which programs write that know none."""
    known = np.isfinite([row, column]).all() and min(row, column) > 0 and (row, column) != (1.0, 1.0)
    return (float(row), float(column)) if known else None
