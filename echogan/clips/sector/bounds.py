"""Where a DICOM header says that tissue is: the pane of its regions that is enhanced, and what the others show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from echogan.clips.sector.overlay import ClipStatistics

Box = tuple[int, int, int, int]  # top, left, bottom, right in pixels of the frame, ends exclusive
SAME = 0.5  # share of a box inside a larger one from which both are one pane
MINOR = 0.2  # share of the largest pane's area below which a region is no pane of its own


@dataclass(frozen=True)
class Bounds:
    """Boxes of two-dimensional tissue, and of strips (M-mode, spectral Doppler, a waveform) with their names."""

    tissue: tuple[Box, ...] = ()
    strips: tuple[tuple[str, Box], ...] = ()

    def upside_down(self, height: int) -> Bounds:
        """The boxes in a frame of `height` pixels that is turned upside down."""

        def turned(box: Box) -> Box:
            return height - box[2], box[1], height - box[0], box[3]

        return self._mapped(turned)

    def stretched(self, across: float, down: float) -> Bounds:
        """The boxes in a frame that is so many times as wide and as high."""
        scale = (down, across, down, across)

        def larger(box: Box) -> Box:
            top, left, bottom, right = (round(side * by) for side, by in zip(box, scale, strict=True))
            return top, left, bottom, right

        return self._mapped(larger)

    def _mapped(self, change: Callable[[Box], Box]) -> Bounds:
        strips = tuple((name, change(box)) for name, box in self.strips)
        return Bounds(tuple(change(box) for box in self.tissue), strips)

    @property
    def panes(self) -> list[Box]:
        """The tissue boxes, those of one pane once, small ones left out; the largest first."""
        panes: list[Box] = []
        for box in sorted(self.tissue, key=area, reverse=True):
            minor = panes and area(box) < MINOR * area(panes[0])
            if not minor and all(_common(box, other) < SAME * area(box) for other in panes):
                panes.append(box)
        return panes

    def pane(self, stats: ClipStatistics) -> Box | None:
        """The pane with the most tissue, by its size, brightness and motion; None without tissue regions."""
        lit = np.where(stats.coloured, 0, np.maximum(stats.std, stats.mean / 8))
        return max(self.panes, key=lambda box: float(lit[inside(box)].sum()), default=None)

    def beside(self, shape: tuple[int, ...]) -> np.ndarray:
        """The pixels of strips that no tissue box holds: bool (H, W)."""
        mask = np.zeros(shape, bool)
        for _, box in self.strips:
            mask[inside(box)] = True
        for box in self.tissue:
            mask[inside(box)] = False
        return mask

    def notes(self, taken: Box) -> list[str]:
        """What the reader should know of the panes and strips that are not enhanced."""
        said = []
        if (count := len(self.panes)) > 1:
            other = "the other" if count == 2 else "another"
            said.append(
                f"This clip has {count} tissue panes; {self._place(taken)} is enhanced. "
                f"Give the sector by hand for {other}."
            )
        names = [name for name, box in self.strips if _common(box, taken) < SAME * area(box)]
        if names:
            said.append(
                f"Only the two-dimensional pane is enhanced; {' and '.join(dict.fromkeys(names))} beside it stays as "
                "it is."
            )
        return said

    def _place(self, taken: Box) -> str:
        """Which of the panes this is, in words."""
        centres = np.array([((b[0] + b[2]) / 2, (b[1] + b[3]) / 2) for b in self.panes])
        axis = int(np.ptp(centres[:, 1]) >= np.ptp(centres[:, 0]))
        place = int((centres[:, axis] < (taken[axis] + taken[axis + 2]) / 2).sum())
        if len(centres) == 2:
            return "the " + (("upper", "lower"), ("left", "right"))[axis][place] + " one"
        return f"number {place + 1} from the {('top', 'left')[axis]}"


def area(box: Box) -> int:
    """Pixels of a box."""
    return (box[2] - box[0]) * (box[3] - box[1])


def inside(box: Box) -> tuple[slice, slice]:
    """The rows and columns of a box."""
    return slice(box[0], box[2]), slice(box[1], box[3])


def box_mask(box: Box, shape: tuple[int, ...]) -> np.ndarray:
    """The pixels of a box: bool (H, W)."""
    mask = np.zeros(shape, bool)
    mask[inside(box)] = True
    return mask


def _common(a: Box, b: Box) -> int:
    """Pixels that two boxes share."""
    height, width = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return max(0, height) * max(0, width)
