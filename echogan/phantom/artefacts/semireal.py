"""Real good frames made poor by the phantom's artefacts: real anatomy, known truth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from echogan.core.errors import EchoGANError, SectorError
from echogan.core.geometry import Fan, Sector
from echogan.phantom.artefacts.compression import store
from echogan.phantom.artefacts.degradation import Degradation, DegradationSettings
from echogan.phantom.artefacts.degrader import Degrader
from echogan.phantom.artefacts.patterns import smooth_in_fan
from echogan.phantom.artefacts.polar_fan import PolarFan
from echogan.phantom.beams import Beams
from echogan.phantom.draw import Draw, blur

SEMI_REAL = DegradationSettings(
    aberration_chance=0.4,
    aberration_rad=(0.2, 0.9),
    drop_out_chance=0.4,
    edge_loss_chance=0.35,
    dynamic_range_chance=0.6,
    gamma=(0.75, 1.15),
    smoothing_chance=0.75,
    haze_db=(-15, -2),
    noise_chance=0.4,
    noise_db=(-40, -27),
    noise_slope_db=(2, 12),
    drop_out_db=(6, 22),
    shadow_chance=0.08,
    shadow_db=(6, 20),
    edge_loss_db=(0, 14),
    attenuation_db_cm=(0, 1.0),
    near_clutter_db=(-14, -2),
    streaks_db=(-26, -12),
    dynamic_range=(0.8, 1.07),
    gain_db=(-8, 1),
    smoothing=(0.2, 0.7),
    reverberation_chance=0.1,
)
"""Ranges for frames that a scanner has compressed already: less is left to lose than in the phantom."""

LOOKS, CHUNK = 3, 8
RANGE_DB = 60.0
DARK, DARKEST_MUSCLE = 4.0, 60.0
PHASE_GRAIN = 1.2
PATCH = (0.06, 0.14)
"""Width of a patch of drop-out as a share of the depth: 15 to 35 of 256 pixels."""
PATTERNS = 6


@dataclass(frozen=True)
class DegradedFrames:
    """frames uint8 (T, H, W), the input's pixels outside the fan; support float32 (T, H, W), 0 to 1, 0 outside."""

    frames: Tensor
    support: Tensor


def degrade_frames(
    frames: Tensor,
    sector: Sector | Fan,
    degradation: Degradation,
    seed: int = 0,
    frame_rate: float = 30.0,
    depth_cm: float = 15.0,
) -> DegradedFrames:
    """Undo the log compression, degrade the complex field in the fan's own beams, and compress again.

    frames    uint8 torch tensor (T, H, W), on any device          depth_cm  that the fan shows, where unknown 15
    sector    a fan, or a Sector that has one; a Sector's overlay stays untouched as all outside the fan does
    seed      of the speckle; the degradation's own `pattern_seed` decides where its artefacts lie
    Normal myocardium (0 dB) is taken to have the fan's mean energy. Raises SectorError for a sector without a
    fan, EchoGANError for frames of another kind. One seed gives one result on one kind of device.
    """
    if not isinstance(frames, Tensor) or frames.dtype != torch.uint8 or frames.dim() != 3 or not len(frames):
        raise EchoGANError(
            "Give the frames as a uint8 torch tensor of shape (frames, height, width), grey 0 to 255."
        )
    fan = sector if isinstance(sector, Fan) else sector.fan
    if fan is None:
        raise SectorError(
            "Only a fan can be degraded; give a clip whose sector is a fan, or the fan by hand."
        )
    polar = PolarFan(fan, frames.shape[1:], depth_cm, frames.device)
    tissue = fan.mask(*frames.shape[1:]) if isinstance(sector, Fan) else sector.tissue_mask.copy()
    inside = torch.from_numpy(tissue).to(frames.device)
    acquisition = _Acquisition(frames, polar, degradation, seed, frame_rate)
    shown, support = [], []
    for start in range(0, len(frames), CHUNK):
        grey, kept = acquisition.frames(start, min(start + CHUNK, len(frames)))
        shown.append(grey)
        support.append(kept)
    degraded = store(acquisition.degrader.hold(torch.cat(shown)), degradation)
    kept = acquisition.degrader.hold(torch.cat(support))
    return DegradedFrames(torch.where(inside, degraded, frames), torch.where(inside, kept, 0))


