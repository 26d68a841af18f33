"""What makes an echo poor: haze, noise, drop-out, shadow, near-field clutter, gain, a smaller and aberrated aperture.

Every artefact acts on the complex field before log compression, as in life. None means switched off.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.phantom.acoustics import BEAMS, DEPTHS, Acquisition
from echogan.phantom.draw import Draw, blur


@dataclass(frozen=True)
class ArtefactSettings:
    """Ranges of each artefact's strength, and how often it is present (`*_chance`)."""

    haze_chance: float = field(
        default=0.85, metadata={"help": "share of clips with haze", "min": 0, "max": 1}
    )
    haze_db: tuple[float, float] = field(default=(-22, -8), metadata={"help": "haze against local echo, dB"})
    noise_chance: float = field(default=0.6, metadata={"help": "share of clips with more noise"})
    noise_db: tuple[float, float] = field(default=(-38, -25), metadata={"help": "noise at the face, dB"})
    noise_slope_db: tuple[float, float] = field(
        default=(4, 16), metadata={"help": "noise added by depth, dB"}
    )
    drop_chance: float = field(default=0.5, metadata={"help": "share of clips with drop-out"})
    drop_db: tuple[float, float] = field(
        default=(6, 20), metadata={"help": "loss where tissue drops out, dB"}
    )
    shadow_chance: float = field(default=0.4, metadata={"help": "share of clips with one or two shadows"})
    shadow_db: tuple[float, float] = field(default=(8, 28), metadata={"help": "loss within a shadow, dB"})
    clutter_chance: float = field(default=0.6, metadata={"help": "share of clips with near-field clutter"})
    clutter_db: tuple[float, float] = field(default=(-6, 8), metadata={"help": "clutter at the face, dB"})
    attenuation_chance: float = field(default=0.4, metadata={"help": "share of clips that lose with depth"})
    attenuation_db_cm: tuple[float, float] = field(
        default=(0.2, 1.2), metadata={"help": "loss, dB/cm beyond 4 cm"}
    )
    aberration_chance: float = field(default=0.7, metadata={"help": "share of clips with aberration"})
    aberration_rad: tuple[float, float] = field(default=(0.3, 1.1), metadata={"help": "phase error, rad RMS"})
    aperture: tuple[float, float] = field(
        default=(0.55, 0.95), metadata={"help": "share of the aperture that sees"}
    )
    side_lobes_db: tuple[float, float] = field(default=(-40, -24), metadata={"help": "side-lobe level, dB"})
    gain_db: tuple[float, float] = field(
        default=(-6, 6), metadata={"help": "gain against the clean clip, dB"}
    )
    dynamic_range_db: tuple[float, float] = field(default=(44, 64), metadata={"help": "dynamic range, dB"})
    gamma: tuple[float, float] = field(default=(0.8, 1.4), metadata={"help": "grey curve exponent"})
    smoothing: tuple[float, float] = field(
        default=(0.2, 1.1), metadata={"help": "display smoothing, samples"}
    )
    persistence: tuple[float, float] = field(default=(0, 0.5), metadata={"help": "share of the frame before"})
    held_frames: tuple[int, int] = field(default=(1, 3), metadata={"help": "each frame shown so many times"})


@dataclass(frozen=True)
class Shadow:
    """A rib or lung shadow: centre and half-width as shares of the half-angle, loss in dB, start in cm."""

    centre: float
    half_width: float
    loss_db: float
    from_cm: float


@dataclass(frozen=True)
class Degradation:
    """One poor acquisition's artefacts in physical units; None or an empty tuple where absent."""

    gain_db: float = 0.0
    dynamic_range_db: float = 56.0
    gamma: float = 1.2
    smoothing: float = 0.5
    persistence: float = 0.0
    aperture: float = 1.0
    aberration_rad: float | None = None
    side_lobes_db: float | None = None
    haze_db: float | None = None
    pattern_seed: int = 0
    noise_db: float | None = None
    noise_slope_db: float = 0.0
    drop_db: float | None = None
    shadows: tuple[Shadow, ...] = ()
    clutter_db: float | None = None
    clutter_reach_cm: float = 2.0
    attenuation_db_cm: float | None = None
    held_frames: int = 1

    def to_json(self) -> dict:
        return asdict(self)


