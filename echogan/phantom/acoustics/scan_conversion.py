"""Where the fan lies in the frame, and from beams to pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.phantom.beams import Beams
from echogan.phantom.draw import Draw


@dataclass(frozen=True)
class FrameSettings:
    """The frame and the fan's place in it."""

    size: int = field(default=256, metadata={"help": "pixels on a side", "min": 64, "max": 1024})
    fill: tuple[float, float] = field(
        default=(0.86, 1.0), metadata={"help": "share of the frame that the fan spans"}
    )
    hidden_cm: float = field(default=0.12, metadata={"help": "hidden at a phased array's apex, cm"})


@dataclass(frozen=True)
class ScanConversion:
    """grid (1, S, S, 2) for `grid_sample`, mask bool (S, S), both on the device.

    fan  apex_x, apex_y, left and right in degrees, r_min, r_max; lengths in pixels (a flat face: r_min at the middle)
    """

    grid: Tensor
    mask: Tensor
    fan: tuple[float, float, float, float, float, float]
    spacing_mm: float

    def pixels(self, image: Tensor, nearest: bool = False) -> Tensor:
        """Frames on the beams (T, rows, columns) to pixels (T, S, S), zero outside the fan."""
        grid = self.grid.expand(len(image), -1, -1, -1)
        mode = "nearest" if nearest else "bilinear"
        pixels = F.grid_sample(image[:, None], grid, mode=mode, padding_mode="border", align_corners=False)
        return pixels[:, 0] * self.mask


def place_fan(
    draw: Draw, beams: Beams, settings: FrameSettings, device: torch.device | str = "cpu"
) -> ScanConversion:
    """Place the fan in the frame: random size, random offset within what is left."""
    size, half = settings.size, beams.half_angle
    reach = beams.face_cm + beams.depth_cm
    # A flat face is farther from the apex at its ends, and so is the bottom of the fan.
    widest = reach + beams.face_cm * (1 / math.cos(half) - 1) * beams.flat
    wide, top = 2 * widest * math.sin(half), (0 if beams.flat else beams.face_cm * (1 - math.cos(half)))
    tall = beams.depth_cm + top
    cm = max(wide, tall) / (size * draw.within(settings.fill))
    middle = wide / cm / 2 + draw.uniform(0, 1) * (size - wide / cm) - 0.5
    face = top / cm + draw.uniform(0, 1) * (size - tall / cm) - 0.5
    axis = torch.arange(size, dtype=torch.float32)
    z, x = torch.meshgrid((axis - face) * cm, (axis - middle) * cm, indexing="ij")
    points = torch.stack([x, z], -1)
    depth, angle = beams.locate(points)
    hidden = settings.hidden_cm if beams.face_cm == 0 else 0.0
    mask = (angle.abs() <= half) & (depth <= beams.depth_cm) & (depth >= hidden)
    degrees = math.degrees(half)
    fan = (middle, face - beams.face_cm / cm, -degrees, degrees, (beams.face_cm + hidden) / cm, reach / cm)
    return ScanConversion(beams.grid(points)[None].to(device), mask.to(device), fan, 10 * cm)
