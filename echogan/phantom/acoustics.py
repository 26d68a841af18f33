"""From scatterers to echo: the probe, the two-way point-spread function, log compression and display.

Beam space is complex and sampled on DEPTHS x BEAMS; a complex field is a pair of channels (real, imaginary).
Amplitudes are relative to normal myocardium (0 dB).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.phantom.draw import Draw, blur

DEPTHS, BEAMS, ZONES = 288, 128, 48
SOUND_CM_MHZ = 0.154
FULL_SCALE_DB = 28.0
"""The level that a gain of 0 dB shows as white: it balances the sum that the PSF's unit energy makes."""


@dataclass(frozen=True)
class AcousticSettings:
    """The probe, the beam and the display of a good acquisition. Each clip draws once from every range."""

    half_angle_deg: tuple[float, float] = field(
        default=(32, 42), metadata={"help": "half of the fan, degrees"}
    )
    depth_cm: tuple[float, float] = field(default=(13, 17.5), metadata={"help": "imaged depth, cm"})
    frequency_mhz: tuple[float, float] = field(default=(2.6, 4.2), metadata={"help": "centre frequency, MHz"})
    aperture_cm: tuple[float, float] = field(default=(1.6, 2.2), metadata={"help": "probe aperture, cm"})
    focus_cm: tuple[float, float] = field(default=(6, 10), metadata={"help": "transmit focus, cm"})
    aberration_rad: tuple[float, float] = field(default=(0, 0.45), metadata={"help": "phase error, rad RMS"})
    side_lobes_db: tuple[float, float] = field(default=(-44, -30), metadata={"help": "side-lobe level, dB"})
    axial_fwhm_cm: tuple[float, float] = field(
        default=(0.05, 0.09), metadata={"help": "axial pulse, cm FWHM"}
    )
    dynamic_range_db: tuple[float, float] = field(default=(54, 62), metadata={"help": "dynamic range, dB"})
    gain_db: tuple[float, float] = field(default=(-7, -2), metadata={"help": "gain, dB"})
    gamma: tuple[float, float] = field(default=(1.1, 1.4), metadata={"help": "grey curve exponent"})
    blood_db: tuple[float, float] = field(
        default=(-32, -22), metadata={"help": "blood against myocardium, dB"}
    )
    noise_db: tuple[float, float] = field(
        default=(-42, -32), metadata={"help": "electronic noise at the face, dB"}
    )
    noise_slope_db: tuple[float, float] = field(
        default=(8, 16), metadata={"help": "noise added by full depth, dB"}
    )
    near_db: tuple[float, float] = field(
        default=(-16, -6), metadata={"help": "chest wall at the probe face, dB"}
    )
    edge_db: tuple[float, float] = field(
        default=(1, 24), metadata={"help": "loss at each edge of the fan, dB"}
    )
    edge_from: tuple[float, float] = field(
        default=(0.35, 0.85), metadata={"help": "where that loss begins, share of the half-angle"}
    )
    window_db: tuple[float, float] = field(default=(1, 4), metadata={"help": "uneven gain over the fan, dB"})
    compounding: tuple[float, float] = field(
        default=(0.2, 0.8), metadata={"help": "weight of the second look"}
    )
    smoothing: tuple[float, float] = field(
        default=(0.35, 0.8), metadata={"help": "display smoothing, samples"}
    )
    sharpening: tuple[float, float] = field(
        default=(0, 0.7), metadata={"help": "edge enhancement, share added"}
    )
    persistence: tuple[float, float] = field(default=(0, 0.3), metadata={"help": "share of the frame before"})


@dataclass(frozen=True)
class Acquisition:
    """One draw from AcousticSettings, same names, same units, plus the fixed patterns of the clip.

    window_db  (DEPTHS, BEAMS) uneven gain; near (2, DEPTHS, BEAMS) chest-wall echo; blood_db (DEPTHS, BEAMS)
    """

    half_angle: float
    depth_cm: float
    frequency_mhz: float
    aperture_cm: float
    focus_cm: float
    aberration_rad: float
    side_lobes_db: float
    axial_fwhm_cm: float
    dynamic_range_db: float
    gain_db: float
    gamma: float
    noise_db: float
    noise_slope_db: float
    compounding: float
    smoothing: float
    sharpening: float
    persistence: float
    window_db: Tensor
    near: Tensor
    blood_db: Tensor

    @property
    def radius_cm(self) -> Tensor:
        """Depth of each sample, (DEPTHS,) in cm."""
        return (torch.arange(DEPTHS) + 0.5) / DEPTHS * self.depth_cm

    @property
    def angle(self) -> Tensor:
        """Angle of each beam, (BEAMS,) in radians."""
        return torch.linspace(-self.half_angle, self.half_angle, BEAMS)

    def points(self) -> Tensor:
        """Cartesian place of each beam sample, (DEPTHS, BEAMS, 2) in cm."""
        r, t = self.radius_cm[:, None], self.angle[None]
        return torch.stack([r * torch.sin(t), r * torch.cos(t)], -1)

    def noise_amplitude(self, level_db: float, slope_db: float) -> Tensor:
        """Electronic noise by depth, (DEPTHS, 1)."""
        return 10 ** ((level_db + slope_db * self.radius_cm / self.depth_cm) / 20)[:, None]