def draw_degradation(draw: Draw, settings: ArtefactSettings) -> Degradation:
    """Draw one poor acquisition from the settings' ranges."""
    s = settings

    def maybe(chance: float, limits: tuple[float, float]) -> float | None:
        present, value = draw.chance(chance), draw.within(limits)
        return value if present else None

    count = 1 + draw.chance(0.4) if draw.chance(s.shadow_chance) else 0
    shadows = tuple(
        Shadow(
            draw.uniform(-1.1, 1.1), draw.uniform(0.1, 0.4), draw.within(s.shadow_db), draw.uniform(0.5, 3)
        )
        for _ in range(count)
    )
    return Degradation(
        gain_db=draw.within(s.gain_db),
        dynamic_range_db=draw.within(s.dynamic_range_db),
        gamma=draw.within(s.gamma),
        smoothing=draw.within(s.smoothing),
        persistence=draw.within(s.persistence),
        aperture=draw.within(s.aperture),
        aberration_rad=maybe(s.aberration_chance, s.aberration_rad),
        side_lobes_db=maybe(0.6, s.side_lobes_db),
        haze_db=maybe(s.haze_chance, s.haze_db),
        pattern_seed=int(draw.uniform(0, 2**31 - 1)),
        noise_db=maybe(s.noise_chance, s.noise_db),
        noise_slope_db=draw.within(s.noise_slope_db),
        drop_db=maybe(s.drop_chance, s.drop_db),
        shadows=shadows,
        clutter_db=maybe(s.clutter_chance, s.clutter_db),
        clutter_reach_cm=draw.uniform(1.2, 4.5),
        attenuation_db_cm=maybe(s.attenuation_chance, s.attenuation_db_cm),
        held_frames=int(draw.uniform(s.held_frames[0], s.held_frames[1] + 0.999)) if draw.chance(0.3) else 1,
    )


class Stationary:
    """Complex noise fixed to the probe that changes slowly: haze and clutter are built from it.

    A sum of four frozen fields whose weights turn at 0 to 0.5 Hz, unit variance.
    """

    def __init__(self, draw: Draw, frame_rate: float, frames: int) -> None:
        self.fields = draw.normal(4, 2 * DEPTHS * BEAMS)
        time = torch.arange(frames)[:, None] / frame_rate
        start = 2 * torch.pi * torch.rand(4, generator=draw.generator)
        weights = torch.tensor([1.0, 0.35, 0.25, 0.2]) * torch.cos(
            2 * torch.pi * time * torch.tensor([0, 0.15, 0.3, 0.5]) + start
        )
        self.weights = weights / weights.square().sum(1, keepdim=True).sqrt()

    def frames(self, start: int, stop: int, device: torch.device | str) -> Tensor:
        """(stop - start, 2, DEPTHS, BEAMS)."""
        mixed = self.weights[start:stop].to(device) @ self.fields.to(device)
        return mixed.view(-1, 2, DEPTHS, BEAMS)


def clutter_amplitude(draw: Draw, degradation: Degradation, acquisition: Acquisition) -> Tensor | None:
    """Near-field clutter by depth, banded as reverberations are: (DEPTHS, 1), or None."""
    if degradation.clutter_db is None:
        return None
    r = acquisition.radius_cm
    bands = 0.45 + 0.55 * torch.cos(2 * torch.pi * r / draw.uniform(0.5, 1.2)) ** 2
    amplitude = 3 * 10 ** (degradation.clutter_db / 20) * torch.exp(-r / degradation.clutter_reach_cm) * bands
    return amplitude[:, None]


def haze(field_: Tensor, noise: Tensor, degradation: Degradation, profile: Tensor) -> Tensor:
    """Multipath haze: noise with the local echo's smeared amplitude, a little deeper, (T, 2, DEPTHS, BEAMS).

    profile (DEPTHS, BEAMS) makes it uneven. The noise is laterally smooth, as haze is in real poor images.
    """
    if degradation.haze_db is None:
        return torch.zeros_like(field_)
    energy = F.avg_pool2d(field_.square().sum(1, keepdim=True), 8)
    smeared = torch.roll(blur(energy, 4.5, 3.5), 2, dims=2).sqrt()
    amplitude = F.interpolate(smeared, size=(DEPTHS, BEAMS), mode="bilinear") + 0.35
    return noise * amplitude * (10 ** (degradation.haze_db / 20) * profile)


def haze_profile(draw: Draw) -> Tensor:
    """Where haze lies: broad in depth, uneven across, (DEPTHS, BEAMS)."""
    rows = torch.linspace(0, 1, DEPTHS)[:, None]
    band = torch.exp(-(((rows - draw.uniform(0.1, 0.6)) / draw.uniform(0.2, 0.5)) ** 2)) + 0.25
    return band * 10 ** (2 * draw.smooth((DEPTHS, BEAMS), (DEPTHS / 5, BEAMS / 5)) / 20)


def smooth_across(noise: Tensor, beams: float = 1.3) -> Tensor:
    """Lateral smoothing of unit-variance noise that keeps its variance."""
    shape = noise.shape
    smoothed = blur(noise.reshape(-1, 1, *shape[-2:]), 0.05, beams).view(shape)
    return smoothed / smoothed.std()


def loss_db(degradation: Degradation, acquisition: Acquisition) -> Tensor:
    """Shadows and uncompensated attenuation, (DEPTHS, BEAMS) in dB, 0 or more, at most 60."""
    r = acquisition.radius_cm[:, None]
    across = torch.linspace(-1, 1, BEAMS)[None]
    loss = torch.zeros(DEPTHS, BEAMS)
    for shadow in degradation.shadows:
        outside = ((across - shadow.centre).abs() / shadow.half_width - 1) / 0.12
        loss = loss + shadow.loss_db * torch.sigmoid(-outside) * ((r - shadow.from_cm) / 0.8).clamp(0, 1)
    if degradation.attenuation_db_cm is not None:
        loss = loss + degradation.attenuation_db_cm * (r - 4).clamp_min(0)
    return loss.clamp_max(60)
