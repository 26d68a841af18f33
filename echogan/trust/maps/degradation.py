"""What a change of brightness and haze together do not explain."""

from __future__ import annotations

import numpy as np
from scipy.optimize import isotonic_regression

from echogan.trust.maps.smoothing import smooth
from echogan.trust.maps.tone import ToneCurve

BINS = 24
HAZE = 0.16  # sigma of the haze field over the frame's height: far larger than a structure
HAZE_LIMIT = 0.12  # residuals beyond it count as this much, so that a structure does not pass for haze
ALTERNATIONS = 3


def explained_degradation(x: np.ndarray, g: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """m(S(g)) + h - S(x), in about [-1, 1], zero outside the tissue: float32 (n, h, w). Positive: added.

    The poor input x is explained, frame by frame, by the result g: m, a rising function of its grey level, and h, a
    smooth haze. They are fitted in turn. Haze that was rightly removed is explained; a removed structure is not. A
    structure as wide as the haze is taken for haze.

    x, g     float32 (n, h, w) in [0, 1]: the input and the result
    tissue   bool (h, w)
    """
    poor, good = smooth(x, tissue), smooth(g, tissue)
    haze = explained = np.zeros_like(poor)
    bins = [_bins(frame[tissue]) for frame in good]
    for _ in range(ALTERNATIONS):
        frames = zip(poor - haze, good, bins, strict=True)
        explained = np.stack([_explain(rest[tissue], frame, places) for rest, frame, places in frames])
        haze = smooth(np.clip(poor - explained, -HAZE_LIMIT, HAZE_LIMIT), tissue, HAZE)
    return np.where(tissue, explained + haze - poor, np.float32(0))


def _bins(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The places of equally many values (k,) in each of BINS bins by rank, (BINS, m), and the bins' means."""
    count = min(BINS, len(values))
    # A few values, spread over all ranks, are left out where the count does not come out even.
    chosen = np.linspace(0, len(values) - 1, len(values) // count * count).round().astype(int)
    places = np.argsort(values)[chosen].reshape(count, -1)
    return places, values[places].mean(1)


def _explain(poor: np.ndarray, good: np.ndarray, bins: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """The rising function of `good` (h, w) nearest to the tissue's `poor` (k,): medians in bins, made to rise."""
    places, centres = bins
    medians = np.median(poor[places], 1)
    return ToneCurve.through(centres, isotonic_regression(medians).x)(good)
