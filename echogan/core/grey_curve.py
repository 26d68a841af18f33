"""The canonical grey curve: so that a clip lit differently, or with faint echoes shown as black, is enhanced alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

Array = TypeVar("Array")  # a NumPy array or a torch tensor: both have clip, +, * and **

REFERENCE = 0.3
"""Share of full scale to which the median of the visible tissue is brought: that of good clips, real and simulated."""
VISIBLE = 0.06
"""Share of full scale, on the canonical curve, under which tissue is as good as black and does not count."""
ECHO = 0.125
"""Share of full scale, on the canonical curve, from which tissue holds echo, however dark the clip is displayed."""
STRONGEST = 5.0
"""The powers lie from 1 / STRONGEST to STRONGEST."""
TOE = 0.002
"""Added before the power is taken, and taken off after: it bounds the slope at black, both ways."""
DARK = 5
"""The percentile of the tissue's levels that stands for its darkest part."""
STRONGEST_LIFTED = 0.8
"""A lifted clip's power is at least this share of what it would be without: brighter still, walls lose structure."""


@dataclass(frozen=True)
class GreyCurve:
    """y = lift + (1 - lift) ((x + TOE)^power - TOE^power) / ((1 + TOE)^power - TOE^power) for x from 0 to 1.

    1 stays in place, and 0 comes to `lift`, 0 to 1. On the way back what is darker than `lift` is black.
    """

    power: float = 1.0
    lift: float = 0.0

    def to_canonical(self, x: Array) -> Array:
        """Display levels to canonical ones, both in [-1, 1], any shape."""
        if self == AS_DISPLAYED:
            return x
        low, high = TOE**self.power, (1 + TOE) ** self.power
        level = (x / 2 + 0.5).clip(0, 1)  # type: ignore[operator]
        scale = 2 * (1 - self.lift) / (high - low)
        return ((level + TOE) ** self.power - low) * scale + (2 * self.lift - 1)

    def to_display(self, y: Array) -> Array:
        """Canonical levels to display ones, both in [-1, 1]: the inverse of `to_canonical`."""
        if self == AS_DISPLAYED:
            return y
        low, high = TOE**self.power, (1 + TOE) ** self.power
        level = (y / 2 + (0.5 - self.lift)).clip(0, 1 - self.lift)  # type: ignore[operator]
        return ((level * ((high - low) / (1 - self.lift)) + low) ** (1 / self.power) - TOE) * 2 - 1


AS_DISPLAYED = GreyCurve()


def canonical_curve(levels: Sequence[float] | np.ndarray, dark_level: float = 0.0) -> GreyCurve:
    """The curve that brings the median of a clip's visible tissue to REFERENCE, and its darkest part to `dark_level`.

    levels: grey levels 0 to 255 that stand for the tissue's distribution (as its percentiles), any number, any order.
    What is visible is decided on the canonical curve itself, so that the same clip shown under another power gets
    the same canonical levels. Without levels, or where nothing is visible, the curve that changes nothing.

    A scanner that shows faint echoes as black leaves black tissue also where a clip is hazy. Simulated hazy clips have
    hardly any, so that a network knows black tissue from clear clips alone, and leaves such a clip as it is. Where the
    darkest part lies below `dark_level` (share of full scale; 0 for none), all levels are lifted to it.
    """
    x = np.asarray(levels, np.float64) / 255
    if not len(x) or x.max() < 1 / 255:
        return AS_DISPLAYED
    power = _power(x, 0.0)
    if dark_level:
        power = max(_power(x, dark_level), STRONGEST_LIFTED * power)
    return GreyCurve(round(power, 4), round(_lift(x, power, dark_level), 4))


def _power(x: np.ndarray, dark_level: float) -> float:
    """The power from 1 / STRONGEST to STRONGEST with which the visible median comes to REFERENCE."""
    low, high = -np.log(STRONGEST), np.log(STRONGEST)
    for _ in range(40):  # the median falls as the power grows
        middle = (low + high) / 2
        power = float(np.exp(middle))
        y = _levels(GreyCurve(power, _lift(x, power, dark_level)), x)
        visible = y[y > VISIBLE]
        if len(visible) and np.median(visible) > REFERENCE:
            low = middle
        else:
            high = middle
    return float(np.exp((low + high) / 2))


def _lift(x: np.ndarray, power: float, dark_level: float) -> float:
    """What brings the darkest part to the dark level; 0 where it is not darker."""
    darkest = float(np.percentile(_levels(GreyCurve(power), x), DARK))
    return (dark_level - darkest) / (1 - darkest) if darkest < dark_level else 0.0


def _levels(curve: GreyCurve, x: np.ndarray) -> np.ndarray:
    """Levels 0 to 1 on a curve, 0 to 1."""
    return curve.to_canonical(2 * x - 1) / 2 + 0.5
