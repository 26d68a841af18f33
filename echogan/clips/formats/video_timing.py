"""Frame rate and durations of a video, from the times at which its frames start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DEFAULT_FPS = 30.0


@dataclass(frozen=True)
class Times:
    """When each frame starts, in seconds, in order (empty where unknown), and when the last one ends."""

    starts: tuple[float, ...]
    end: float | None
    tick: float

    def without(self, index: int) -> Times:
        """The times of a clip without one of its frames."""
        last = index == len(self.starts) - 1
        return Times(
            self.starts[:index] + self.starts[index + 1 :], self.starts[-1] if last else self.end, self.tick
        )


def timing(
    times: Times, count: int, nominal: float | None
) -> tuple[float, tuple[float, ...] | None, tuple[str, ...]]:
    """fps, one duration in ms per frame if they differ by more than 10 %, and notes for the reader."""
    steps = np.diff(times.starts)
    if len(times.starts) != count or count < 2:
        if nominal:
            return nominal, None, ()
        return DEFAULT_FPS, None, (f"The file gives no frame rate; {DEFAULT_FPS:.0f} per second is assumed.",)
    mean = float(steps.mean())
    # A container that counts in milliseconds stores 120 frames per second as 8 and 9 ms: one tick is no difference.
    if np.abs(steps - mean).max() > max(0.1 * mean, 1.01 * times.tick):
        last = (times.end or 0) - times.starts[-1]
        if not 0 < last < 10 * steps.max():
            last = mean
        durations = tuple(float(1000 * step) for step in (*steps, last))
        return 1000 * count / sum(durations), durations, ("Frame durations differ; they are kept.",)
    if nominal and abs(nominal * mean - 1) < 0.02:
        return nominal, None, ()
    return 1 / mean, None, ()
