"""Whether input and result have the same structures at every scale: Fourier ring correlation in patches."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import fft

PATCH = 1 / 4  # of the frame's height
STRIDE = 1 / 16
RINGS = 1 / 3  # of the patch's side: the highest frequencies hold noise alone
NOISE = 1 / 255  # standard deviation, one grey level: rings in which neither image has more than this agree


def ring_correlation(x: np.ndarray, g: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """1 - mean Fourier ring correlation of x and g, in [0, 2], zero outside the tissue: float32 (n, h, w).

    0 where they are equal up to gain, 1 where they have nothing in common. Saxton and Baumeister 1982; in patches as
    in Kc et al. 2024 ("sFRC"), each under a Hann window. A pixel has the mean of the patches that cover it. Gained
    resolution and removed speckle count as disagreement too.

    x, g     float32 (n, h, w) in [0, 1]: the input and the result
    tissue   bool (h, w)
    """
    height, width = tissue.shape
    side = max(4, min(round(PATCH * height), width))
    stride = max(1, round(STRIDE * height))
    tops, lefts = (part.ravel() for part in np.meshgrid(*(_starts(n, side, stride) for n in (height, width))))
    weights = _patches(tissue.astype(np.float32), side, tops, lefts) * _window(side)
    used = weights.any(axis=(1, 2))
    tops, lefts, weights = tops[used], lefts[used], weights[used]

    def score(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        ours, theirs = (_patches(frame, side, tops, lefts) for frame in (one, other))
        return 1 - _correlation(ours, theirs, weights)

    scores = np.stack([score(*pair) for pair in zip(x, g, strict=True)], axis=1)
    total, count = np.zeros(x.shape, np.float32), np.zeros(tissue.shape, np.float32)
    for values, top, left in zip(scores, tops, lefts, strict=True):
        total[:, top : top + side, left : left + side] += values[:, None, None]
        count[top : top + side, left : left + side] += 1
    return np.where(tissue, total / np.maximum(count, 1), np.float32(0))


def _starts(length: int, side: int, stride: int) -> list[int]:
    """Where patches start, the last one flush with the end."""
    return sorted({*range(0, length - side + 1, stride), length - side})


def _patches(frame: np.ndarray, side: int, tops: np.ndarray, lefts: np.ndarray) -> np.ndarray:
    """The patches (p, side, side) of a frame (h, w) at p places."""
    return sliding_window_view(frame, (side, side))[tops, lefts]


def _window(side: int) -> np.ndarray:
    return np.outer(np.hanning(side), np.hanning(side)).astype(np.float32)


def _correlation(a: np.ndarray, b: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean over rings of the correlation of patches (p, side, side): float32 (p,)."""
    one, other = (_spectrum(patches, weights) for patches in (a, b))
    rings = _rings(a.shape[-1])
    cross, *powers = ((left * right) @ rings for left, right in ((one, other), (one, one), (other, other)))
    floor = np.outer((weights**2).sum((1, 2)), rings[::2].sum(0)) * NOISE**2
    return ((cross + floor) / np.sqrt((powers[0] + floor) * (powers[1] + floor))).mean(1)


def _spectrum(patches: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Float32 (p, side * (side // 2 + 1) * 2), real and imaginary parts in turn, of patches (p, side, side).

    Each is less its weighted mean.
    """
    means = np.einsum("pij,pij->p", patches, weights) / weights.sum((1, 2))
    return (
        np.asarray(fft.rfft2((patches - means[:, None, None]) * weights))
        .view(np.float32)
        .reshape(len(patches), -1)
    )


def _rings(side: int) -> np.ndarray:
    """How often a part of a coefficient counts in a ring: float32 (side * (side // 2 + 1) * 2, rings)."""
    radius = np.rint(np.hypot(fft.fftfreq(side, 1 / side)[:, None], fft.rfftfreq(side, 1 / side)))
    times = np.where(
        np.arange(side // 2 + 1) > 0, 2, 1
    )  # the other half of a real image's spectrum is the same
    numbers = np.arange(1, max(1, int(RINGS * side)) + 1)
    counted = times[:, None] * (radius[..., None] == numbers)
    return np.repeat(counted.reshape(-1, len(numbers)), 2, axis=0).astype(np.float32)
