"""Original and enhanced beside each other, each under its title, outside the picture."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from echogan.clips.formats.corner_mark import text_alpha, text_size
from echogan.core.notice import MARK

ORIGINAL = "Original"
INK, LINE = 215, 60  # grey levels of the titles and of the line between panes


class SideBySide:
    """Panes of one size in a row under their titles, a line between them: uint8 (H + head, n x W + gaps[, 3]).

    titles   of each pane, its lines; a line that is wider than the pane is broken
    """

    def __init__(self, height: int, width: int, titles: Sequence[Sequence[str]]) -> None:
        size = text_size(height, width)
        self._height, self._width, self._gap = height, width, 2 * max(2, size // 4)
        inks = [_fitting(lines, size, width - 2 * self._gap) for lines in titles]
        head = max(ink.shape[0] for ink in inks) + 3 * self._gap
        self._head = head + (head + height) % 2  # H.264 needs even sides
        total = len(titles) * width + (len(titles) - 1) * self._gap
        self._frame = np.zeros((self._head + height, total + total % 2), np.uint8)
        for ink, left in zip(inks, self._lefts(len(titles)), strict=True):
            top, start = self._gap, left + (width - ink.shape[1]) // 2
            self._frame[top : top + ink.shape[0], start : start + ink.shape[1]] = np.rint(INK * ink)
            if left:
                self._frame[:, left - self._gap // 2 - 1 : left - self._gap // 2 + 1] = LINE

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of a frame."""
        return self._frame.shape[0], self._frame.shape[1]

    def frame(self, *panes: np.ndarray) -> np.ndarray:
        """One frame of panes uint8 (H, W) or (H, W, 3); colour where one of them has colour."""
        color = any(pane.ndim == 3 for pane in panes)
        made = cv2.cvtColor(self._frame, cv2.COLOR_GRAY2RGB) if color else self._frame.copy()
        for pane, left in zip(panes, self._lefts(len(panes)), strict=True):
            shown = pane[..., None] if color and pane.ndim == 2 else pane
            made[self._head : self._head + self._height, left : left + self._width] = shown
        return made

    def _lefts(self, panes: int) -> list[int]:
        return [index * (self._width + self._gap) for index in range(panes)]


def _fitting(lines: Sequence[str], size: int, width: int) -> np.ndarray:
    """Lines of text, centred, broken between words where they are too wide: float32 (h, w), w at most `width`."""
    fitting: list[str] = []
    for line in lines:
        for number, word in enumerate(line.split()):
            longer = f"{fitting[-1]} {word}" if number else word
            if number and text_alpha((longer,), size).shape[1] <= width:
                fitting[-1] = longer
            else:
                fitting.append(word)
    return text_alpha(tuple(fitting), size, "center")[:, : max(1, width)]


def enhanced_title(mark: bool) -> str:
    """The title of the enhanced pane."""
    return MARK if mark else "Enhanced"
