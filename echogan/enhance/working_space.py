"""The sector cropped and scaled to what the generators see, and the way back to the clip's own pixels."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch.nn import functional

from echogan.core.errors import SectorError
from echogan.core.geometry import Sector
from echogan.core.scale import GREY

MULTIPLE = 16  # the generators halve the frame: 16 allows four halvings, and some need more
SMALLEST = 64  # below this side a generator's reflect padding has nothing left to mirror


class WorkingSpace:
    """Between a clip's own frames (H, W) and the working space (h, w) of one sector.

    size     (h, w): the sector's bounding box with its longer side scaled to `longer_side`
    mask     bool (h, w): the sector, overlay included; only here may a generator's output differ from x
    tissue   bool (h, w): the sector without overlay; the diagnostics count these pixels

    `multiple` is what both padded sides are a multiple of; it changes neither size nor masks.
    """

    def __init__(self, sector: Sector, longer_side: int, multiple: int = MULTIPLE):
        if not sector.tissue_mask.any():
            raise SectorError(
                "No tissue was found in the clip. Give the sector by hand: on the page with Adjust sector, else with "
                "--sector apex_x,apex_y,left_deg,right_deg,r_min,r_max."
            )
        top, left, bottom, right = sector.box
        self.box = np.s_[top:bottom, left:right]
        self.box_size = (bottom - top, right - left)
        # The networks see square pixels, so a squeezed sector gets its own shape back.
        shape = (bottom - top, (right - left) * (sector.fan.aspect if sector.fan is not None else 1.0))
        scale = longer_side / max(shape)
        height, width = (max(1, round(side * scale)) for side in shape)
        self.size = (height, width)
        self.mask = self._shrink(sector.mask[self.box]) >= 0.5
        self.tissue = self._shrink(sector.tissue_mask[self.box]) >= 0.5
        if not self.tissue.any():
            raise SectorError(
                "Hardly any tissue is left between the marks drawn over this sector. Give another sector."
            )
        self.padding = tuple(_padding(side, multiple) for side in self.size)
        # A fan stands on black in training too; a rectangle goes on at its border, so it is mirrored.
        fits = all(max(pad) < side for pad, side in zip(self.padding, self.size, strict=True))
        self.pad_mode = "constant" if sector.kind == "fan" else "reflect" if fits else "replicate"
        # The residual ends abruptly at the mask; dividing by the equally resampled mask keeps the rim from fading.
        weight = self._resize(self.mask.astype(np.float32), self.box_size)
        self.gain = 1 / np.maximum(weight, 1e-3)

    def enter(self, frames: np.ndarray) -> np.ndarray:
        """Crop and scale grey uint8 (n, H, W), black outside the sector, to float32 (n, h, w) in [-1, 1]."""
        return np.stack([self._shrink(frame[self.box]) for frame in frames]) / GREY - 1

    def leave(self, residual: np.ndarray) -> np.ndarray:
        """Bring residuals float32 (n, h, w), zero outside `mask`, to the box's own size: (n, H', W'), same unit."""
        return np.stack([self._resize(r, self.box_size) * self.gain for r in residual])

    def pad(self, x: torch.Tensor) -> torch.Tensor:
        """Grow (n, frames, h, w) on all sides to multiples of what the generators need."""
        (top, bottom), (left, right) = self.padding
        value = -1.0 if self.pad_mode == "constant" else None
        return functional.pad(x, (left, right, top, bottom), mode=self.pad_mode, value=value)

    def unpad(self, x: torch.Tensor) -> torch.Tensor:
        """Undo `pad`."""
        (top, _), (left, _) = self.padding
        return x[..., top : top + self.size[0], left : left + self.size[1]]

    def _shrink(self, frame: np.ndarray) -> np.ndarray:
        return self._resize(frame.astype(np.float32), self.size)

    @staticmethod
    def _resize(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        # Area averaging is the antialiased way down; bilinear the one up that cannot overshoot.
        down = size[0] <= frame.shape[0] and size[1] <= frame.shape[1]
        return cv2.resize(frame, size[::-1], interpolation=cv2.INTER_AREA if down else cv2.INTER_LINEAR)


def _padding(side: int, multiple: int) -> tuple[int, int]:
    missing = -(-max(SMALLEST, side) // multiple) * multiple - side
    return missing // 2, missing - missing // 2
