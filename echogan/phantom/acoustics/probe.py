"""A good acquisition: the probe, the beam, the noise and the display, drawn from ranges with units."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from echogan.phantom.acoustics.display import Display
from echogan.phantom.beams import Beams
from echogan.phantom.draw import Draw


@dataclass(frozen=True)
class AcousticSettings:
    """The probe, the beam and the display of a good acquisition. Each clip draws once from every range."""

    half_angle_deg: tuple[float, float] = field(default=(32, 42), metadata={"help": "half of the fan, deg"})
    depth_cm: tuple[float, float] = field(default=(12.5, 17.5), metadata={"help": "imaged depth, cm"})
    curved_chance: float = field(default=0.06, metadata={"help": "share of curved probes"})
    flat_chance: float = field(default=0.04, metadata={"help": "share of flat-faced probes"})
    face_cm: tuple[float, float] = field(
        default=(0.8, 2.5), metadata={"help": "virtual apex behind a curved or flat face, cm"}
    )
    frequency_mhz: tuple[float, float] = field(default=(2.6, 4.2), metadata={"help": "centre frequency, MHz"})
    aperture_cm: tuple[float, float] = field(default=(1.6, 2.2), metadata={"help": "probe aperture, cm"})
    focus_cm: tuple[float, float] = field(default=(6, 10), metadata={"help": "transmit focus, cm"})
    refocused: tuple[float, float] = field(
        default=(0.3, 1.0), metadata={"help": "transmit focusing made good in software, share"}
    )
    aberration_rad: tuple[float, float] = field(default=(0, 0.45), metadata={"help": "phase error, rad RMS"})
    side_lobes_db: tuple[float, float] = field(default=(-44, -30), metadata={"help": "side lobes, dB"})
    axial_fwhm_cm: tuple[float, float] = field(
        default=(0.075, 0.1), metadata={"help": "axial pulse, cm FWHM"}
    )
    myocardium: tuple[float, float] = field(
        default=(0.36, 0.6), metadata={"help": "grey level of normal myocardium, 0 to 1"}
    )
    dynamic_range_db: tuple[float, float] = field(default=(60, 80), metadata={"help": "dynamic range, dB"})
    gamma: tuple[float, float] = field(default=(2.2, 3.2), metadata={"help": "grey curve exponent"})
    blood_db: tuple[float, float] = field(default=(-26, -8), metadata={"help": "blood and fog in it, dB"})
    noise_db: tuple[float, float] = field(
        default=(-38, -17), metadata={"help": "electronic noise at the face, dB"}
    )
    noise_slope_db: tuple[float, float] = field(
        default=(0, 10), metadata={"help": "noise added by full depth, dB"}
    )
    near_db: tuple[float, float] = field(
        default=(-16, -4), metadata={"help": "chest wall at the probe face, dB"}
    )
    edge_chance: float = field(default=0.5, metadata={"help": "share of edges of the fan that are dark"})
    edge_db: tuple[float, float] = field(default=(4, 24), metadata={"help": "loss at such an edge, dB"})
    edge_from: tuple[float, float] = field(
        default=(0.35, 0.85), metadata={"help": "where that loss begins, share of the half-angle"}
    )
    window_db: tuple[float, float] = field(default=(1, 4), metadata={"help": "uneven gain over the fan, dB"})
    compounding: tuple[float, float] = field(
        default=(0.2, 0.55), metadata={"help": "weight of the second look"}
    )
    smoothing: tuple[float, float] = field(
        default=(0.28, 0.42), metadata={"help": "display smoothing, samples"}
    )
    sharpening: tuple[float, float] = field(
        default=(0, 0.15), metadata={"help": "edge enhancement, share added"}
    )
    persistence: tuple[float, float] = field(
        default=(0, 0.15), metadata={"help": "share of the frame before"}
    )


# The best windows: little fog, noise and reverberation, an even gain, a phase front hardly disturbed. Beams, pulse and
# display are drawn from the same ranges, so that a seed's clip shows the same heart by the same probe.
CLEAR = AcousticSettings(
    blood_db=(-36, -22),
    noise_db=(-46, -34),
    noise_slope_db=(0, 8),
    near_db=(-22, -10),
    side_lobes_db=(-48, -38),
    aberration_rad=(0, 0.2),
    window_db=(0.5, 2),
    edge_chance=0.25,
    edge_db=(4, 14),
    compounding=(0.4, 0.8),
)


@dataclass(frozen=True)
class Acquisition:
    """One draw from AcousticSettings, same names, same units, and the patterns fixed to the probe.

    window_db (rows, columns) uneven gain; near (2, rows, columns) chest-wall echo; blood_db (rows, columns);
    screen_seed decides the aberration's phase screen
    """

    beams: Beams
    frequency_mhz: float
    aperture_cm: float
    focus_cm: float
    refocused: float
    aberration_rad: float
    side_lobes_db: float
    axial_fwhm_cm: float
    noise_db: float
    noise_slope_db: float
    second_look: float
    display: Display
    window_db: Tensor
    near: Tensor
    blood_db: Tensor
    screen_seed: int

    def noise_amplitude(self, level_db: float, slope_db: float) -> Tensor:
        """Electronic noise by depth: (rows, 1)."""
        share = self.beams.radius_cm / self.beams.depth_cm
        return 10 ** ((level_db + slope_db * share) / 20)[:, None]


def draw_acquisition(draw: Draw, settings: AcousticSettings) -> Acquisition:
    """Draw a probe, a beam and a display from the settings' ranges."""
    s = settings
    beams = _draw_beams(draw, s)
    shape = (beams.rows, beams.columns)
    uneven = draw.within(s.window_db) * draw.smooth(shape, (shape[0] / 5, shape[1] / 2))
    tgc = 1.2 * draw.smooth((shape[0], 1), (shape[0] / 8, 1))
    edges = sum(_edge_loss(draw, side, beams, s) for side in (1, -1))
    compounding = draw.within(s.compounding)
    return Acquisition(
        beams=beams,
        frequency_mhz=draw.within(s.frequency_mhz),
        aperture_cm=draw.within(s.aperture_cm),
        focus_cm=draw.within(s.focus_cm),
        refocused=draw.within(s.refocused),
        aberration_rad=draw.within(s.aberration_rad),
        side_lobes_db=draw.within(s.side_lobes_db),
        axial_fwhm_cm=draw.within(s.axial_fwhm_cm),
        noise_db=draw.within(s.noise_db),
        noise_slope_db=draw.within(s.noise_slope_db),
        second_look=compounding / (1 + compounding),
        display=_draw_display(draw, s),
        window_db=uneven + tgc - edges,
        near=_chest_wall(draw, beams, s),
        blood_db=draw.within(s.blood_db) + 4 * draw.smooth(shape, (shape[0] / 7, shape[1] / 2)),
        screen_seed=int(draw.uniform(0, 2**31 - 1)),
    )


