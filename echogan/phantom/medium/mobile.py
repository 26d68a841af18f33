"""A lesion that swings, on the beams: discs that follow a leaflet or a stalk, with scatterers that ride along."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.phantom.anatomy.heart import Heart
from echogan.phantom.beams import Beams
from echogan.phantom.draw import Draw, blur
from echogan.phantom.lesions import Lesion, stalk_discs, vegetation_discs
from echogan.phantom.motion.beating import Motion, moved

CELL_CM, CELLS = 0.045, 160
EDGE_CM = 0.03


class MobileLesion:
    """The discs of one lesion in all frames, (T, k, 3) as x, z, radius in cm, and its scatterers around them."""

    def __init__(
        self,
        heart: Heart,
        motion: Motion,
        lesion: Lesion,
        curves: Tensor,
        beams: Beams,
        device: torch.device | str,
    ) -> None:
        rate = motion.cycle.frame_rate
        discs = vegetation_discs(lesion, curves, rate)
        if discs is None and lesion.root is not None:
            discs = stalk_discs(lesion, moved(heart, motion, lesion.root[None])[:, 0], rate)
        assert discs is not None, "a mobile lesion rides on a leaflet or hangs on a stalk"
        self.discs = discs.to(device)
        self.points = beams.points().to(device)
        draw = Draw(lesion.seed)
        patchy = 10 ** ((lesion.level_db + 2.5 * draw.smooth((CELLS, CELLS), 5)) / 20)
        speckle = blur(draw.normal(4, CELLS, CELLS), 0.6)
        self.speckle = (patchy * speckle / speckle.std())[None].to(device)

    def share(self, start: int, stop: int) -> Tensor:
        """How much of each beam sample the lesion fills, soft at its edge: (T, rows, columns), 0 to 1."""
        x, z, radius = (self.discs[start:stop, :, k, None, None] for k in range(3))
        away = torch.hypot(self.points[..., 0] - x, self.points[..., 1] - z)
        return torch.sigmoid((radius - away).amax(1) / EDGE_CM)

    def echoes(self, start: int, stop: int) -> Tensor:
        """Its scatterers, two looks: (T, 2, 2, rows, columns)."""
        root = self.discs[start:stop, 0, :2][:, None, None]
        grid = (self.points - root) / (CELL_CM * CELLS / 2)
        speckle = self.speckle.expand(stop - start, -1, -1, -1)
        sampled = F.grid_sample(speckle, grid, align_corners=False, padding_mode="reflection")
        return (sampled * self.share(start, stop)[:, None]).unflatten(1, (2, 2))
