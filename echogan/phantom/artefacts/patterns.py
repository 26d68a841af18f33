"""Where artefacts lie and how strong they are there: speckle fixed to the probe, losses, noise, clutter, haze."""

from __future__ import annotations

import math
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.phantom.artefacts.degradation import Degradation, Shadow
from echogan.phantom.beams import Beams
from echogan.phantom.draw import Draw, blur

COARSE = 8
"""Haze's strength is found on a grid this much coarser."""
SOFT_EDGE, SOFT_START_CM = 0.17, 1.2
FREE_CM = 4.0
MOST_LOSS_DB = 60.0


class NormalSource(Protocol):
    """Where white noise comes from."""

    def normal(self, *shape: int) -> Tensor:
        """Float32 `shape` of unit variance."""
        ...

    def stream(self, name: str) -> NormalSource:
        """A source of its own for what has this name."""
        ...


class Stationary:
    """Speckle fixed to the probe that changes slowly: clutter and haze are built from it.

    A sum of frozen complex fields whose phases turn slowly. Unit variance per part, times `amplitude`.
    Looks see the fields under fixed, different phases: the more even the shares, the less do looks agree.
    """

    def __init__(
        self,
        noise: NormalSource,
        beams: Beams,
        frame_rate: float,
        turns: tuple[tuple[float, float], ...],
        grain: tuple[float, float],
        amplitude: Tensor | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        fields = noise.normal(2 * len(turns), 1, beams.rows, beams.columns).to(device)
        if max(grain) >= 0.1:
            fields = blur(fields, *grain)
            fields = fields / fields.std()
        if amplitude is not None:
            fields = fields * amplitude
        self._shape = beams.rows, beams.columns
        self._fields = fields.reshape(2 * len(turns), -1)
        weights, hertz = torch.tensor(turns, device=fields.device).T
        self._shares = weights / weights.square().sum().sqrt()
        self._turn = hertz * (2 * math.pi / frame_rate)

    def frames(self, start: int, stop: int, looks: int) -> Tensor:
        """(stop - start, looks, 2, rows, columns); a new tensor each time."""
        count, device = len(self._shares), self._fields.device
        time = torch.arange(start, stop, device=device)[:, None, None]
        look, which = torch.arange(looks, device=device)[:, None], torch.arange(count, device=device)
        phase = time * self._turn + look * which * (2 * math.pi / count)
        real, imaginary = self._shares * torch.cos(phase), self._shares * torch.sin(phase)
        mix = torch.stack([torch.cat([real, -imaginary], -1), torch.cat([imaginary, real], -1)], 2)
        return (mix.reshape(-1, 2 * count) @ self._fields).view(stop - start, looks, 2, *self._shape)


def place_of(artefact: str, degradation: Degradation) -> Draw:
    """The random stream that decides where an artefact lies."""
    return Draw(degradation.pattern_seed).stream(f"{artefact} place")


def loss_db(degradation: Degradation, beams: Beams) -> Tensor:
    """What shadows, dark edges and attenuation take away: (rows, columns) in dB, 0 to 60."""
    d, r, across = degradation, beams.radius_cm[:, None], torch.linspace(-1, 1, beams.columns)[None]
    loss = torch.zeros(beams.rows, beams.columns)
    for shadow in d.shadows:
        loss = loss + _shadow_db(shadow, r, across)
    for side, level, begin in zip((-1, 1), d.edge_loss_db or (), d.edge_from, strict=False):
        share = ((side * across - begin) / (1 - begin)).clamp_min(0) ** 1.5
        loss = loss + level * share * (0.3 + r / beams.depth_cm).clamp_max(1)
    if d.attenuation_db_cm is not None:
        loss = loss + d.attenuation_db_cm * (r - FREE_CM).clamp_min(0)
    return loss.clamp_max(MOST_LOSS_DB)


def _shadow_db(shadow: Shadow, radius_cm: Tensor, across: Tensor) -> Tensor:
    beyond = ((across - shadow.centre).abs() / shadow.half_width - 1) / SOFT_EDGE
    return (
        shadow.loss_db * torch.sigmoid(-beyond) * ((radius_cm - shadow.from_cm) / SOFT_START_CM).clamp(0, 1)
    )


def noise_amplitude(degradation: Degradation, beams: Beams) -> Tensor:
    """Electronic noise by depth, (rows, 1)."""
    assert degradation.noise_db is not None
    level = degradation.noise_db + degradation.noise_slope_db * beams.radius_cm / beams.depth_cm
    return 10 ** (level / 20)[:, None]


def near_clutter_amplitude(draw: Draw, degradation: Degradation, beams: Beams) -> Tensor:
    """Near-field clutter, banded by depth as reverberations are: (rows, columns)."""
    assert degradation.near_clutter_db is not None
    r = beams.radius_cm[:, None]
    bands = 0.45 + 0.55 * torch.cos(math.pi * r / draw.uniform(0.5, 1.2)) ** 2
    uneven = 10 ** (2 * smooth_in_fan(draw, beams, beams.depth_cm / 5) / 20)
    fall = torch.exp(-r / degradation.near_clutter_reach_cm)
    return 10 ** (degradation.near_clutter_db / 20) * fall * bands * uneven


def streak_amplitude(draw: Draw, degradation: Degradation, beams: Beams) -> Tensor:
    """Streaks along arcs: (rows, columns)."""
    assert degradation.streaks_db is not None
    streaks = draw.smooth((beams.rows, beams.columns), (0.12 / beams.row_cm, beams.columns / 6))
    return 10 ** (degradation.streaks_db / 20) * ((streaks - 0.8) / 1.2).clamp(0, 1)


def haze_grid(beams: Beams) -> tuple[int, int]:
    """Rows and columns of the coarse grid that haze's strength is found on."""
    return math.ceil(beams.rows / COARSE), math.ceil(beams.columns / COARSE)


def haze_profile(draw: Draw, beams: Beams) -> Tensor:
    """Where haze lies on the coarse grid: broad in depth, uneven across, a mean square of 1."""
    rows, columns = haze_grid(beams)
    deep = torch.linspace(0, 1, rows)[:, None]
    band = torch.exp(-(((deep - draw.uniform(0.1, 0.6)) / draw.uniform(0.2, 0.5)) ** 2)) + 0.25
    coarse = beams.resampled(rows, columns)
    profile = band * 10 ** (2 * smooth_in_fan(draw, coarse, beams.depth_cm / 5) / 20)
    return profile / profile.square().mean().sqrt()


def smooth_in_fan(draw: Draw, beams: Beams, width_cm: float) -> Tensor:
    """A Gaussian field of unit variance, equally smooth everywhere in the fan and not only along its beams.

    Correlated over about `width_cm`: (rows, columns).
    """
    points = beams.points()
    across = beams.depth_cm * 2
    knots = int(across / width_cm) + 1
    places = torch.stack([points[..., 0] / beams.depth_cm, points[..., 1] / beams.depth_cm * 2 - 1], -1) * 0.5
    coarse = draw.normal(1, 1, knots + 4, knots + 4)
    sampled = F.grid_sample(coarse, places[None], mode="bicubic", padding_mode="border", align_corners=False)[
        0, 0
    ]
    return (sampled - sampled.mean()) / sampled.std().clamp_min(1e-6)
