"""A real frame's fan as beams: from pixels to radius and angle, and back."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.core.geometry import Fan
from echogan.phantom.beams import Beams

MOST_ROWS, MOST_COLUMNS = 640, 256


class PolarFan:
    """The way from pixels to the fan's beams and back. Beams and angles as fine as the frame, within limits."""

    def __init__(self, fan: Fan, size: torch.Size, depth_cm: float, device: torch.device) -> None:
        height, width = size
        left, right = math.radians(fan.left_deg), math.radians(fan.right_deg)
        rows = _multiple(min(MOST_ROWS, fan.r_max - fan.r_min))
        columns = _multiple(min(MOST_COLUMNS, (right - left) * fan.r_max))
        self.beams = Beams((right - left) / 2, depth_cm, rows=rows, columns=columns)
        self.sample_px = (fan.r_max - fan.r_min) / rows
        r = fan.r_min + (torch.arange(rows)[:, None] + 0.5) * self.sample_px
        angle = torch.linspace(left, right, columns)[None]
        x, y = fan.apex[0] + r * torch.sin(angle) / fan.aspect, fan.apex[1] + r * torch.cos(angle)
        self._to_beams = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], -1)[None].to(device)
        radius, theta = (torch.from_numpy(a) for a in fan.polar(height, width))
        across = ((torch.deg2rad(theta) - left) / (right - left) * 2 - 1) * ((columns - 1) / columns)
        deep = (radius - fan.r_min) / (fan.r_max - fan.r_min) * 2 - 1
        self._to_pixels = torch.stack([across, deep], -1)[None].to(device)

    def to_beams(self, frames: Tensor) -> Tensor:
        """(T, H, W) to (T, rows, columns)."""
        return _resample(frames, self._to_beams)

    def to_pixels(self, image: Tensor) -> Tensor:
        """(T, rows, columns) to (T, H, W); outside the fan its edge goes on."""
        return _resample(image, self._to_pixels)


def _resample(image: Tensor, grid: Tensor) -> Tensor:
    grid = grid.expand(len(image), -1, -1, -1)
    return F.grid_sample(image[:, None], grid, padding_mode="border", align_corners=False)[:, 0]


def _multiple(length: float, of: int = 8) -> int:
    return max(4, int(length) // of) * of
