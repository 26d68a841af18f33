"""Flagged regions and hidden walls: connected pixels over a threshold, followed from frame to frame by overlap."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np

from echogan.trust.hidden_walls import LIKELY

LEAST = 0.001  # of the tissue: smaller spots are no region
GAP = 2  # frames that a region may be away and still be the same one
PERSISTENT = 5  # frames: a region seen in so many is persistent, else it flickers
MOST = 64  # regions that are kept, the largest ones

Kind = Literal["removed", "added", "hidden wall"]
HIDDEN: Kind = "hidden wall"
Depth = Literal["near", "mid", "far"]
Side = Literal["left", "centre", "right"]


@dataclass(frozen=True)
class Region:
    """One flagged region through time, or one hidden wall.

    kind          what the generator did there, or "hidden wall"
    first, last   the first and the last frame, counted from 0
    frames        in how many frames it was seen
    frame         where it is largest; the next four are of that frame
    pixels        its area in pixels of the working space
    box           (top, left, bottom, right) in the working space, ends exclusive
    depth, side   where its centre is in the sector: the distance from the probe, and left or right on the screen
    probability   the highest in it, in any frame
    red           whether that reaches the red threshold; never of a hidden wall
    persistent    seen in at least PERSISTENT frames; None where the clip has fewer
    """

    kind: Kind
    first: int
    last: int
    frames: int
    frame: int
    pixels: int
    box: tuple[int, int, int, int]
    depth: Depth
    side: Side
    probability: float
    red: bool
    persistent: bool | None = None


def regions(
    removed: np.ndarray,
    invented: np.ndarray,
    tissue: np.ndarray,
    amber: float,
    red: float,
    opens_up: bool = False,
) -> list[Region]:
    """The flagged regions of a whole clip, the largest first; arguments as of `RegionTracker` and its `add`."""
    tracker = RegionTracker(tissue, amber, red, opens_up)
    tracker.add(removed, invented)
    return tracker.regions()


class RegionTracker:
    """Finds regions in frames as they come, in memory that does not grow with the clip's length.

    A component (8-connected) belongs to the region of its kind that it overlaps most, of those seen in the last GAP
    frames before it; where it overlaps none, it is a new one. Parts of a region that has split stay one region.

    tissue       bool (h, w), not empty
    amber, red   thresholds in [0, 1]
    opens_up     whether the probe is at the lower side
    """

    def __init__(self, tissue: np.ndarray, amber: float, red: float, opens_up: bool = False):
        self._tissue, self._amber, self._red = tissue, amber, red
        self._least = LEAST * tissue.sum()
        rows = np.nonzero(tissue.any(1))[0]
        self._near, self._far = (rows[-1], rows[0]) if opens_up else (rows[0], rows[-1])
        self._frame = 0
        self._next = 1
        self._open: dict[int, Region] = {}
        self._closed: list[Region] = []
        # Of each kind, the region last seen at each pixel (0: none) and when.
        kinds: tuple[Kind, ...] = ("removed", "added", HIDDEN)
        self._ids = {kind: np.zeros(tissue.shape, np.int64) for kind in kinds}
        self._seen = {kind: np.full(tissue.shape, -GAP - 2, np.int64) for kind in kinds}

    def add(self, removed: np.ndarray, invented: np.ndarray, hidden: np.ndarray | None = None) -> None:
        """Take in the next frames: probabilities float32 (n, h, w) in [0, 1].

        Of removed and invented the larger one decides the kind. `hidden` is that of a hidden wall.
        """
        for index, (less, more) in enumerate(zip(removed, invented, strict=True)):
            self._add("removed", np.where(less >= more, less, 0))
            self._add("added", np.where(more > less, more, 0))
            if hidden is not None:
                self._add(HIDDEN, hidden[index])
            self._frame += 1
            self._close(self._frame - GAP - 1)

    def regions(self) -> list[Region]:
        """The regions so far, the largest first, at most MOST of them."""
        found = _largest([*self._closed, *self._open.values()])
        if self._frame < PERSISTENT:
            return found
        return [replace(one, persistent=one.frames >= PERSISTENT) for one in found]

    def _add(self, kind: Kind, probability: np.ndarray) -> None:
        least = LIKELY if kind == HIDDEN else self._amber
        flagged = (probability >= least) & self._tissue
        if np.count_nonzero(flagged) < self._least:
            return
        count, labels, stats, centres = cv2.connectedComponentsWithStats(flagged.astype(np.uint8))
        ids, seen = self._ids[kind], self._seen[kind]
        parts: dict[int, Region] = {}
        for label in range(1, count):
            left, top, width, height, area = (int(number) for number in stats[label])
            if area < self._least:
                continue
            window = np.s_[top : top + height, left : left + width]
            inside = labels[window] == label
            highest = float(probability[window][inside].max())
            before = np.where(self._frame - seen[window][inside] <= GAP + 1, ids[window][inside], 0)
            number = self._number(before)
            ids[window][inside], seen[window][inside] = number, self._frame
            box, place = (top, left, top + height, left + width), self._place(*centres[label][::-1])
            part = Region(
                kind,
                self._frame,
                self._frame,
                1,
                self._frame,
                area,
                box,
                *place,
                highest,
                kind != HIDDEN and highest >= self._red,
            )
            parts[number] = _together(parts[number], part) if number in parts else part
        for number, part in parts.items():
            self._open[number] = _later(self._open[number], part) if number in self._open else part

    def _number(self, before: np.ndarray) -> int:
        """The region most of the pixels belonged to, else a new one's number."""
        numbers, counts = np.unique(before[before > 0], return_counts=True)
        if len(numbers):
            return int(numbers[counts.argmax()])
        self._next += 1
        return self._next - 1

    def _place(self, row: float, column: float) -> tuple[Depth, Side]:
        """In thirds: of the sector's rows from the probe on, and of the sector's width in this row."""
        depth = (row - self._near) / (self._far - self._near) if self._far != self._near else 0.5
        across = np.nonzero(self._tissue[round(row)])[0]
        # The centre of a bent region can lie in a row without tissue, between marks.
        across = across if len(across) else np.nonzero(self._tissue.any(0))[0]
        side = (column - across[0] + 0.5) / (across[-1] - across[0] + 1)
        depths: tuple[Depth, ...] = ("near", "mid", "far")
        sides: tuple[Side, ...] = ("left", "centre", "right")
        return depths[min(2, int(3 * depth))], sides[int(np.clip(3 * side, 0, 2))]

    def _close(self, before: int) -> None:
        """Put away the regions last seen earlier than frame `before`, so that nothing can join them."""
        done = [number for number, one in self._open.items() if one.last < before]
        self._closed += [self._open.pop(number) for number in done]
        if len(self._closed) > 2 * MOST:
            self._closed = _largest(self._closed)


def _together(one: Region, other: Region) -> Region:
    """Two parts of one frame; the place is that of the larger part."""
    larger = max(one, other, key=lambda part: part.pixels)
    box = (
        min(one.box[0], other.box[0]),
        min(one.box[1], other.box[1]),
        max(one.box[2], other.box[2]),
        max(one.box[3], other.box[3]),
    )
    return replace(
        larger,
        box=box,
        pixels=one.pixels + other.pixels,
        probability=max(one.probability, other.probability),
        red=one.red or other.red,
    )


def _later(region: Region, part: Region) -> Region:
    """The region with what was seen of it in a later frame."""
    larger = part if part.pixels > region.pixels else region
    return replace(
        larger,
        first=region.first,
        last=part.last,
        frames=region.frames + 1,
        probability=max(region.probability, part.probability),
        red=region.red or part.red,
    )


def _largest(found: list[Region]) -> list[Region]:
    return sorted(found, key=lambda one: (-one.pixels, one.first, one.box))[:MOST]
