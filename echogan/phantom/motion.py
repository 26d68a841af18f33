"""The beating heart: contraction over the cycle, the displacement it causes, and where each beam sample was."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.phantom.anatomy import Anatomy
from echogan.phantom.draw import Draw
from echogan.phantom.outlines import EXTENT_CM, LEFT_CM, TOP_CM

# Phase of the cycle against contraction (0 at end-diastole, 1 at end-systole): ejection, rapid filling,
# diastasis, atrial kick.
_CONTRACTION = (
    (0.0, 0.0), (0.05, 0.03), (0.15, 0.45), (0.28, 0.92), (0.36, 1.0), (0.42, 0.93), (0.5, 0.52), (0.58, 0.27),
    (0.68, 0.20), (0.82, 0.19), (0.9, 0.06), (1.0, 0.0),
)  # fmt: skip
_OPENING = (
    (0.0, 0.15), (0.03, 0.0), (0.38, 0.0), (0.43, 0.2), (0.48, 1.0), (0.6, 0.6), (0.72, 0.35), (0.82, 0.4),
    (0.9, 0.85), (0.96, 0.4), (1.0, 0.15),
)  # fmt: skip


@dataclass(frozen=True)
class MotionSettings:
    """How the heart beats."""

    heart_rate: tuple[float, float] = field(default=(52, 100), metadata={"help": "beats per minute"})
    frame_rate: tuple[float, float] = field(default=(25, 60), metadata={"help": "frames per second"})
    contraction: tuple[float, float] = field(
        default=(0.35, 1.0), metadata={"help": "share of a normal contraction"}
    )
    out_of_plane: tuple[float, float] = field(
        default=(0.4, 1.2), metadata={"help": "speckle change per beat, rad"}
    )


@dataclass(frozen=True)
class Motion:
    """One clip's motion. `contraction` and `phase` are (T,), `drift_cm` (T, 2), `turnover` (T,) in radians."""

    phase: Tensor
    contraction: Tensor
    drift_cm: Tensor
    turnover: Tensor
    radial_cm: float
    reach_cm: float
    longitudinal_cm: float
    frame_rate: float
    heart_rate: float


def curve(knots: tuple[tuple[float, float], ...], phase: Tensor) -> Tensor:
    """A periodic curve through the knots at the phases given, smoothed by a narrow Gaussian."""
    x, y = torch.tensor(knots).T.contiguous()
    fine = torch.arange(512) / 512
    right = torch.searchsorted(x, fine, right=True).clamp(1, len(x) - 1)
    share = (fine - x[right - 1]) / (x[right] - x[right - 1])
    table = y[right - 1] + share * (y[right] - y[right - 1])
    kernel = torch.exp(-((torch.arange(-16, 17) / 7.0) ** 2))
    table = F.conv1d(
        F.pad(table[None, None], (16, 16), mode="circular"), (kernel / kernel.sum())[None, None]
    )[0, 0]
    at = (phase % 1) * 512
    low = at.long() % 512
    return table[low] + (at - at.floor()) * (table[(low + 1) % 512] - table[low])


def draw_motion(draw: Draw, settings: MotionSettings, frames: int) -> Motion:
    """Draw one clip's heart rate, frame rate, strength of contraction and breathing."""
    rate, heart = draw.within(settings.frame_rate), draw.within(settings.heart_rate)
    strength = draw.within(settings.contraction)
    time = torch.arange(frames) / rate
    phase = (time * heart / 60 + draw.uniform(0, 1)) % 1
    contraction = curve(_CONTRACTION, phase)
    breath = 2 * math.pi * 0.25 * time + draw.uniform(0, 2 * math.pi)
    drift = torch.stack([0.10 * torch.sin(breath), 0.15 * torch.sin(breath + 0.4)], 1)
    turnover = draw.within(settings.out_of_plane) * contraction + 0.25 * torch.sin(breath)
    return Motion(
        phase, contraction, drift, turnover, draw.uniform(0.65, 0.9) * strength, draw.uniform(0.9, 1.3),
        draw.uniform(0.9, 1.7) * (0.4 + 0.6 * strength), rate, heart,
    )  # fmt: skip