def _draw_beams(draw: Draw, s: AcousticSettings) -> Beams:
    kind, face = draw.uniform(0, 1), draw.within(s.face_cm)
    curved, flat = kind < s.curved_chance, s.curved_chance <= kind < s.curved_chance + s.flat_chance
    half = math.radians(draw.within(s.half_angle_deg))
    return Beams(half, draw.within(s.depth_cm), face if curved or flat else 0.0, flat)


def _draw_display(draw: Draw, s: AcousticSettings) -> Display:
    return Display.showing(
        draw.within(s.myocardium),
        dynamic_range_db=draw.within(s.dynamic_range_db),
        gamma=draw.within(s.gamma),
        smoothing=draw.within(s.smoothing),
        sharpening=draw.within(s.sharpening),
        persistence=draw.within(s.persistence),
    )


def _edge_loss(draw: Draw, side: int, beams: Beams, settings: AcousticSettings) -> Tensor:
    """Poor contact darkens one edge of the fan, more so with depth: (rows, columns) in dB, 0 or more."""
    dark, begin, loss = (
        draw.chance(settings.edge_chance),
        draw.within(settings.edge_from),
        draw.within(settings.edge_db),
    )
    across, deep = side * beams.angle / beams.half_angle, beams.radius_cm / beams.depth_cm
    share = ((across - begin) / (1 - begin)).clamp_min(0) ** 1.5
    return dark * loss * share[None] * (0.3 + deep[:, None]).clamp_max(1)


def _chest_wall(draw: Draw, beams: Beams, settings: AcousticSettings) -> Tensor:
    """Skin, fat and muscle in front of the heart, layered, fixed to the probe: (2, rows, columns)."""
    r = beams.radius_cm
    layers = sum(
        draw.uniform(0.5, 1.6) * torch.exp(-(((r - draw.uniform(0.3, 1.8)) / draw.uniform(0.06, 0.2)) ** 2))
        for _ in range(5)
    )
    fade = torch.exp(-r / draw.uniform(0.4, 0.9)), torch.exp(-r / 1.5), torch.exp(-r / draw.uniform(1.5, 3))
    profile = 2 * fade[0] + 0.8 * layers * fade[1] + 0.35 * fade[2]
    level = 3 * 10 ** (draw.within(settings.near_db) / 20)
    return draw.normal(2, beams.rows, beams.columns) * (level * profile)[None, :, None]
