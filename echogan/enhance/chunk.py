"""Consecutive frames of a clip, before and after a generator, and the prepared clip that they are from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from echogan.clips.clip import ClipFile
from echogan.core.geometry import Sector
from echogan.core.grey_curve import GreyCurve
from echogan.core.scale import GREY
from echogan.enhance.caution import Caution
from echogan.enhance.keep_walls import KeptWalls
from echogan.enhance.put_back import Levels, blend, keep_original, put_back
from echogan.enhance.working_space import WorkingSpace


@dataclass(frozen=True)
class PreparedClip:
    """A clip with all that is settled before its first frame is enhanced.

    curve     the grey curve on which the generators see it; plain_curve: on which the segmenter does
    caution, walls   where the checkpoint asks for them
    """

    clip: ClipFile
    sector: Sector
    space: WorkingSpace
    curve: GreyCurve
    plain_curve: GreyCurve
    caution: Caution | None = None
    walls: KeptWalls | None = None

    @cached_property
    def levels(self) -> Levels:
        """Where the clip's grey levels say something."""
        return Levels.of(self.plain_curve)

    @property
    def up(self) -> int:
        """The step through the rows with which the apex is above, as the networks know fans: 1, or -1."""
        fan = self.sector.fan
        return -1 if fan is not None and fan.opens_up else 1


@dataclass(frozen=True)
class Chunk:
    """Consecutive frames, before and after.

    prepared     the clip that they are from
    start        index of the first frame
    original     uint8 (n, H, W) grey or (n, H, W, 3)
    x            float32 (n, h, w) in [-1, 1]: the input in the working space
    g            to_high(x) at full strength, as `applied` gives it; equal to x outside the sector
    strength     what was applied: the result shown is y = x + strength * (g - x), less where `kept`
    decode_s, enhance_s   seconds spent on this chunk
    to_low       of (g, x), float32 (n, h, w): the way back, equal to x outside the sector
    seen         float32 (n, frames, h, w) in [-1, 1]: what to_high saw of each frame, itself in the middle
    to_high      of other such frames, as g is of `seen`; frames may be 1, of stills
    kept         None, or uint8 (n, h, w): the share of the original to keep in the result, as `keep_weights` gives it

    `cycled` and `enhanced` are made when they are first asked for, so that another thread can do so while the next
    chunk is enhanced.
    """

    prepared: PreparedClip
    start: int
    original: np.ndarray
    x: np.ndarray
    g: np.ndarray
    strength: float
    decode_s: float
    enhance_s: float
    to_low: Callable[[np.ndarray, np.ndarray], np.ndarray] = field(repr=False)
    seen: np.ndarray = field(repr=False)
    to_high: Callable[[np.ndarray], np.ndarray] = field(repr=False)
    kept: np.ndarray | None = field(default=None, repr=False)

    @property
    def y(self) -> np.ndarray:
        """The result shown, in the working space: float32 (n, h, w) in [-1, 1]."""
        applied = self.strength if self.kept is None else self.strength * (1 - self.kept / np.float32(255))
        return self.x + applied * (self.g - self.x)

    @cached_property
    def cycled(self) -> np.ndarray:
        """to_low(g), float32 (n, h, w) in [-1, 1]; equal to x outside the sector."""
        return self.to_low(self.g, self.x)

    @cached_property
    def enhanced(self) -> np.ndarray:
        """The result in the clip's own pixels, shaped as `original`; equal to it bit for bit outside the tissue."""
        sector, space = self.prepared.sector, self.prepared.space
        residual = space.leave(self.g - self.x) * GREY
        pairs = zip(self.original, residual, strict=True)
        full = np.stack([put_back(frame, r, sector, space) for frame, r in pairs])
        if self.kept is not None:
            for original, shown, weights in zip(self.original, full, self.kept, strict=True):
                shown[space.box] = keep_original(original[space.box], shown[space.box], weights)
        return blend(self.original, full, self.strength)