def displacement(anatomy: Anatomy, motion: Motion, points: Tensor) -> Tensor:
    """How far tissue at end-diastolic `points` (..., 2) has moved at end-systole, (..., 2) in cm.

    Radial inwards, fading with distance from the LV cavity; longitudinal towards the apex, growing to the base.
    """
    offset = points - anatomy.apex
    along = (offset * anatomy.axis).sum(-1)
    share = (along / anatomy.length).clamp(0.12, 1)
    radial = offset - share[..., None] * anatomy.length * anatomy.axis
    radius = radial.norm(dim=-1).clamp_min(1e-4)
    depth = sample_reference(anatomy.distance["lv"], points)
    fade = torch.where(
        depth < 0, radius / (radius - depth.clamp_max(0)), torch.exp(-depth.clamp_min(0) / motion.reach_cm)
    )
    fade = fade * torch.sigmoid((anatomy.length - 0.3 - along) / 0.35) * motion.radial_cm
    above = (along / anatomy.length).clamp(0, 1) ** 1.1
    below = (1 - (along - anatomy.length) / (anatomy.reach - anatomy.length + 1.5)).clamp(0, 1)
    lift = torch.where(along > anatomy.length, below, above)
    lift = lift * torch.exp(-(radius - 6.5).clamp_min(0) / 1.5) * motion.longitudinal_cm
    return -radial / radius[..., None] * fade[..., None] - anatomy.axis * lift[..., None]


def sample_reference(image: Tensor, points: Tensor) -> Tensor:
    """Bilinear values of a reference image (512, 512) at points (h, w, 2) or (n, 2) in cm."""
    shape = points.shape[:-1]
    grid = normalise(points).reshape(1, 1, -1, 2)
    return F.grid_sample(image[None, None], grid, align_corners=False, padding_mode="border").reshape(shape)


def normalise(points: Tensor) -> Tensor:
    """Centimetres to the [-1, 1] coordinates of `grid_sample` over the reference grid."""
    return (points - torch.tensor([LEFT_CM, TOP_CM], device=points.device)) * (2 / EXTENT_CM) - 1


def origins(anatomy: Anatomy, motion: Motion, points: Tensor) -> Tensor:
    """Where the tissue now at `points` (h, w, 2) was at end-diastole, per frame: (T, h, w, 2) in cm.

    The displacement is inverted by fixed point at contraction 0, 1/2 and 1 and interpolated in between.
    """
    levels = [points]
    for level in (0.5, 1.0):
        guess = points
        for _ in range(4):
            guess = points - level * displacement(anatomy, motion, guess)
        levels.append(guess)
    rest, half, full = levels
    e = motion.contraction[:, None, None, None]
    blend = (1 - 2 * e).clamp_min(0) * rest + (1 - (2 * e - 1).abs()) * half + (2 * e - 1).clamp_min(0) * full
    return blend - motion.drift_cm[:, None, None, :]


def leaflet_points(anatomy: Anatomy, motion: Motion, count: int = 48) -> Tensor:
    """Points along every leaflet, per frame: (T, leaflets, count, 2) in cm."""
    share = torch.linspace(0, 1, count)[:, None]
    opening = curve(_OPENING, motion.phase).clamp(0, 1)
    hinges = torch.stack([leaflet.hinge for leaflet in anatomy.leaflets])
    moved = displacement(anatomy, motion, hinges)
    curves = []
    for leaflet, move in zip(anatomy.leaflets, moved, strict=True):
        o = opening[:, None, None]
        shift = motion.contraction[:, None, None] * move + motion.drift_cm[:, None, :]
        hinge = leaflet.hinge + shift
        tip = leaflet.closed * (1 - o) + leaflet.opened * o + shift
        chord = tip - hinge
        middle = (hinge + tip) / 2 + torch.stack([-chord[..., 1], chord[..., 0]], -1) * leaflet.bow
        curves.append((1 - share) ** 2 * hinge + 2 * share * (1 - share) * middle + share**2 * tip)
    return torch.stack(curves, 1)
