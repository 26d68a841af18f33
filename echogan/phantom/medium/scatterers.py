"""The scatterers at rest: a reference map that moves with the tissue and is sampled by the beams."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.phantom.beams import Beams
from echogan.phantom.draw import Draw, blur
from echogan.phantom.medium.raster import Raster
from echogan.phantom.tissues import FLUID, Tissue

ROWS, COLUMNS = 400, 208
WIDER_RAD, DEEPER_CM = 0.16, 2.5
"""The reference reaches beyond the fan, so that tissue can move in."""
ACROSS = 0.5
"""Scatterers are blurred by so many columns, or bilinear sampling would modulate their variance."""


def reference_beams(beams: Beams) -> Beams:
    """The grid of the reference map: the fan of `beams`, wider and deeper."""
    half, depth = beams.half_angle + WIDER_RAD, beams.depth_cm + DEEPER_CM
    return replace(beams, half_angle=half, depth_cm=depth, rows=ROWS, columns=COLUMNS)


def pulse_rows(beams: Beams, fwhm_cm: float) -> float:
    """The blur in rows of the reference that makes an amplitude this wide (FWHM) once beams have sampled it."""
    sigma = fwhm_cm / 2.355 / beams.row_cm
    # Bilinear sampling at any place between two rows adds a variance of 1/6.
    return math.sqrt(max(sigma**2 - 1 / 6, 0.2**2))


@dataclass(frozen=True)
class Medium:
    """The reference map.

    echoes   (1, 10, ROWS, COLUMNS): two looks at the scatterers of the slice, two at those of the slice behind it
             (real and imaginary part of each), with the tissue's amplitude; the share of fluid; proneness to drop
             out (0 to 1)
    classes  (1, 2, ROWS, COLUMNS): the Tissue label, and 1 where a lesion is
    """

    beams: Beams
    echoes: Tensor
    classes: Tensor


def scatter(
    draw: Draw, raster: Raster, level_db: Tensor, prone: Tensor, pulse_cm: float, lesion: Tensor | None = None
) -> Medium:
    """Fill the tissue with scatterers of a brightness (dB against normal myocardium), each as long as the pulse.

    pulse_cm  FWHM of the pulse's amplitude: lateral and axial response act apart, so it may come first.
    """
    fluid = raster.inside(*FLUID)
    amplitude = 10 ** (level_db / 20) * _sparkle(draw, fluid)
    amplitude = torch.where(fluid, _specks(draw, raster), amplitude)
    amplitude = _slice_thickness(draw, amplitude)
    moving = speckle(draw, raster.beams, pulse_cm).to(amplitude.device)
    soft_fluid = blur(fluid.float()[None, None], 0.8)[0, 0]
    echoes = torch.cat([moving * amplitude, soft_fluid[None], (prone * (1 - soft_fluid))[None]])[None]
    labels = raster.labels.float()
    classes = torch.stack([labels, torch.zeros_like(labels) if lesion is None else lesion.float()])[None]
    return Medium(raster.beams, echoes, classes)


def speckle(draw: Draw, beams: Beams, pulse_cm: float) -> Tensor:
    """Four complex fields of scatterers of unit variance, as long as the pulse: (8, rows, columns)."""
    white = draw.normal(8, beams.rows, beams.columns)
    smooth = blur(white, pulse_rows(beams, pulse_cm), ACROSS)
    return smooth / smooth.std()


def _sparkle(draw: Draw, like: Tensor) -> Tensor:
    """A few scatterers outshine the others: tissue is a little brighter-tailed than fully developed speckle."""
    strong = draw.normal(*like.shape).to(like.device) > draw.uniform(2.1, 2.7)
    return 1 + strong * draw.uniform(1.0, 3.0) * draw.normal(*like.shape).to(like.device).abs()


def _specks(draw: Draw, raster: Raster) -> Tensor:
    """Chords and trabeculae that cross the slice: sparse bright points in clusters inside the left ventricle."""
    shape, device = raster.labels.shape, raster.labels.device
    cluster = draw.smooth((shape[0], shape[1]), (20, 12)).to(device) > draw.uniform(-0.3, 1.6)
    point = draw.normal(*shape).to(device) > 2.4
    bright = 10 ** (draw.uniform(-8, 4) / 20) * draw.normal(*shape).to(device).abs()
    return bright * (cluster & point & raster.inside(Tissue.LV))


def _slice_thickness(draw: Draw, amplitude: Tensor) -> Tensor:
    """The slice is 1 to 2 mm thick: neighbouring tissue adds its energy, near and, faintly, far."""
    energy = amplitude.square()[None, None]
    share, far_share = draw.uniform(0.35, 0.7), draw.uniform(0.01, 0.06)
    near = blur(energy, draw.uniform(2, 5), draw.uniform(1, 2.5))
    far = F.interpolate(blur(F.avg_pool2d(energy, 4), 3.0, 2.0), scale_factor=4, mode="bilinear")
    return ((1 - share) * energy + 0.7 * share * near + far_share * far).sqrt()[0, 0]
