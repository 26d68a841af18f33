"""Kept walls: less is removed where a wall probably lies that the clip does not show.

A generator takes a wall in drop-out or under haze for a cavity, and clears it. `segmenter-walls` tells such walls from
what is around them (`echogan.trust.hidden_walls`).
"""

from __future__ import annotations

import numpy as np
import torch

from echogan.core.grey_curve import GreyCurve
from echogan.enhance.hidden_walls import HiddenWalls
from echogan.trust.maps.smoothing import Smoother

SOFT = 0.055  # sigma over the frame's height: about a wall's width, as the place of such a wall is uncertain


class KeptWalls:
    """The share of what is removed that is withheld, in the frames of one clip.

    Softly: haze that stays behind a sharp edge would look like a structure.

    share    where a hidden wall is certain, from 0 to 1; elsewhere times its probability
    tissue   bool (h, w): the sector without overlay, in the working space
    curve    the grey curve on which the walls' network sees the clip
    up       the step through the rows with which the apex is above: 1, or -1
    """

    def __init__(self, share: float, tissue: np.ndarray, curve: GreyCurve, up: int, device: torch.device):
        upright = np.ascontiguousarray(tissue[::up])
        self._share, self._curve, self._up = np.float32(share), curve, up
        self._walls, self._smooth = HiddenWalls(upright, device), Smoother(upright, SOFT)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Float32 (n, h, w) in [0, 1] of frames as displayed, float32 (n, h, w) in [-1, 1]; each is looked at alone."""
        hidden = self._walls.hidden(self._curve.to_canonical(np.ascontiguousarray(x[:, :: self._up])))
        return self._share * np.stack([self._smooth(one) for one in hidden])[:, :: self._up]


class KeptWallsInOrder:
    """`KeptWalls` of a clip's frames from its first to its last: looked for in every so many, and linear between.

    Walls move little in so short a time. After the last frame in which they were looked for, its map stays.

    reach   from one of these frames to the next, as far as the generator's neighbours lie; 0 for every frame
    """

    def __init__(self, kept: KeptWalls, reach: int):
        self._kept, self._step = kept, max(1, reach)
        self._found: dict[int, np.ndarray] = {}

    def __call__(self, frames: np.ndarray, first: int, wanted: range) -> np.ndarray:
        """Float32 (n, h, w) of the wanted frames of the clip.

        frames   float32 (m, h, w) in [-1, 1]: the clip's frames from number `first` on, up to `reach` beyond the wanted
        """
        ends = {index: self._ends(index, first + len(frames)) for index in wanted}
        needed = sorted({end for pair in ends.values() for end in pair})
        if new := [index for index in needed if index not in self._found]:
            maps = self._kept(frames[[index - first for index in new]])
            self._found |= dict(zip(new, maps, strict=True))
        self._found = {index: self._found[index] for index in needed}
        return np.stack([self._between(index, *pair) for index, pair in ends.items()])

    def _ends(self, index: int, known: int) -> tuple[int, int]:
        """The frames between whose maps that of a frame lies, of `known` frames."""
        before = index - index % self._step
        after = before + self._step
        return before, (after if before < index and after < known else before)

    def _between(self, index: int, before: int, after: int) -> np.ndarray:
        share = np.float32((index - before) / self._step)
        return self._found[before] + share * (self._found[after] - self._found[before])
