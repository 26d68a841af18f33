"""Losses and time between two lines of a run's metrics."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from echogan.core.scale import GREY
from echogan.training.resume_checks import diverged


class Ticks:
    """Sums of the losses since the last line. They stay on the device until then: reading them makes a GPU wait."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._count, self._began = 0, time.perf_counter()

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """The losses of one step, by name."""
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0) + value.detach()
        self._count += 1

    @contextmanager
    def left_out(self) -> Iterator[None]:
        """The time of the block is no time of a step."""
        started = time.perf_counter()
        yield
        self._began += time.perf_counter() - started

    def line(self, step: int, rate: float) -> dict[str, Any]:
        """A line of metrics: the means since the last one. Raises TrainingError where the run has diverged."""
        means = {name: float(value) / self._count for name, value in self._sums.items()}
        if not all(math.isfinite(value) for value in means.values()):
            raise diverged(step)
        seconds = (time.perf_counter() - self._began) / self._count
        self._sums, self._count, self._began = {}, 0, time.perf_counter()
        return {"step": step, "learning_rate": rate, "seconds_per_step": seconds, **means}


def describe(line: Mapping[str, Any], steps: int) -> str:
    """A line of metrics in words; `steps` is where the run ends."""
    left = (steps - line["step"]) * line["seconds_per_step"] / 60
    told = (
        f"discriminators {line['discriminators']:.3f} ({line['right_high']:.0%} right)  "
        if "discriminators" in line
        else ""
    )
    good = f", {line['change_high'] * GREY:.1f} good" if "change_high" in line else ""
    return (
        f"step {line['step']}/{steps}  generators {line['generators']:.3f}  {told}"
        f"change {line['change_low'] * GREY:.1f} poor{good}  "
        f"{line['seconds_per_step']:.2f} s/step, {left:.0f} min left"
    )