class _Bank:
    """Normal noise from one seed, drawn on the CPU."""

    def __init__(self, draw: Draw, device: torch.device) -> None:
        self._draw, self._device = draw, device

    def normal(self, *shape: int) -> Tensor:
        return self._draw.normal(*shape).to(self._device)


class _Acquisition:
    """A real clip as a complex field, received again by a poorer scanner, chunk by chunk and in order."""

    def __init__(
        self, frames: Tensor, polar: PolarFan, degradation: Degradation, seed: int, frame_rate: float
    ) -> None:
        draw, device, beams = Draw(seed), frames.device, polar.beams
        self._input, self.polar, self.degradation, self._draw = frames, polar, degradation, draw
        noise = _Bank(draw, device)
        few = polar.to_beams(frames[: 4 * CHUNK : 4].float())
        self._muscle_grey = _find_muscle(few)
        grain = _find_grain(few)
        self.degrader = Degrader(degradation, beams, frame_rate, len(frames), noise, device, grain)
        pattern, size = Draw(degradation.pattern_seed), (beams.rows, beams.columns)
        self._drop = draw_patches(pattern, beams).to(device)
        phase = 2 * blur(draw.normal(1, 1, *size), PHASE_GRAIN)[0, 0] / _blurred_deviation(PHASE_GRAIN)
        self._phase = torch.stack([torch.cos(phase), torch.sin(phase)]).to(device)
        self._lateral = _lateral_psf(pattern, degradation, polar, self._phase.cpu())
        if self._lateral is not None:
            self._lateral = self._lateral.to(device)
        self._hiss = None
        if self.degrader.hiss is not None:
            grainy = blur(noise.normal(PATTERNS, 1, *size), *grain)[:, 0]
            self._hiss = grainy / grainy.std() * self.degrader.hiss
        self._before: Tensor | None = None

    def frames(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Grey levels (T, H, W), not yet rounded, and the support (T, H, W), of frames start to stop."""
        original = self._input[start:stop].float()
        beams = self.polar.to_beams(original)
        amplitude = 10 ** ((beams - self._muscle_grey) * (RANGE_DB / 255 / 20)) * (beams >= 1)
        field = amplitude[:, None, None] * self._phase * math.sqrt(2)
        drop = self._drop.expand(stop - start, -1, -1)
        field = self._received(field, drop, start, stop)
        energy = field.square().sum(2).mean(1) / 2
        shown = self._display(energy)
        kept = self.degrader.support(drop, start, stop, self._floor_db())
        share = self.polar.to_pixels(kept)
        # What resampling cost is given back as far as the signal survives, so that nothing shows that was lost.
        lost = original - self.polar.to_pixels(beams)
        return self.polar.to_pixels(shown) + share * lost, share

    def _received(self, field: Tensor, drop: Tensor, start: int, stop: int) -> Tensor:
        """Every artefact before the display: (T, LOOKS, 2, rows, columns)."""
        field = self.degrader.drop_out(field, drop)
        if self._lateral is not None:
            paired = field[:, 0].movedim(1, 2).flatten(2) @ self._lateral
            field = paired.unflatten(2, (2, -1)).movedim(2, 1)[:, None]
        field = self.degrader.add_clutter(field.expand(-1, LOOKS, -1, -1, -1), start, stop)
        field = self.degrader.after_psf(field, start, stop) * self.degrader.gain
        return field if self._hiss is None else field + self._noise(stop - start)

    def _noise(self, count: int) -> Tensor:
        """Electronic noise, new in every frame: a few patterns, each time shifted across by another amount."""
        assert self._hiss is not None
        shifts = (self._draw.normal(count * LOOKS * 2, 2).abs() * 1000).long().tolist()
        parts = [self._hiss[a % PATTERNS].roll(b, 1) for a, b in shifts]
        return torch.stack(parts).view(count, LOOKS, 2, *self._hiss.shape[1:])

    def _floor_db(self) -> float:
        """The level against normal myocardium that the display shows as black."""
        d = self.degradation
        return -(RANGE_DB * (d.dynamic_range or 1)) * self._muscle_grey / 255 - (d.gain_db or 0)

    def _display(self, energy: Tensor) -> Tensor:
        """Energy to grey 0 to 255: the contrast turns about normal myocardium, which keeps its grey but for gain."""
        d = self.degradation
        level = 10 * torch.log10(energy + 1e-9)
        if d.smoothing:
            level = blur(level[:, None], 0.7 * d.smoothing, d.smoothing)[:, 0]
        level = level + (d.gain_db or 0)
        grey = level / (RANGE_DB * (d.dynamic_range or 1)) + self._muscle_grey / 255
        grey = grey.clamp(0, 1)
        if d.gamma:
            middle = self._muscle_grey / 255
            grey = grey**d.gamma * middle ** (1 - d.gamma)
        grey = 255 * grey.clamp(0, 1)
        return self._persist(grey, d.persistence) if d.persistence else grey

    def _persist(self, grey: Tensor, share: float) -> Tensor:
        shown = []
        for frame in grey:
            self._before = frame if self._before is None else (1 - share) * frame + share * self._before
            shown.append(self._before)
        return torch.stack(shown)


def draw_patches(draw: Draw, beams: Beams) -> Tensor:
    """Where tissue drops out, 0 to 1: smooth patches, (rows, columns)."""
    width_cm = draw.within(PATCH) * beams.depth_cm
    return (0.8 * smooth_in_fan(draw, beams, width_cm) + 0.1).clamp(0, 1)


def _find_muscle(grey: Tensor) -> float:
    """The grey level of normal myocardium's mean energy: the fan's, of frames (n, rows, columns).

    In good apical stills the two agree (median difference 0.7 dB, 10th to 90th percentile -3.4 to 6.1 dB).
    """
    seen = (grey >= DARK).float()
    energy = (10 ** (grey * (RANGE_DB / 255 / 10)) * seen).sum() / seen.sum().clamp_min(1)
    return max(DARKEST_MUSCLE, 255 / RANGE_DB * 10 * math.log10(max(1.0, float(energy))))


def _find_grain(grey: Tensor) -> tuple[float, float]:
    """The speckle's Gaussian width in samples (rows, columns), from how alike neighbours two apart are.

    A field smoothed with sigma has an intensity correlation of exp(-lag^2 / (2 sigma^2)). Brightness is evened out
    first, so that bright walls do not decide alone.
    """
    fine = grey[:1, None] - blur(grey[:1, None], 5.0)
    fine = fine / (blur(fine.square(), 5.0) + 1).sqrt()
    power = fine.square().mean().clamp_min(1e-6)
    alike = (
        (fine[..., :-2, :] * fine[..., 2:, :]).mean() / power,
        (fine[..., :-2] * fine[..., 2:]).mean() / power,
    )
    rows, columns = (math.sqrt(-2 / math.log(min(0.78, max(0.02, float(a))))) for a in alike)
    return rows, columns


def _blurred_deviation(sigma: float) -> float:
    """The deviation of unit white noise after a two-dimensional Gaussian blur."""
    return 1 / (2 * math.sqrt(math.pi) * sigma)


def _lateral_psf(draw: Draw, degradation: Degradation, polar: PolarFan, phase: Tensor) -> Tensor | None:
    """A smaller, aberrated aperture and side lobes as a matrix on stacked (real, imaginary) beams, or None.

    Gaussian in angle: a share a of the aperture widens the beam by 1 / a, aberration by up to half again; it keeps
    the mean energy of the field whose phase is given, (2, rows, columns).
    """
    d, columns = degradation, polar.beams.columns
    if d.aberration_rad is None and d.aperture is None and d.side_lobes_db is None:
        return None
    wider = math.sqrt(1 / (d.aperture or 1) ** 2 - 1 + (d.aberration_rad or 0) ** 2)
    offset = torch.arange(-(columns - 1), columns) * (2 * polar.beams.half_angle / (columns - 1))
    one_beam = math.radians(0.45)
    psf = torch.exp(-0.5 * (offset / (one_beam * wider + 1e-4)) ** 2).to(torch.complex64)
    if d.side_lobes_db is not None:
        turn = 2 * math.pi * torch.rand(len(offset), generator=draw.generator)
        psf = psf + 10 ** (d.side_lobes_db / 20) * torch.polar(
            torch.exp(-offset.abs() / math.radians(9)), turn
        )
    beam = torch.arange(columns)
    matrix = psf[beam[None] - beam[:, None] + columns - 1]
    matrix = torch.cat([torch.cat([matrix.real, matrix.imag], 1), torch.cat([-matrix.imag, matrix.real], 1)])
    received = phase.movedim(0, 1).flatten(1) @ matrix
    return matrix / received.square().mean().sqrt() * math.sqrt(0.5)
