"""From moving scatterers to grey beams: one acquisition, clean or degraded, frame by frame."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from echogan.phantom.acoustics import beamforming
from echogan.phantom.acoustics.display import MYOCARDIUM_DB, Display
from echogan.phantom.acoustics.probe import Acquisition
from echogan.phantom.artefacts.degradation import Degradation
from echogan.phantom.artefacts.degrader import Degrader
from echogan.phantom.draw import Noise, blur

# Poor scanners form several beams from one transmission. Beams formed from one and the same echo share its noise, which
# is as alike between them as one's receive beam sees the other: at half maximum about 1.3 wavelengths over the aperture
# (Hamming), three beams. A Gaussian's sigma.
HISS_GRAIN_BEAMS = 0.9


class Receiver:
    """What the probe makes of the scatterers before it; frames are to be given in order, once.

    degradation  None for the good acquisition. The probe's own noise depends on `seed` alone, the artefacts' on
    `seed` and their names.
    """

    def __init__(
        self,
        acquisition: Acquisition,
        degradation: Degradation | None,
        frame_rate: float,
        frames: int,
        seed: int,
        device: torch.device | str,
    ) -> None:
        a, d = acquisition, degradation
        self.noise = Noise(seed, device)
        self.degrader = d and Degrader(
            d, a.beams, frame_rate, frames, self.noise, device, (Noise.GRAIN[0], 0.0)
        )
        self.display = a.display if d is None else _poorer(a.display, d)
        second = a.second_look if d is None else 0.5
        # Of the energies of the looks, real and imaginary.
        self.weights = torch.tensor([1 - second, 1 - second, second, second], device=device)
        aperture, aberration, lobes = a.aperture_cm, a.aberration_rad, a.side_lobes_db
        if d is not None:
            aperture *= _or(d.aperture, 1.0)
            aberration, lobes = _or(d.aberration_rad, aberration), _or(d.side_lobes_db, lobes)
        self.psf = beamforming.lateral_psf(
            a.beams, a.frequency_mhz, aperture, a.focus_cm, a.refocused, aberration, lobes, a.screen_seed
        ).to(device)
        window = (10 ** (a.window_db / 20)).to(device)
        hiss = a.noise_amplitude(a.noise_db, a.noise_slope_db).to(device)
        self._own_hiss = hiss
        if self.degrader is not None:
            window = window * self.degrader.gain
            hiss = hiss if self.degrader.hiss is None else hiss + self.degrader.hiss
        self.window, self.hiss = window, hiss
        # The second look sees the same chest wall under another phase.
        near = blur(a.near, Noise.GRAIN[0], 0).to(device)
        self.near = torch.stack([near, torch.stack([near[1], -near[0]])])
        self._last: Tensor | None = None

    def grey(self, looks: Tensor, prone: Tensor, start: int) -> Tensor:
        """Scatterers (T, 2 looks, 2, rows, columns) of the frames from `start` on to grey (T, rows, columns)."""
        stop = start + len(looks)
        field = looks + self.near
        if self.degrader is not None:
            field = self.degrader.before_psf(field, prone, start, stop)
        field = beamforming.apply_lateral(field, self.psf)
        if self.degrader is not None:
            field = self.degrader.after_psf(field, start, stop)
        across = Noise.GRAIN[1] if self.degrader is None else HISS_GRAIN_BEAMS
        hiss = self.noise.received(*field.shape, across=across)
        field = field.mul_(self.window).addcmul_(hiss, self.hiss)
        power = field.square_()
        energy = torch.matmul(self.weights, power.view(len(looks), 4, -1)).view_as(prone)
        shown = self.display.show(energy, self._last)
        self._last = shown[-1]
        return shown

    def hold(self, frames: Tensor) -> Tensor:
        """The frames of a whole clip (T, ...) as they are shown: some scanners show each more than once."""
        return frames if self.degrader is None else self.degrader.hold(frames)

    def support(self, prone: Tensor, start: int) -> Tensor:
        """The share of normal myocardium's signal that survives: (T, rows, columns), 1 where nothing degrades."""
        if self.degrader is None:
            return torch.ones_like(prone)
        # In a deep shadow it is the probe's own noise that shows; noise that the clean clip has too counts for nothing.
        floor = 10 ** ((self.display.floor_db - MYOCARDIUM_DB) / 10) + self._own_hiss.square()
        share = self.degrader.support(prone, start, start + len(prone), 10 * torch.log10(floor))
        return (share * (1 + floor)).clamp_max(1)


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _poorer(display: Display, degradation: Degradation) -> Display:
    d = degradation
    return replace(
        display,
        gain_db=display.gain_db + _or(d.gain_db, 0.0),
        dynamic_range_db=display.dynamic_range_db * _or(d.dynamic_range, 1.0),
        gamma=display.gamma * _or(d.gamma, 1.0),
        smoothing=_or(d.smoothing, display.smoothing),
        persistence=_or(d.persistence, display.persistence),
    )
