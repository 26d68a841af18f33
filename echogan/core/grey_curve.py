"""The canonical grey curve: one power a clip, so that a clip lit differently gets the same enhancement."""

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
STRONGEST = 5.0
"""The powers lie from 1 / STRONGEST to STRONGEST."""
TOE = 0.002
"""Added before the power is taken, and taken off after: it bounds the slope at black, both ways."""


@dataclass(frozen=True)
class GreyCurve:
    """y = ((x + TOE)^power - TOE^power) / ((1 + TOE)^power - TOE^power) for x from 0 to 1: 0 and 1 stay in place."""

    power: float = 1.0

    def to_canonical(self, x: Array) -> Array:
        """Display levels to canonical ones, both in [-1, 1], any shape."""
        if self.power == 1:
            return x
        low, high = TOE**self.power, (1 + TOE) ** self.power
        level = (x / 2 + 0.5).clip(0, 1)  # type: ignore[operator]
        return ((level + TOE) ** self.power - low) * (2 / (high - low)) - 1

    def to_display(self, y: Array) -> Array:
        """Canonical levels to display ones, both in [-1, 1]: the inverse of `to_canonical`."""
        if self.power == 1:
            return y
        low, high = TOE**self.power, (1 + TOE) ** self.power
        level = (y / 2 + 0.5).clip(0, 1) * (high - low) + low  # type: ignore[operator]
        return (level ** (1 / self.power) - TOE) * 2 - 1


def canonical_curve(levels: Sequence[float] | np.ndarray) -> GreyCurve:
    """The curve that brings the median of a clip's visible tissue to REFERENCE.

    levels: grey levels 0 to 255 that stand for the tissue's distribution (as its percentiles), any number, any order.
    What is visible is decided on the canonical curve itself, so that the same clip shown under another power gets
    the same canonical levels. Without levels, or where nothing is visible, the curve that changes nothing.
    """
    x = np.asarray(levels, np.float64) / 255
    if not len(x) or x.max() < 1 / 255:
        return GreyCurve()
    low, high = -np.log(STRONGEST), np.log(STRONGEST)
    for _ in range(40):  # the median falls as the power grows
        middle = (low + high) / 2
        if _visible_median(GreyCurve(float(np.exp(middle))), x) > REFERENCE:
            low = middle
        else:
            high = middle
    return GreyCurve(round(float(np.exp((low + high) / 2)), 4))


def _visible_median(curve: GreyCurve, x: np.ndarray) -> float:
    y = curve.to_canonical(2 * x - 1) / 2 + 0.5
    visible = y[y > VISIBLE]
    return float(np.median(visible)) if len(visible) else 0.0
