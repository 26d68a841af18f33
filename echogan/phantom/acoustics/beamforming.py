"""The two-way point-spread function: focused transmit, dynamic receive, aberration, side lobes; and the pulse.

A complex field is a pair of channels (real, imaginary); amplitudes are relative to normal myocardium.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from echogan.phantom.beams import Beams
from echogan.phantom.draw import Draw, generator_of

ZONES = 48
SOUND_CM_MHZ = 0.154
F_NUMBER = 1.2
ELEMENTS = 64


@functools.lru_cache(maxsize=2)  # a degradation is tried on one frame, then rendered with
def lateral_psf(
    beams: Beams,
    frequency_mhz: float,
    aperture_cm: float,
    focus_cm: float,
    refocused: float = 0.0,
    aberration_rad: float = 0.0,
    side_lobes_db: float = -200.0,
    seed: int = 0,
) -> Tensor:
    """Two-way lateral PSF of each depth zone, a real matrix on stacked (real, imaginary) beams, unit energy.

    The product of the fields of a fixed transmit focus and a dynamic receive focus, each the Fourier transform of
    the Hamming-weighted aperture with its phase errors (Goodman, Introduction to Fourier Optics, section 4.3;
    the convolution model: Gao et al., IEEE TUFFC 56(9), 2009), plus a side-lobe tail. `refocused` is the
    share of the transmit focusing error that retrospective beamforming makes good.
    Returns (ZONES, 2 * columns, 2 * columns).
    """
    psf = psf_by_zone(beams, frequency_mhz, aperture_cm, focus_cm, refocused, aberration_rad, seed)
    offset = _offsets(beams)
    phase = 2 * math.pi * torch.rand(len(offset), generator=generator_of(seed))
    tail = torch.exp(-offset.abs() / math.radians(9)) * torch.exp(1j * phase)
    psf = psf + 10 ** (side_lobes_db / 20) * tail
    psf = psf / psf.abs().square().sum(1, keepdim=True).sqrt()
    # Small taps cost time as denormals and add nothing.
    psf = torch.where(psf.abs() < 1e-4, 0, psf).to(torch.complex64)
    # Row i, column j of each quarter is the tap at offset j - i.
    columns = beams.columns
    real, imaginary = (part.unfold(1, columns, 1).flip(1) for part in (psf.real, psf.imag))
    matrix = torch.empty(ZONES, 2, columns, 2, columns)
    matrix[:, 0, :, 0] = matrix[:, 1, :, 1] = real
    matrix[:, 0, :, 1] = imaginary
    torch.neg(imaginary, out=matrix[:, 1, :, 0])
    return matrix.view(ZONES, 2 * columns, 2 * columns)


def psf_by_zone(
    beams: Beams,
    frequency_mhz: float,
    aperture_cm: float,
    focus_cm: float,
    refocused: float = 0.0,
    aberration_rad: float = 0.0,
    seed: int = 0,
) -> Tensor:
    """The PSF against beam offset, peak one per factor: complex (ZONES, 2 * columns - 1)."""
    wave = 2 * math.pi * frequency_mhz / SOUND_CM_MHZ
    x = torch.linspace(-0.5, 0.5, ELEMENTS) * aperture_cm
    depth = beams.radius_cm.view(ZONES, -1).mean(1)[:, None]
    screen = torch.zeros(ELEMENTS)
    if aberration_rad:
        # Correlated over 3.5 mm of the aperture, full width at half maximum.
        width = ELEMENTS * 0.35 / 2.355 / aperture_cm
        screen = aberration_rad * Draw(seed).smooth((1, ELEMENTS), (1, width))[0]
    steering = torch.exp(-1j * wave * torch.outer(x, torch.sin(_offsets(beams))))
    active = (depth / F_NUMBER).clamp_max(aperture_cm)
    shape = (1 - (x.abs() - active / 2).clamp_min(0) / (0.08 * aperture_cm)).clamp(0, 1)
    window = (0.54 + 0.46 * torch.cos(2 * math.pi * x / aperture_cm)) * shape
    focusing = (1 - refocused) * wave * x**2 / 2 * (1 / depth.clamp_min(0.5) - 1 / focus_cm)
    transmit, receive = ((window * torch.exp(1j * (phase + screen))) @ steering for phase in (focusing, 0))
    return _peak_one(transmit) * _peak_one(receive)


def _offsets(beams: Beams) -> Tensor:
    step = 2 * beams.half_angle / (beams.columns - 1)
    return torch.arange(-(beams.columns - 1), beams.columns) * step


def _peak_one(response: Tensor) -> Tensor:
    return response / response.abs().amax(1, keepdim=True)


def apply_lateral(field: Tensor, psf: Tensor) -> Tensor:
    """Convolve a complex field (T, looks, 2, rows, columns) with each depth zone's lateral PSF."""
    frames, looks, _, rows, columns = field.shape
    zones = field.view(frames * looks, 2, ZONES, rows // ZONES, columns).permute(2, 0, 3, 1, 4)
    out = torch.bmm(zones.reshape(ZONES, -1, 2 * columns), psf)
    out = out.view(ZONES, frames * looks, rows // ZONES, 2, columns).permute(1, 3, 0, 2, 4)
    return out.reshape(field.shape)