def draw_acquisition(draw: Draw, settings: AcousticSettings) -> Acquisition:
    """Draw a probe, a beam and a display from the settings' ranges."""
    s = settings
    half = math.radians(draw.within(s.half_angle_deg))
    depth = draw.within(s.depth_cm)
    r = (torch.arange(DEPTHS) + 0.5) / DEPTHS * depth
    across = torch.linspace(-1, 1, BEAMS)
    edge = -sum(_edge_loss(draw, side * across, r / depth, s) for side in (1, -1))
    tgc = draw.smooth((DEPTHS, 1), (DEPTHS / 8, 1)) * 1.2
    window = draw.within(s.window_db) * draw.smooth((DEPTHS, BEAMS), (DEPTHS / 5, BEAMS / 5)) + edge + tgc
    blood = draw.within(s.blood_db) + 3 * draw.smooth((DEPTHS, BEAMS), (DEPTHS / 4, BEAMS / 4))
    return Acquisition(
        half, depth, draw.within(s.frequency_mhz), draw.within(s.aperture_cm), draw.within(s.focus_cm),
        draw.within(s.aberration_rad), draw.within(s.side_lobes_db), draw.within(s.axial_fwhm_cm),
        draw.within(s.dynamic_range_db), draw.within(s.gain_db), draw.within(s.gamma), draw.within(s.noise_db),
        draw.within(s.noise_slope_db), draw.within(s.compounding), draw.within(s.smoothing), draw.within(s.sharpening),
        draw.within(s.persistence), window, _chest_wall(draw, r, s), blood,
    )  # fmt: skip


def _edge_loss(draw: Draw, across: Tensor, deep: Tensor, settings: AcousticSettings) -> Tensor:
    """Poor contact darkens one edge of the fan, more so with depth: (DEPTHS, BEAMS) in dB, 0 or more."""
    begin = draw.within(settings.edge_from)
    share = ((across - begin) / (1 - begin)).clamp_min(0) ** 1.5
    return draw.within(settings.edge_db) * share[None] * (0.3 + deep[:, None]).clamp_max(1)


def _chest_wall(draw: Draw, r: Tensor, settings: AcousticSettings) -> Tensor:
    """Skin, fat and muscle layers in front of the heart: fixed to the probe, (2, DEPTHS, BEAMS)."""
    layers = sum(
        draw.uniform(0.5, 1.6) * torch.exp(-(((r - draw.uniform(0.3, 1.8)) / draw.uniform(0.06, 0.2)) ** 2))
        for _ in range(5)
    )
    fade = torch.exp(-r / draw.uniform(0.4, 0.9)), torch.exp(-r / 1.5), torch.exp(-r / draw.uniform(1.5, 3))
    profile = 2 * fade[0] + 0.8 * layers * fade[1] + 0.35 * fade[2]
    level = 3 * 10 ** (draw.within(settings.near_db) / 20)
    return draw.normal(2, DEPTHS, BEAMS) * (level * profile)[None, :, None]


