"""Smooth random fields in centimetres, sampled wherever beams look."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.phantom.draw import Draw, spline_matrix


class Fields:
    """Draws isotropic Gaussian fields over `points` (rows, columns, 2) in cm, on the points' device."""

    def __init__(self, draw: Draw, points: Tensor) -> None:
        self.draw, self.points = draw, points
        self.low = points.amin((0, 1))
        self.span = points.amax((0, 1)) - self.low
        self._grid = (2 * (points - self.low) / self.span - 1)[None]
        self._size = [float(side) for side in self.span]

    def smooth(self, scale_cm: float, count: int = 1) -> Tensor:
        """Unit-variance fields correlated over `scale_cm`: (count, rows, columns), one knot per scale."""
        knots = [max(4, int(side / scale_cm) + 3) for side in self._size]
        device = self.points.device
        coarse = self.draw.normal(count, knots[1], knots[0]).to(device)
        down, across = (spline_matrix(n, 3 * n, True, str(device)) for n in (knots[1], knots[0]))
        fine = torch.matmul(down, coarse) @ across.T
        field = F.grid_sample(fine[None], self._grid, align_corners=True, padding_mode="border")[0]
        return (field - field.mean((1, 2), keepdim=True)) / field.std((1, 2), keepdim=True)

    def level(self, strength_db: tuple[float, float], scale_cm: float) -> Tensor:
        """A smooth field whose standard deviation in dB is drawn from a range: (rows, columns)."""
        return self.draw.within(strength_db) * self.smooth(scale_cm)[0]
