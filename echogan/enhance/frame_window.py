"""A clip's frames in order with the neighbours that a generator sees, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import torch

from echogan.model.networks.frames import FRAME_MS, neighbours, offsets


class FrameWindow:
    """Walks through a clip batch by batch; keeps the batch, and what lies as near to it as the neighbours do.

    source   the clip's decoded frames; read ahead as far as the last frame's neighbours lie
    enter    a decoded frame to float32 (h, w) of the working space, called once for each
    frames   how many frames the generator sees, chosen by time: `fps` is the clip's rate, None where unknown

    reach    how many frames before or after a frame the furthest of its neighbours lies
    """

    def __init__(
        self,
        source: Iterator[np.ndarray],
        enter: Callable[[np.ndarray], np.ndarray],
        frames: int = 1,
        fps: float | None = None,
    ) -> None:
        self._source, self._enter, self._frames = source, enter, frames
        self._frame_ms = torch.tensor([1000 / fps if fps else FRAME_MS])
        self.reach = int(offsets(frames, self._frame_ms).max())
        self._decoded: list[np.ndarray] = []  # from the batch's first frame on
        self._entered: list[np.ndarray] = []  # from `_before` frames before it on
        self._before = self._count = 0

    def advance(self, count: int) -> list[np.ndarray]:
        """The next `count` decoded frames; fewer at the clip's end, none after it."""
        del self._decoded[: self._count]
        passed = self._before + self._count
        self._before = min(passed, self.reach)
        del self._entered[: passed - self._before]
        self._decoded += islice(self._source, count + self.reach - len(self._decoded))
        self._count = min(count, len(self._decoded))
        return self._decoded[: self._count]

    def seen(self) -> tuple[np.ndarray, np.ndarray]:
        """Frames float32 (m, h, w), and which of them the generator sees of each of the batch: int (n, frames).

        A frame itself is in the middle. Before the clip's first frame and after its last these are repeated.
        """
        new = self._decoded[len(self._entered) - self._before :]
        self._entered += [self._enter(frame) for frame in new]
        places = torch.arange(self._before, self._before + self._count)
        length = torch.full_like(places, len(self._entered))
        seen = neighbours(places, length, self._frame_ms, self._frames).numpy()
        return np.stack(self._entered), seen
