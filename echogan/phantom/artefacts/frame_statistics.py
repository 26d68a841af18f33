"""What a real frame tells of its scanner: the grey level of normal myocardium, and the grain of the speckle."""

from __future__ import annotations

import math

from torch import Tensor

from echogan.phantom.draw import blur

RANGE_DB = 60.0
"""The dynamic range that real frames are taken to be shown with."""
DARK, DARKEST_MUSCLE = 4.0, 60.0


def find_muscle(grey: Tensor) -> float:
    """The grey level of normal myocardium's mean energy: the fan's, of frames (n, rows, columns).

    In good apical stills the two agree (median difference 0.7 dB, 10th to 90th percentile -3.4 to 6.1 dB).
    """
    seen = (grey >= DARK).float()
    energy = (10 ** (grey * (RANGE_DB / 255 / 10)) * seen).sum() / seen.sum().clamp_min(1)
    return max(DARKEST_MUSCLE, 255 / RANGE_DB * 10 * math.log10(max(1.0, float(energy))))


def find_grain(grey: Tensor) -> tuple[float, float]:
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
