"""The scatterers at rest: a reference map that moves with the tissue and is sampled by the beams."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.phantom.beams import Beams
from echogan.phantom.draw import Draw, blur
from echogan.phantom.raster import Raster
from echogan.phantom.tissues import FLUID, Tissue

ROWS, COLUMNS = 400, 232
WIDER_RAD, DEEPER_CM = 0.16, 2.5
"""The reference reaches beyond the fan, so that tissue can move in."""
GRAIN = 0.55
"""Scatterers are blurred by so many samples, or bilinear sampling would modulate their variance."""


def reference_beams(beams: Beams) -> Beams:
    """The grid of the reference map: the fan of `beams`, wider and deeper."""
    half, depth = beams.half_angle + WIDER_RAD, beams.depth_cm + DEEPER_CM
    return replace(beams, half_angle=half, depth_cm=depth, rows=ROWS, columns=COLUMNS)


def grain_cm(beams: Beams) -> float:
    """Axial FWHM of the amplitude that one scatterer has in the reference map."""
    return 2.355 * math.hypot(GRAIN, 1 / math.sqrt(6)) * reference_beams(beams).row_cm


@dataclass(frozen=True)
class Medium:
    """The reference map.

    echoes   (1, 6, ROWS, COLUMNS): two complex scatter fields (real, imaginary, twice) with the tissue's amplitude,
             the share of fluid, and proneness to drop out (0 to 1)
    classes  (1, 2, ROWS, COLUMNS): the Tissue label, and 1 where a lesion is
    """

    beams: Beams
    echoes: Tensor
    classes: Tensor


def scatter(draw: Draw, raster: Raster, level_db: Tensor, prone: Tensor, lesion: Tensor | None) -> Medium:
    """Fill the tissue with scatterers of a brightness (dB against normal myocardium)."""
    fluid = raster.inside(*FLUID)
    amplitude = 10 ** (level_db / 20) * _sparkle(draw, fluid)
    amplitude = torch.where(fluid, _specks(draw, raster), amplitude)
    amplitude = _slice_thickness(draw, amplitude)
    shape = amplitude.shape
    speckle = blur(draw.normal(4, 1, *shape).to(amplitude.device), GRAIN)[:, 0]
    speckle = speckle / speckle.std()
    soft_fluid = blur(fluid.float()[None, None], 0.8)[0, 0]
    echoes = torch.cat([speckle * amplitude, soft_fluid[None], prone[None]])[None]
    labels = raster.labels.float()
    classes = torch.stack([labels, torch.zeros_like(labels) if lesion is None else lesion.float()])[None]
    return Medium(raster.beams, echoes, classes)


def _sparkle(draw: Draw, like: Tensor) -> Tensor:
    """A few scatterers outshine the others: tissue is a little brighter-tailed than fully developed speckle."""
    strong = draw.normal(*like.shape).to(like.device) > draw.uniform(2.3, 2.9)
    return 1 + strong * draw.uniform(1.0, 3.0) * draw.normal(*like.shape).to(like.device).abs()


def _specks(draw: Draw, raster: Raster) -> Tensor:
    """Chords and trabeculae that cross the slice: sparse bright points in clusters inside the left ventricle."""
    shape, device = raster.labels.shape, raster.labels.device
    cluster = draw.smooth(shape, (20, 12)).to(device) > draw.uniform(-0.3, 1.6)
    point = draw.normal(*shape).to(device) > 2.4
    bright = 10 ** (draw.uniform(-8, 4) / 20) * draw.normal(*shape).to(device).abs()
    return bright * (cluster & point & raster.inside(Tissue.LV))


def _slice_thickness(draw: Draw, amplitude: Tensor) -> Tensor:
    """The slice is 1 to 2 mm thick: neighbouring tissue adds its energy, near and, faintly, far."""
    energy = amplitude.square()[None, None]
    share = draw.uniform(0.15, 0.4)
    near = blur(energy, draw.uniform(2, 4), draw.uniform(1, 2))
    far = F.interpolate(blur(F.avg_pool2d(energy, 4), 3.0, 2.0), scale_factor=4, mode="bilinear")
    return ((1 - share) * energy + 0.7 * share * near + 0.036 * share * far).sqrt()[0, 0]
