"""How far the result moves when the generator is asked again: of a changed input, or of its own result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from echogan.trust.maps.smoothing import smooth

Frames = Callable[[np.ndarray], np.ndarray]
"""float32 (n, h, w) in [0, 1] to the same."""


@dataclass(frozen=True)
class Transform:
    """A change of the input, and what takes it back from the result."""

    forward: Frames
    inverse: Frames


def shift(down: int, right: int) -> Transform:
    """Moved by whole pixels; what leaves on one side comes in on the other."""
    return Transform(
        partial(np.roll, shift=(down, right), axis=(1, 2)),
        partial(np.roll, shift=(-down, -right), axis=(1, 2)),
    )


def gamma(power: float) -> Transform:
    """Grey levels raised to a power."""
    return Transform(
        lambda frames: np.clip(frames, 0, 1) ** np.float32(power),
        lambda frames: np.clip(frames, 0, 1) ** np.float32(1 / power),
    )


def noise(deviation: float, seed: int) -> Transform:
    """The same Gaussian noise on every frame, so that results do not depend on how a clip is cut into batches."""

    def add(frames: np.ndarray) -> np.ndarray:
        drawn = np.random.default_rng(seed).normal(0, deviation, frames.shape[1:]).astype(np.float32)
        return np.where(frames > 0, np.clip(frames + drawn, 0, 1), frames)  # outside the sector stays black

    return Transform(add, lambda frames: frames)


TRANSFORMS = (
    shift(1, 0),
    shift(0, 1),
    shift(2, 2),
    shift(-1, -2),
    gamma(0.9),
    gamma(1.1),
    noise(0.03, seed=1),
    noise(0.03, seed=2),
)
"""No mirror image: a heart is not symmetric, and a generator that knows so is not wrong."""


def equivariance_spread(
    translate: Frames, x: np.ndarray, tissue: np.ndarray, transforms: Sequence[Transform] = TRANSFORMS
) -> np.ndarray:
    """The spread of the results for changed inputs, in [0, 0.5], zero outside the tissue: float32 (n, h, w).

    The standard deviation of S(inverse(translate(forward(x)))) over the transforms and the unchanged input, as in
    test-time augmentation (Wang et al. 2019). Unstable inventions are seen, removals are not: they are stable.
    One pass more than there are transforms.

    translate   the generator: float32 (n, h, w) in [0, 1] to the same
    x           float32 (n, h, w) in [0, 1]: the input
    tissue      bool (h, w)
    """
    results = [translate(x)] + [one.inverse(translate(one.forward(x))) for one in transforms]
    return np.std([smooth(result, tissue) for result in results], axis=0)


def idempotence(g: np.ndarray, twice: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """|S(twice - g)|, in [0, 1], zero outside the tissue: float32 (n, h, w).

    A good image needs no further change (Shocher et al. 2024, "Idempotent generative network").

    g, twice   float32 (n, h, w) in [0, 1]: the result, to_high(x), and its own result, to_high(g)
    tissue     bool (h, w)
    """
    return np.abs(smooth(twice - g, tissue))
