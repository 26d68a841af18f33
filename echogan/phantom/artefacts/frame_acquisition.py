"""Real frames as echoes: the log compression undone, the artefacts put on the complex field, and shown again."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from echogan.phantom.artefacts.degradation import Degradation
from echogan.phantom.artefacts.degrader import Degrader
from echogan.phantom.artefacts.frame_statistics import RANGE_DB, find_grain, find_muscle
from echogan.phantom.artefacts.patterns import place_of, smooth_in_fan
from echogan.phantom.artefacts.polar_fan import PolarFan
from echogan.phantom.beams import Beams
from echogan.phantom.draw import Draw, blur

LOOKS, CHUNK = 3, 8
PHASE_GRAIN = 1.2
PATCH = (0.06, 0.14)
"""Width of a patch of drop-out as a share of the depth: 15 to 35 of 256 pixels."""
PATTERNS = 6
"""Patterns of electronic noise that the frames' own are shifted copies of."""


class FrameAcquisition:
    """A real clip as a complex field, received again by a poorer scanner, chunk by chunk and in order.

    Of all that is random the degradation's `pattern_seed` decides where it lies, `seed` the speckle; each artefact
    draws both from streams of its own name, so that none changes another's pattern.
    """

    def __init__(
        self, frames: Tensor, polar: PolarFan, degradation: Degradation, seed: int, frame_rate: float
    ) -> None:
        draw, device, beams, d = Draw(seed), frames.device, polar.beams, degradation
        self._input, self.polar, self.degradation = frames, polar, degradation
        few = polar.to_beams(frames[: 4 * CHUNK : 4].float())
        self._muscle_grey = find_muscle(few)
        grain = find_grain(few)
        self.degrader = Degrader(degradation, beams, frame_rate, len(frames), draw, device, grain)
        size = beams.rows, beams.columns
        self._drop = draw_patches(place_of("drop_out", d), beams).to(device)
        white = draw.stream("phase").normal(1, 1, *size)
        phase = 2 * blur(white, PHASE_GRAIN)[0, 0] / _blurred_deviation(PHASE_GRAIN)
        self._phase = torch.stack([torch.cos(phase), torch.sin(phase)]).to(device)
        lateral = _lateral_psf(place_of("side_lobes", d), d, polar, self._phase.cpu())
        self._lateral = None if lateral is None else lateral.to(device)
        self._hiss, self._hiss_draw = None, draw.stream("noise speckle")
        if self.degrader.hiss is not None:
            grainy = blur(self._hiss_draw.normal(PATTERNS, 1, *size).to(device), *grain)[:, 0]
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
        shifts = (self._hiss_draw.normal(count * LOOKS * 2, 2).abs() * 1000).long().tolist()
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
