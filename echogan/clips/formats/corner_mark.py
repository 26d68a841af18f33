"""The words that an enhanced picture carries: near a corner beside the sector, else in a strip below the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from echogan.clips.clip import grey
from echogan.core.notice import MARK

LAYOUTS = ((MARK,), ("AI-enhanced,", "not for diagnosis"), ("AI-enhanced,", "not for", "diagnosis"))
SMALLEST_TEXT, TEXT_SHARE = 10, 0.026  # pixels; of the frame's shorter side
LESS = 0.8  # of that size, where there is no room for it
LIGHT, DARK = 190, 50  # grey levels of the words on a dark and on a light ground
DRAWN = (
    16  # grey levels from the ground, from which a pixel outside the sector counts as text or another picture
)


@dataclass(frozen=True)
class CornerMark:
    """Words to lay over every frame of a clip, at one place.

    alpha      float32 (h, w) in 0 to 1: how much of the words' grey a pixel takes
    top, left  where `alpha` begins
    strip      rows that are added below the frame, black; 0 where the words stand in a corner
    level      the words' grey level
    """

    alpha: np.ndarray
    top: int
    left: int
    strip: int
    level: int

    def draw(self, frame: np.ndarray) -> np.ndarray:
        """A copy of the frame, uint8 (H, W) or (H, W, 3), with the words: (H + strip, W) or (H + strip, W, 3)."""
        rows = ((0, self.strip), (0, 0), (0, 0))[: frame.ndim]
        marked = np.pad(frame, rows)
        height, width = self.alpha.shape
        box = np.s_[self.top : self.top + height, self.left : self.left + width]
        alpha = self.alpha if frame.ndim == 2 else self.alpha[..., None]
        marked[box] = np.rint(marked[box] * (1 - alpha) + self.level * alpha)
        return marked


def place_mark(frame: np.ndarray, sector_mask: np.ndarray | None, strip: bool = False) -> CornerMark | None:
    """Find room for the words on a clip whose first frame is `frame`, uint8 (H, W) or (H, W, 3).

    They stand as near to a corner as neither sector nor text is there, on as few lines as that takes. Tissue is never
    covered. Where there is no room or the sector is not known, `strip` adds a strip for them below the picture, so
    that every pixel keeps its coordinates; without it, and where the frame is too narrow, the result is None.

    sector_mask   bool (H, W): the sector, overlay included; None where it is not known
    """
    size = text_size(*frame.shape[:2])
    if sector_mask is not None and not sector_mask.all():
        ground = float(np.median(grey(frame)[~sector_mask]))
        level = LIGHT if ground < 128 else DARK
        taken = _taken(frame, sector_mask, ground, size)
        for text in (size, round(LESS * size)):
            inks = [text_alpha(lines, text) for lines in LAYOUTS]
            places = [_nearest_corner(taken, alpha.shape, size) for alpha in inks]
            found = [(place, alpha) for place, alpha in zip(places, inks, strict=True) if place is not None]
            if found:
                (_, top, left), alpha = min(found, key=lambda one: one[0][0])
                return CornerMark(alpha, top, left, 0, level)
    return _below(frame.shape[0], frame.shape[1], size) if strip else None


def text_size(height: int, width: int) -> int:
    """The height of small text on such a frame, in pixels."""
    return max(SMALLEST_TEXT, round(TEXT_SHARE * min(height, width)))


@cache
def text_alpha(lines: Sequence[str], size: int, align: str = "left") -> np.ndarray:
    """Lines of text as float32 (h, w) in 0 to 1, cut to what is drawn; `size` in pixels."""
    font, text = ImageFont.load_default(size), "\n".join(lines)
    probe = ImageDraw.Draw(Image.new("L", (1, 1)))
    left, top, right, bottom = (round(side) for side in probe.textbbox((0, 0), text, font, spacing=size // 4))
    image = Image.new("L", (right - left + 2, bottom - top + 2))
    draw = ImageDraw.Draw(image)
    draw.text((1 - left, 1 - top), text, 255, font, spacing=size // 4, align=align)
    return np.asarray(image, np.float32) / 255


def _taken(frame: np.ndarray, sector_mask: np.ndarray, ground: float, size: int) -> np.ndarray:
    """Where the words must not stand, a margin around it included: bool (H, W)."""
    drawn = np.abs(grey(frame).astype(np.float32) - ground) > DRAWN
    margin = max(3, size // 3)
    kernel = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
    return cv2.dilate((sector_mask | drawn).astype(np.uint8), kernel) > 0


def _nearest_corner(taken: np.ndarray, box: tuple[int, ...], size: int) -> tuple[float, int, int] | None:
    """The free place of a box of that shape nearest to a corner, the lower corners first among equals.

    (distance in pixels, top, left), or None where there is no free place.
    """
    margin, (height, width) = max(3, size // 2), box
    bottom, right = taken.shape[0] - height - margin, taken.shape[1] - width - margin
    if bottom < margin or right < margin:
        return None
    sums = cv2.integral(taken.astype(np.uint8))
    inside = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    tops, lefts = np.nonzero(inside[margin : bottom + 1, margin : right + 1] == 0)
    if not len(tops):
        return None
    corners = ((bottom, right), (bottom, margin), (margin, right), (margin, margin))
    far = [np.hypot(tops + margin - top, lefts + margin - left) for top, left in corners]
    best = np.argmin([np.min(distance) for distance in far])
    place = int(np.argmin(far[best]))
    return float(far[best][place]), int(tops[place]) + margin, int(lefts[place]) + margin


def _below(height: int, width: int, size: int) -> CornerMark | None:
    margin = max(3, size // 3)
    for lines in LAYOUTS:
        alpha = text_alpha(lines, size)
        if alpha.shape[1] + 2 * margin <= width:
            strip = alpha.shape[0] + 2 * margin
            return CornerMark(alpha, height + margin, margin, strip + strip % 2, LIGHT)
    return None
