"""The picture of a stimulus: tissue alone on black, cropped alike in both arms; and both arms side by side."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from echogan.clips.write_options import black_outside
from echogan.core.geometry import Sector
from echogan.study.design import Show

BORDER = 8  # black pixels around the sector


@dataclass(frozen=True)
class Canvas:
    """How both arms of a clip become pictures of one shape. `pixel_aspect`: width of a pixel over its height.

    The sector's box with a black border; even sides; square pixels. Outside the tissue, and where text was found over
    it, all is black. The sector is the original's, for both arms.
    """

    sector: Sector
    pixel_aspect: float = 1.0

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of one arm."""
        height, width = self._inner
        return _even(height + 2 * BORDER), _even(width + 2 * BORDER)

    @property
    def _inner(self) -> tuple[int, int]:
        top, left, bottom, right = self.sector.box
        height, width = bottom - top, right - left
        wide, high = max(self.pixel_aspect, 1.0), max(1 / self.pixel_aspect, 1.0)
        return round(height * high), round(width * wide)

    def arm(self, frame: np.ndarray) -> np.ndarray:
        """A frame uint8 (H, W) as shown: uint8 of `size`."""
        top, left, bottom, right = self.sector.box
        cropped = black_outside(frame, self.sector.tissue_mask)[top:bottom, left:right]
        height, width = self._inner
        if cropped.shape != (height, width):
            cropped = cv2.resize(cropped, (width, height), interpolation=cv2.INTER_LINEAR)
        shown = np.zeros(self.size, np.uint8)
        shown[BORDER : BORDER + height, BORDER : BORDER + width] = cropped
        return shown

    def show(self, show: Show, original: np.ndarray, enhanced: np.ndarray) -> np.ndarray:
        """The picture of a stimulus; both arms in one are two halves of equal width."""
        match show:
            case "original":
                return self.arm(original)
            case "enhanced":
                return self.arm(enhanced)
            case "enhanced_left":
                return np.hstack([self.arm(enhanced), self.arm(original)])
            case "enhanced_right":
                return np.hstack([self.arm(original), self.arm(enhanced)])


def _even(length: int) -> int:
    return length + length % 2
