"""From echo energy to grey: dB, gain, dynamic range, gamma, smoothing, edge enhancement, persistence."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from echogan.phantom.draw import blur

FULL_SCALE_DB = 28.0
"""The level that a gain of 0 dB shows as white: it balances the sum that the PSF's unit energy makes."""

MYOCARDIUM_DB = 3.0
"""Mean echo energy of normal myocardium: its scatterers have unit variance, real and imaginary."""
_DOWN = 1.2  # smoothing is stronger along the beams, whose samples are finer than the pulse
_DETAIL = 2.0  # samples; what is finer is sharpened


@dataclass(frozen=True)
class Display:
    """The scanner's display.

    gain_db, dynamic_range_db  dB     gamma  exponent of the grey curve     smoothing  of the envelope, beams
    sharpening  share of fine detail that is added     persistence  share of the frame before
    """

    gain_db: float
    dynamic_range_db: float
    gamma: float = 1.0
    smoothing: float = 0.0
    sharpening: float = 0.0
    persistence: float = 0.0

    @classmethod
    def showing(cls, myocardium: float, dynamic_range_db: float, gamma: float, **more: float) -> Display:
        """The gain that shows normal myocardium at a grey level of 0 to 1."""
        below_white = dynamic_range_db * (1 - myocardium ** (1 / gamma))
        return cls(FULL_SCALE_DB - MYOCARDIUM_DB - below_white, dynamic_range_db, gamma, **more)

    @property
    def floor_db(self) -> float:
        """Echo energy in dB that is shown as black, and all below it."""
        return FULL_SCALE_DB - self.dynamic_range_db - self.gain_db

    def show(self, energy: Tensor, before: Tensor | None = None) -> Tensor:
        """Echo energy (T, rows, columns) to grey in [0, 1]; `before` is the last grey frame, for persistence."""
        envelope = blur((energy + 1e-9).sqrt(), _DOWN * self.smoothing, self.smoothing)
        level = 20 * torch.log10(envelope)
        if self.sharpening:
            level = torch.lerp(blur(level, _DETAIL, _DETAIL), level, 1 + self.sharpening)
        grey = ((level - self.floor_db) / self.dynamic_range_db).clamp(0, 1) ** self.gamma
        if not self.persistence:
            return grey
        shown = []
        for frame in grey:
            before = frame if before is None else (1 - self.persistence) * frame + self.persistence * before
            shown.append(before)
        return torch.stack(shown)
