"""How much the result changes from frame to frame, over how much the input does: one number."""

from __future__ import annotations

import numpy as np

from echogan.trust.maps.smoothing import Smoother

EVERY = 2


class FlickerRatio:
    """Mean |S(g[t-1] - 2 g[t] + g[t+1])| over the same of x, inside the tissue; takes frames as they come.

    The second difference leaves out what moves or brightens evenly. True motion is left in both, so the ratio is
    nearer to 1 than that of flicker alone; `flicker_excess` follows the motion, and costs its optical flow. One
    of EVERY frames counts.

    tissue   bool (h, w)
    """

    def __init__(self, tissue: np.ndarray):
        self._smooth = Smoother(tissue)
        self._last: tuple[np.ndarray, np.ndarray] | None = None
        self._sums = np.zeros(2)
        self._seen = 0

    def add(self, x: np.ndarray, g: np.ndarray) -> None:
        """The next frames of input and result, float32 (n, h, w) in [0, 1]."""
        if self._last is not None:
            x, g = (np.concatenate(pair) for pair in zip(self._last, (x, g), strict=True))
        self._last = x[-2:].copy(), g[-2:].copy()
        if len(x) < 3:
            return
        for middle in range(1, len(x) - 1):
            if self._seen % EVERY == 0:
                for side, frames in enumerate((x, g)):
                    change = frames[middle - 1] - 2 * frames[middle] + frames[middle + 1]
                    self._sums[side] += np.abs(self._smooth(change)).sum(dtype=np.float64)
            self._seen += 1

    @property
    def ratio(self) -> float | None:
        """The ratio, 1 where the result is as calm as the input; None for less than three frames or a frozen clip."""
        before, after = self._sums
        return float(after / before) if before > 0 else None
