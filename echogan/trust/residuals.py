"""What the generators changed and what they could not undo: difference and cycle-reconstruction error."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from echogan.core.scale import GREY

UNIT = "grey levels"
UNIT_IN_FULL = f"{UNIT} (0 to 255) of the working-space image"


def difference(x: np.ndarray, y: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """Signed difference y - x in grey levels, -255 to 255, zero outside the tissue: float32 (n, h, w).

    x, y     float32 (n, h, w) in [-1, 1]: the input and the result shown
    tissue   bool (h, w)
    """
    return _masked(y - x, tissue)


def cycle_error(x: np.ndarray, cycled: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """|x - to_low(to_high(x))| in grey levels, 0 to 255, zero outside the tissue: float32 (n, h, w).

    Zhu et al. 2017, "Unpaired image-to-image translation using cycle-consistent adversarial networks", eq. 2,
    before averaging. A low value is no proof: a generator can hide in its output what it has erased.
    """
    return np.abs(_masked(cycled - x, tissue))


def _masked(residual: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    return np.where(tissue, residual * np.float32(GREY), np.float32(0))


@dataclass
class MapSummary:
    """Mean, percentiles, per-frame curve and mean map of a map's absolute values, in memory that does not grow.

    They run from 0 to `top` and are counted to the nearest of `steps` steps (1/16 grey level as set), so
    percentiles are exact to half a step. Only the curve, one number a frame, grows with the clip.
    """

    tissue: np.ndarray  # bool (h, w)
    top: float = 255.0
    steps: int = 4080
    curve: list[float] = field(default_factory=list)

    def __post_init__(self):
        assert self.tissue.any(), "a summary needs at least one tissue pixel"
        self._inside = np.flatnonzero(self.tissue)
        self._histogram = np.zeros(self.steps + 1, np.int64)
        self._total = np.zeros(self.tissue.shape, np.float64)
        self._signed = 0.0

    def add(self, maps: np.ndarray) -> None:
        """Take in maps float32 (n, h, w), zero outside the tissue, of either sign."""
        assert maps.shape[1:] == self.tissue.shape, "maps and tissue have one shape"
        self._signed += float(maps.sum(dtype=np.float64))
        maps = np.abs(maps)
        values = np.take(maps.reshape(len(maps), -1), self._inside, axis=1)
        index = np.minimum(np.rint(values * (self.steps / self.top)).astype(np.int64), self.steps)
        self._histogram += np.bincount(index.ravel(), minlength=self.steps + 1)
        self._total += maps.sum(axis=0, dtype=np.float64)
        self.curve.extend(values.mean(axis=1, dtype=np.float64).tolist())

    @property
    def mean(self) -> float:
        """The mean over all tissue pixels of all frames."""
        return float(self._total[self.tissue].sum() / self._histogram.sum())

    @property
    def signed_mean(self) -> float:
        """The mean of the values with their signs."""
        return self._signed / (len(self.curve) * int(self.tissue.sum()))

    @property
    def mean_map(self) -> np.ndarray:
        """The mean over time: float32 (h, w), zero outside the tissue."""
        return np.where(self.tissue, self._total / len(self.curve), 0).astype(np.float32)

    def percentile(self, percent: float) -> float:
        """The least value that at least `percent` per cent of the tissue pixels of all frames do not exceed."""
        counts = np.cumsum(self._histogram)
        return float(np.searchsorted(counts, percent / 100 * counts[-1])) * self.top / self.steps
