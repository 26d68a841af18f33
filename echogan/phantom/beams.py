"""The beams of a probe: where each sample lies, for phased, curved and flat faces, and the way back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from echogan.phantom.draw import spline_matrix

DEPTHS, BEAMS = 288, 128


@dataclass(frozen=True)
class Beams:
    """Straight beams through a virtual apex, sampled evenly in depth and angle.

    Probe coordinates in cm: the middle of the face at (0, 0), x to the right, z down.

    half_angle  radians     depth_cm  from the face, along the beam
    face_cm     from the virtual apex to the middle of the face; 0 for a phased array
    flat        a flat face (the top is a straight line) instead of a round one
    """

    half_angle: float
    depth_cm: float
    face_cm: float = 0.0
    flat: bool = False
    rows: int = DEPTHS
    columns: int = BEAMS

    @property
    def row_cm(self) -> float:
        """Distance between two samples of a beam."""
        return self.depth_cm / self.rows

    @property
    def radius_cm(self) -> Tensor:
        """Depth of each row below the face: (rows,)."""
        return (torch.arange(self.rows) + 0.5) * self.row_cm

    @property
    def angle(self) -> Tensor:
        """Angle of each beam: (columns,) in radians, the outermost beams on the fan's edges."""
        return torch.linspace(-self.half_angle, self.half_angle, self.columns)

    def points(self) -> Tensor:
        """Where each sample lies: (rows, columns, 2) in cm."""
        t = self.angle[None]
        from_apex = self.radius_cm[:, None] + self._face(t)
        return torch.stack([from_apex * torch.sin(t), from_apex * torch.cos(t) - self.face_cm], -1)

    def locate(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Depth in cm and angle in radians of points (..., 2): two (...)."""
        x, z = points[..., 0], points[..., 1] + self.face_cm
        angle = torch.atan2(x, z)
        return torch.hypot(x, z) - self._face(angle), angle

    def grid(self, points: Tensor) -> Tensor:
        """Points (..., 2) in cm as the coordinates that `grid_sample(align_corners=False)` wants: (..., 2)."""
        depth, angle = self.locate(points)
        across = angle / self.half_angle * ((self.columns - 1) / self.columns)
        return torch.stack([across, 2 * depth / self.depth_cm - 1], -1)

    def resampled(self, rows: int, columns: int) -> Beams:
        """The same fan with another number of samples."""
        return replace(self, rows=rows, columns=columns)

    def _face(self, angle: Tensor) -> Tensor | float:
        return self.face_cm / torch.cos(angle) if self.flat else self.face_cm

    def refine(self, coarse: Tensor) -> Tensor:
        """Smooth maps (n, h, w) measured on `resampled(h, w)` beams, interpolated to these: (n, rows, columns)."""
        # The outermost beams lie on the edges, the outermost rows half a sample inside.
        down = spline_matrix(coarse.shape[1], self.rows, False, str(coarse.device))
        across = spline_matrix(coarse.shape[2], self.columns, True, str(coarse.device))
        return torch.matmul(down, coarse) @ across.T