def lateral_psf(
    acquisition: Acquisition, draw: Draw, aberration_rad: float, side_lobes_db: float, aperture: float = 1.0
) -> Tensor:
    """Two-way lateral PSF of each depth zone as a real matrix on stacked (real, imaginary) beams.

    Fixed transmit focus times dynamic receive (f-number 1.2), Hamming apodisation, a phase screen, and a
    side-lobe tail; unit energy per zone. Returns (ZONES, 2 * BEAMS, 2 * BEAMS).
    """
    a = acquisition
    width = a.aperture_cm * aperture
    wave = 2 * math.pi * a.frequency_mhz / SOUND_CM_MHZ
    x = torch.linspace(-0.5, 0.5, 64) * width
    depth = a.radius_cm.view(ZONES, -1).mean(1)[:, None]
    screen = (
        aberration_rad * draw.smooth((1, 64), (1, 64 * 0.35 / 2.35 / width))[0]
        if aberration_rad
        else torch.zeros(64)
    )
    offset = torch.arange(-(BEAMS - 1), BEAMS) * (2 * a.half_angle / (BEAMS - 1))
    steering = torch.exp(-1j * wave * torch.outer(x, torch.sin(offset)))
    window = (0.54 + 0.46 * torch.cos(2 * math.pi * x / width)) * _active_aperture(x, depth, width)
    focusing = wave * x**2 / 2 * (1 / depth.clamp_min(0.5) - 1 / a.focus_cm)
    transmit, receive = ((window * torch.exp(1j * (phase + screen))) @ steering for phase in (focusing, 0))
    psf = _peak_one(transmit) * _peak_one(receive)
    tail = torch.exp(-offset.abs() / math.radians(9)) * torch.exp(
        2j * math.pi * torch.rand(len(offset), generator=draw.generator)
    )
    psf = psf + 10 ** (side_lobes_db / 20) * tail
    psf = psf / psf.abs().square().sum(1, keepdim=True).sqrt()
    # Small taps cost time as denormals and add nothing.
    psf = torch.where(psf.abs() < 1e-4, torch.zeros_like(psf), psf)
    beams = torch.arange(BEAMS)
    matrix = psf[:, beams[None] - beams[:, None] + BEAMS - 1]
    real, imaginary = matrix.real, matrix.imag
    return torch.cat([torch.cat([real, imaginary], 2), torch.cat([-imaginary, real], 2)], 1).float()


def _active_aperture(x: Tensor, depth: Tensor, width: float, f_number: float = 1.2) -> Tensor:
    active = (depth / f_number).clamp_max(width)
    return (1 - (x.abs() - active / 2).clamp_min(0) / (0.08 * width)).clamp(0, 1)


def _peak_one(response: Tensor) -> Tensor:
    return response / response.abs().amax(1, keepdim=True)


def apply_lateral(field: Tensor, psf: Tensor) -> Tensor:
    """Convolve a complex field (T, 2, DEPTHS, BEAMS) with each depth zone's lateral PSF."""
    frames, rows = field.shape[0], DEPTHS // ZONES
    zones = (
        field.view(frames, 2, ZONES, rows, BEAMS)
        .permute(2, 0, 3, 1, 4)
        .reshape(ZONES, frames * rows, 2 * BEAMS)
    )
    out = torch.bmm(zones, psf).view(ZONES, frames, rows, 2, BEAMS)
    return out.permute(1, 3, 0, 2, 4).reshape(frames, 2, DEPTHS, BEAMS)


def apply_axial(field: Tensor, fwhm_cm: float, depth_cm: float) -> Tensor:
    """Axial pulse: a Gaussian of unit energy along depth, (T, c, DEPTHS, BEAMS)."""
    sigma = fwhm_cm / 2.355 / (depth_cm / DEPTHS)
    radius = max(2, math.ceil(3 * sigma))
    taps = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, device=field.device) / sigma) ** 2)
    taps = (taps / taps.square().sum().sqrt()).view(1, 1, -1, 1)
    shape = field.shape
    return F.conv2d(field.reshape(-1, 1, *shape[-2:]), taps, padding=(radius, 0)).view(shape)


@dataclass(frozen=True)
class Display:
    """How echo energy becomes grey: dB, gain, dynamic range, gamma, smoothing, edge enhancement, persistence."""

    gain_db: float
    dynamic_range_db: float
    gamma: float
    smoothing: float
    sharpening: float
    persistence: float

    def show(self, energy: Tensor, before: Tensor | None = None) -> Tensor:
        """Echo energy (T, DEPTHS, BEAMS) to grey in [0, 1]; `before` is the last grey frame, for persistence."""
        level = 10 * torch.log10(energy + 1e-9)[:, None]
        level = blur(level, 0.7 * self.smoothing, self.smoothing)
        if self.sharpening:
            level = level + self.sharpening * (level - blur(level, 2.0))
        span = self.dynamic_range_db
        grey = ((level[:, 0] + self.gain_db + span - FULL_SCALE_DB) / span).clamp(0, 1) ** self.gamma
        if self.persistence:
            grey = _persist(grey, self.persistence, before)
        return grey


def _persist(grey: Tensor, share: float, before: Tensor | None) -> Tensor:
    shown = []
    for frame in grey:
        before = frame if before is None else (1 - share) * frame + share * before
        shown.append(before)
    return torch.stack(shown)
