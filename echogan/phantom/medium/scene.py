"""A beating heart before the beams: where its scatterers, valves and labels are in each frame."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.phantom.anatomy.heart import Heart
from echogan.phantom.beams import Beams
from echogan.phantom.draw import Draw, Noise
from echogan.phantom.lesions import Lesion
from echogan.phantom.medium.mobile import MobileLesion
from echogan.phantom.medium.scatterers import Medium
from echogan.phantom.medium.valves import draw_valves
from echogan.phantom.motion.beating import Motion, leaflet_curves, origins
from echogan.phantom.tissues import Tissue

COARSER = 6
"""Motion is smooth: it is computed on every sixth row and column of the beams and interpolated."""
_DRIFT_STEP_CM = 0.1


class Scene:
    """The medium as it moves, sampled on the beams; frames are (T, rows, columns) on the medium's device.

    blood_db  (rows, columns) level of blood against myocardium
    """

    def __init__(
        self,
        heart: Heart,
        motion: Motion,
        medium: Medium,
        beams: Beams,
        blood_db: Tensor,
        lesion: Lesion | None,
        seed: int,
    ) -> None:
        device = medium.echoes.device
        self.motion, self.medium, self.beams, self.seed = motion, medium, beams, seed
        self.blood = (10 ** (blood_db / 20)).to(device)
        self._basis = _motion_basis(heart, motion, beams, medium.beams).to(device)
        self._weights = torch.cat([motion.blend, -motion.drift_cm / _DRIFT_STEP_CM], 1).to(device)
        curves = leaflet_curves(heart, motion)
        self.valves = draw_valves(Draw(seed + 1), heart, motion, curves, beams).to(device)
        self.mobile: MobileLesion | None = None
        if lesion is not None and lesion.mobile:
            self.mobile = MobileLesion(heart, motion, lesion, curves, beams, device)

    def grid(self, start: int, stop: int) -> Tensor:
        """Where in the medium each beam sample lies: (T, rows, columns, 2) for `grid_sample`."""
        flat = self._weights[start:stop] @ self._basis.flatten(1)
        return flat.view(stop - start, *self._basis.shape[1:])

    def echoes(self, grid: Tensor, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Two looks at the scatterers, (T, 2 looks, 2, rows, columns), and how readily tissue drops out (T, ...)."""
        reference = self.medium.echoes.expand(len(grid), -1, -1, -1)
        sampled = F.grid_sample(reference, grid, align_corners=False, padding_mode="border")
        turn = self.motion.turnover[start:stop].to(grid.device)[:, None, None, None]
        # Motion out of the plane: the slice turns into the one behind it. Within one slice the energy of both looks
        # together would never change.
        looks = torch.addcmul(sampled[:, :4] * torch.cos(turn), sampled[:, 4:8], torch.sin(turn))
        looks, fluid, prone = looks.unflatten(1, (2, 2)), sampled[:, 8:9], sampled[:, 9]
        white = Noise(self.seed + start, grid.device).received(*looks.shape)
        valves = self.valves[start:stop, None, None]
        looks = looks + white * (fluid * self.blood + 0.7 * valves.squeeze(1))[:, None] + 0.5 * valves
        if self.mobile is not None:
            looks = looks + self.mobile.echoes(start, stop)
        return looks, prone

    def classes(self, grid: Tensor, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Tissue labels and the lesion's share, float (T, rows, columns) each."""
        reference = self.medium.classes.expand(len(grid), -1, -1, -1)
        sampled = F.grid_sample(reference, grid, mode="nearest", align_corners=False, padding_mode="border")
        labels, lesion = sampled[:, 0], sampled[:, 1]
        labels = torch.where(self.valves[start:stop] > 0, float(Tissue.VALVE), labels)
        if self.mobile is not None:
            inside = self.mobile.share(start, stop) > 0.5
            labels = torch.where(inside, float(Tissue.LESION), labels)
            lesion = torch.maximum(lesion, inside.float())
        return labels, lesion


def _motion_basis(heart: Heart, motion: Motion, beams: Beams, reference: Beams) -> Tensor:
    """Maps to be weighted and summed per frame: the origin of each beam sample at contraction 0, 1/2 and 1, and its
    shift for a small drift to the right and downwards: (5, rows, columns, 2) in the reference's coordinates."""
    coarse = beams.resampled(beams.rows // COARSER, beams.columns // COARSER)
    rest = coarse.points()
    steps = torch.tensor([[_DRIFT_STEP_CM, 0.0], [0.0, _DRIFT_STEP_CM]])
    at = [
        reference.grid(points) for points in (*origins(heart, motion, rest), *(rest + step for step in steps))
    ]
    basis = torch.stack(at)
    still = reference.grid(rest)
    basis[3:] -= still
    # Shifts are interpolated, the places themselves are exact: beams would otherwise bend at the fan's edges.
    basis[:3] -= still
    maps = beams.refine(basis.permute(0, 3, 1, 2).flatten(0, 1))
    fine = maps.view(5, 2, beams.rows, beams.columns).permute(0, 2, 3, 1).contiguous()
    fine[:3] += reference.grid(beams.points())
    return fine
