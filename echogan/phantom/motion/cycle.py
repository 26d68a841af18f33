"""The timing of the cardiac cycle: contraction and valve openings in every frame of a clip.

Systole lasts 0.546 - 0.0021 HR seconds (A. M. Weissler et al., Circulation 1968;37:149-159: electromechanical
systole); relaxation, early filling and the atrial kick keep their own times, and diastasis takes what is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.phantom.draw import Draw

TABLE = 512
Knots = list[tuple[float, float]]


@dataclass(frozen=True)
class Cycle:
    """Rates per minute and per second; in every frame (T,): time in s, phase from the R wave 0-1, contraction
    (0 end-diastole, 1 end-systole), and how open the atrioventricular (filling) and arterial (ejecting) valves are."""

    heart_rate: float
    frame_rate: float
    systole: float
    time: Tensor
    phase: Tensor
    contraction: Tensor
    filling: Tensor
    ejecting: Tensor


def draw_cycle(draw: Draw, heart_rate: float, frame_rate: float, spread: float, frames: int) -> Cycle:
    """Beats of slightly different length and strength from a random phase on."""
    interval = 60 / heart_rate
    time = torch.arange(frames) / frame_rate
    count = int(frames / frame_rate / interval * 1.5) + 4
    # Beat k lasts the mean interval times a number near 1; a longer pause makes the next beat stronger.
    varied = draw.normal(count).clamp(-2, 2) * spread
    ends = (interval * (1 + varied)).cumsum(0)
    at = time + draw.uniform(0, float(ends[0]))
    beat = torch.searchsorted(ends, at, right=True).clamp(max=count - 1)
    starts = torch.cat([torch.zeros(1), ends[:-1]])
    phase = ((at - starts[beat]) / (ends - starts)[beat]).clamp(0, 1 - 1e-6)
    strength = (1 + 0.3 * torch.cat([torch.zeros(1), varied[:-1]])).clamp(0.94, 1.0)
    systole = min((0.546 - 0.0021 * heart_rate) / interval, 0.6)
    contraction, filling, ejecting = _knots(draw, interval, systole)
    return Cycle(
        heart_rate, frame_rate, systole, time, phase, _read(_table(contraction, 5.0), phase) * strength[beat],
        _read(_table(filling, 3.0), phase).clamp(0, 1), _read(_table(ejecting, 3.0), phase).clamp(0, 1),
    )  # fmt: skip


def _knots(draw: Draw, interval: float, systole: float) -> tuple[Knots, Knots, Knots]:
    """Contraction, atrioventricular and arterial opening over the phase of one beat."""
    rest = 1 - systole
    squeeze = min(1.0, rest * interval / 0.38)
    relaxed = systole + 0.07 / interval * squeeze
    early = relaxed + draw.uniform(0.15, 0.19) / interval * squeeze
    kick = 1 - draw.uniform(0.10, 0.13) / interval * squeeze
    left, still = draw.uniform(0.12, 0.3), draw.uniform(0.01, 0.03)
    quick = draw.uniform(0.3, 0.4)
    contraction = [
        (0.0, 0.0), (0.1 * systole, 0.03), (quick * systole, 0.42), (0.66 * systole, 0.84), (0.88 * systole, 0.985),
        (systole, 1.0), (relaxed, 0.95), (0.6 * relaxed + 0.4 * early, 0.62), (early, left + still),
        (max(kick, early + 0.01), left), (0.5 * kick + 0.5, 0.4 * left), (1.0, 0.0),
    ]  # fmt: skip
    waves = draw.uniform(0.55, 1.0)
    filling = [
        (0.0, 0.1), (0.06 * systole, 0.0), (relaxed - 0.01, 0.0), (0.7 * relaxed + 0.3 * early, 1.0),
        (0.3 * relaxed + 0.7 * early, 0.75), (early, 0.4), (max(kick, early + 0.01), 0.35),
        (0.5 * kick + 0.5, waves), (1.0, 0.1),
    ]  # fmt: skip
    ejecting = [
        (0.0, 0.0), (0.18 * systole, 0.0), (0.26 * systole, 1.0), (0.8 * systole, 0.85), (0.97 * systole, 0.5),
        (systole + 0.01, 0.0), (1.0, 0.0),
    ]  # fmt: skip
    return contraction, filling, ejecting


def _table(knots: Knots, smoothing: float) -> Tensor:
    """A periodic piecewise linear curve, smoothed by a Gaussian of `smoothing` table entries, its range kept."""
    x, y = torch.tensor(knots).T.contiguous()
    fine = torch.arange(TABLE) / TABLE
    right = torch.searchsorted(x, fine, right=True).clamp(1, len(x) - 1)
    share = (fine - x[right - 1]) / (x[right] - x[right - 1]).clamp_min(1e-6)
    table = y[right - 1] + share * (y[right] - y[right - 1])
    kernel = torch.exp(-0.5 * (torch.arange(-24, 25) / smoothing) ** 2)
    smooth = F.conv1d(
        F.pad(table[None, None], (24, 24), mode="circular"), (kernel / kernel.sum())[None, None]
    )[0, 0]
    return (smooth - smooth.amin()) / (smooth.amax() - smooth.amin()) * table.amax()


def _read(table: Tensor, phase: Tensor) -> Tensor:
    at = phase * TABLE
    low = at.long()
    return table[low % TABLE] + (at - low) * (table[(low + 1) % TABLE] - table[low % TABLE])
