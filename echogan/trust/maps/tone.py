"""What a change of brightness alone does not explain: the tone-matched residual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from echogan.trust.maps.smoothing import smooth

QUANTILES = np.linspace(0, 1, 65)


def quantiles(values: np.ndarray) -> np.ndarray:
    """The QUANTILES of values of any shape, float64 (65,): bit for bit those of numpy, of one sort.

    numpy's `quantile` partitions around each of them, which takes five times as long.
    """
    ordered = np.sort(values, axis=None)
    place = QUANTILES * (ordered.size - 1)
    low = np.floor(place).astype(int)
    share = place - low
    below, above = (ordered[np.minimum(index, ordered.size - 1)] for index in (low, low + 1))
    rise = above - below
    return np.where(share < 0.5, below + rise * share, above - rise * (1 - share))


@dataclass(frozen=True)
class ToneCurve:
    """A rising curve from grey to grey: linear between its points, of its mean slope beyond them.

    inputs    float64 (k,) in [0, 1], strictly rising
    outputs   float64 (k,) in [0, 1], rising
    """

    inputs: np.ndarray
    outputs: np.ndarray

    @classmethod
    def through(cls, inputs: np.ndarray, outputs: np.ndarray) -> ToneCurve:
        """The curve through rising points (k,); points of one input become one, at their mean."""
        distinct, place = np.unique(inputs, return_inverse=True)
        return cls(distinct, np.bincount(place, outputs) / np.bincount(place))

    @classmethod
    def fit(cls, x: np.ndarray, g: np.ndarray, tissue: np.ndarray) -> ToneCurve:
        """The curve that gives x the grey-level distribution of g: quantile to quantile, inside the tissue.

        x, g     (n, h, w) in [0, 1]: the input and the result
        tissue   bool (h, w), not empty
        """
        return cls.through(quantiles(x[:, tissue]), quantiles(g[:, tissue]))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """The curve's outputs, float32, of `values`' shape."""
        beyond = values - np.clip(values, self.inputs[0], self.inputs[-1])
        rise = (self.outputs[-1] - self.outputs[0]) / max(
            self.inputs[-1] - self.inputs[0], np.finfo(float).tiny
        )
        return (np.interp(values, self.inputs, self.outputs) + rise * beyond).astype(np.float32)


def tone_matched(
    x: np.ndarray, g: np.ndarray, tissue: np.ndarray, curve: ToneCurve | None = None
) -> np.ndarray:
    """S(g) - S(q(x)), in [-1, 1], zero outside the tissue: float32 (n, h, w). Positive: added; negative: removed.

    q is a histogram match. It explains what a change of gain or contrast does, and leaves what changes from place to
    place: removed structures, but removed haze too. An addition that has the brightness of its surroundings is missed.

    x, g     float32 (n, h, w) in [0, 1]: the input and the result
    tissue   bool (h, w)
    curve    q; fitted on these frames where not given. A clip in parts needs one for all of them
    """
    curve = curve or ToneCurve.fit(x, g, tissue)
    return smooth(g - curve(x), tissue)
