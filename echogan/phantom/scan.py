"""Scan conversion: where the fan lies in the frame, and from beam space to pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.phantom.acoustics import BEAMS, Acquisition
from echogan.phantom.draw import Draw


@dataclass(frozen=True)
class ScanSettings:
    """The frame and the fan's place in it."""

    size: int = field(default=256, metadata={"help": "pixels on a side", "min": 64, "max": 1024})
    fill: tuple[float, float] = field(
        default=(0.86, 1.0), metadata={"help": "share of the frame the fan spans"}
    )
    face_cm: float = field(default=0.12, metadata={"help": "radius hidden at the apex, cm"})


@dataclass(frozen=True)
class Scan:
    """grid (1, S, S, 2) for `grid_sample`, mask bool (S, S), fan as apex_x, apex_y, degrees, radii in pixels."""

    grid: Tensor
    mask: Tensor
    fan: tuple[float, float, float, float, float, float]
    spacing_mm: float


def draw_scan(draw: Draw, acquisition: Acquisition, settings: ScanSettings) -> Scan:
    """Place the fan in the frame: random size, random offset within what is left."""
    size, half, depth = settings.size, acquisition.half_angle, acquisition.depth_cm
    wide = 2 * depth * math.sin(half)
    cm = max(wide, depth) / (size * draw.within(settings.fill))
    spare = size - wide / cm, size - depth / cm
    apex_x = wide / cm / 2 + draw.uniform(0, 1) * spare[0] - 0.5
    apex_y = draw.uniform(0, 1) * spare[1] - 0.5
    axis = torch.arange(size, dtype=torch.float32)
    z, x = torch.meshgrid((axis - apex_y) * cm, (axis - apex_x) * cm, indexing="ij")
    r, theta = torch.hypot(x, z), torch.atan2(x, z)
    rows = 2 * r / depth - 1
    grid = torch.stack([theta / half * (BEAMS - 1) / BEAMS, rows], -1)[None]
    mask = (theta.abs() <= half) & (r <= depth) & (r >= settings.face_cm)
    angle = math.degrees(half)
    return Scan(grid, mask, (apex_x, apex_y, -angle, angle, settings.face_cm / cm, depth / cm), 10 * cm)


def to_pixels(image: Tensor, scan: Scan, nearest: bool = False) -> Tensor:
    """Beam-space frames (T, DEPTHS, BEAMS) to pixels (T, S, S), zero outside the fan."""
    grid = scan.grid.to(image.device).expand(len(image), -1, -1, -1)
    mode = "nearest" if nearest else "bilinear"
    pixels = F.grid_sample(image[:, None], grid, mode=mode, padding_mode="border", align_corners=False)
    return pixels[:, 0] * scan.mask.to(image.device)
