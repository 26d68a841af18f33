"""The artefacts at work in beam space: on the complex field before log compression, as in life."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.phantom.artefacts.degradation import Degradation
from echogan.phantom.artefacts.patterns import (
    COARSE,
    NormalSource,
    Stationary,
    haze_grid,
    haze_profile,
    loss_db,
    near_clutter_amplitude,
    noise_amplitude,
    place_of,
    streak_amplitude,
)
from echogan.phantom.beams import Beams
from echogan.phantom.draw import blur

# (share, Hz) of the frozen fields that turn to make clutter and haze. Haze comes by way of moving tissue: real poor
# clips keep less of their fine pattern from frame to frame than a probe's own clutter does.
CLUTTER_TURNS = ((1.0, 0.1), (0.35, 1.0), (0.25, 2.0), (0.2, 3.5))
HAZE_TURNS = ((1.0, 0.15), (0.9, 1.0), (0.8, 2.4), (0.7, 4.0))
EVERY = 4
"""Haze's strength is found anew only every so many frames."""
HAZE_REACH_CM, HAZE_REACH_ACROSS, HAZE_DEEPER_CM = 1.9, 0.22, 0.8
HAZE_GRAIN_BEAMS = 1.1
EVERYWHERE = 0.3


class Degrader:
    """One degradation before one probe: patterns drawn once, then applied to chunks of frames.

    A field is (T, looks, 2 (real, imaginary), rows, columns). Amplitude 1 (0 dB) is normal myocardium: there real
    and imaginary parts have a variance of 1 each. `grain` (rows, columns) pre-smooths all that is added, for
    fields that no pulse and no beam will smooth afterwards; 0 leaves it white but for haze, which is laterally
    smooth. `pattern_seed` decides where everything lies, `noise` the speckle of clutter, streaks and haze. Each
    artefact draws both from streams of its own name, so that none changes another's pattern.
    """

    def __init__(
        self,
        degradation: Degradation,
        beams: Beams,
        frame_rate: float,
        frames: int,
        noise: NormalSource,
        device: torch.device | str,
        grain: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        self.degradation, self.beams, self.frames = degradation, beams, frames
        self.device = torch.device(device)
        d = degradation
        self.gain = 10 ** (-loss_db(d, beams) / 20).to(self.device)
        self.hiss = None if d.noise_db is None else noise_amplitude(d, beams).to(self.device)
        # What stays with the probe, with its amplitude (rows, columns): near-field clutter and streaks.
        self._clutter: list[tuple[Stationary, Tensor]] = []
        for artefact, level, amplitude in (
            ("near_clutter", d.near_clutter_db, near_clutter_amplitude),
            ("streaks", d.streaks_db, streak_amplitude),
        ):
            if level is not None:
                strength = amplitude(place_of(artefact, d), d, beams).to(self.device)
                own = noise.stream(f"{artefact} speckle")
                speckle = Stationary(own, beams, frame_rate, CLUTTER_TURNS, grain, strength, self.device)
                self._clutter.append((speckle, strength))
        self._haze, self._profile = None, torch.zeros(())
        if d.haze_db is not None:
            smooth, own = (grain[0], max(grain[1], HAZE_GRAIN_BEAMS)), noise.stream("haze speckle")
            self._haze = Stationary(own, beams, frame_rate, HAZE_TURNS, smooth, device=self.device)
            profile = haze_profile(place_of("haze", d), beams)
            self._profile = (profile * 10 ** (d.haze_db / 20)).to(self.device)
        # Energy around each place against normal myocardium, every EVERY frames: 0 dB until after_psf has seen it.
        shape = math.ceil(frames / EVERY), *haze_grid(beams)
        self._around = torch.ones(shape, device=self.device)

    def before_psf(self, field: Tensor, drop: Tensor, start: int, stop: int) -> Tensor:
        """Drop-out of tissue where `drop` (T, rows, columns) is above 0, then clutter."""
        return self.add_clutter(self.drop_out(field, drop), start, stop)

    def drop_out(self, field: Tensor, drop: Tensor) -> Tensor:
        """Lower the field by the drop-out's dB times `drop` (T, rows, columns), 0 to 1."""
        kept = self._kept(drop)
        return field if kept is None else field * kept[:, None, None]

    def add_clutter(self, field: Tensor, start: int, stop: int) -> Tensor:
        """Add near-field clutter and streaks to frames start to stop."""
        for speckle, _ in self._clutter:
            field = speckle.frames(start, stop, field.shape[1]).add_(field)
        return field

    def after_psf(self, field: Tensor, start: int, stop: int) -> Tensor:
        """Add the reverberation and haze: noise as strong as the echoes around it, from a little further up."""
        level, deeper = self.degradation.reverberation_db, self._deeper_rows
        if level is not None and deeper < self.beams.rows:
            copied = field.clone()
            copied[..., deeper:, :].add_(field[..., :-deeper, :], alpha=10 ** (level / 20))
            field = copied
        if self._haze is None:
            return field
        added = self._haze.frames(start, stop, field.shape[1])
        amplitude = self._haze_amplitude(self._look_around(field, start))
        for i, first in enumerate(range(0, stop - start, EVERY)):
            added[first : first + EVERY].mul_(amplitude[i])
        return added.add_(field)

    def hold(self, frames: Tensor) -> Tensor:
        """All frames of the clip (T, ...), each shown `frame_hold` times in place of those after it."""
        times = self.degradation.frame_hold or 1
        if times == 1:
            return frames
        return frames[torch.arange(len(frames), device=frames.device) // times * times]

    def support(self, drop: Tensor, start: int, stop: int, display_floor_db: float | Tensor) -> Tensor:
        """The share of normal myocardium's signal that survives, were it there: (T, rows, columns), 0 to 1.

        g / (g + a): g its energy after drop-out and losses, a the expected energy of all that is added plus the
        display's floor (dB), under which all is black. Haze counts as `after_psf` found it in these frames.
        """
        kept = self._kept(drop)
        signal = torch.ones_like(drop) if kept is None else kept.square()
        added = torch.zeros(self.beams.rows, self.beams.columns, device=self.device)
        for _, amplitude in self._clutter:
            added = added + amplitude.square()
        if self.degradation.reverberation_db is not None:
            added[self._deeper_rows :] += 10 ** (self.degradation.reverberation_db / 10)
        added = added.expand_as(drop)
        if self._haze is not None:
            amplitude = self._haze_amplitude(self._around[start // EVERY : math.ceil(stop / EVERY)])
            which = torch.arange(start, stop, device=self.device) // EVERY - start // EVERY
            added = added + amplitude.square()[which]
        energy = self.gain.square()
        rest = 10 ** (display_floor_db / 10) + (0 if self.hiss is None else self.hiss.square())
        return signal * energy / ((signal + added) * energy + rest)

    @property
    def _deeper_rows(self) -> int:
        return max(1, round(self.degradation.reverberation_cm / self.beams.row_cm))

    def _kept(self, drop: Tensor) -> Tensor | None:
        """The amplitude that drop-out leaves, or None without drop-out."""
        loss = self.degradation.drop_out_db
        return None if loss is None else torch.exp(drop * (-loss * math.log(10) / 20))

    def _look_around(self, field: Tensor, start: int) -> Tensor:
        """Energy around each place, averaged over looks, on the coarse grid: (groups, rows, columns)."""
        few = field[::EVERY]
        energy = F.avg_pool2d(few.flatten(1, 2).square(), COARSE, ceil_mode=True).mean(1, keepdim=True)
        cell = COARSE * self.beams.row_cm
        around = blur(energy, HAZE_REACH_CM / cell, HAZE_REACH_ACROSS * energy.shape[-1])[:, 0]
        rows = torch.arange(around.shape[1], device=self.device) - round(HAZE_DEEPER_CM / cell)
        around = around[:, rows.clamp_min(0)]
        around = (1 - EVERYWHERE) * around + EVERYWHERE * around.mean((1, 2), keepdim=True)
        self._around[start // EVERY : start // EVERY + len(around)] = around
        return around

    def _haze_amplitude(self, around: Tensor) -> Tensor:
        """Haze's amplitude on all samples, (groups, rows, columns), from the energy around on the coarse grid."""
        amplitude = (around.sqrt() * self._profile)[:, None]
        size = self.beams.rows, self.beams.columns
        return F.interpolate(amplitude, size=size, mode="bilinear", align_corners=False)[:, 0]
