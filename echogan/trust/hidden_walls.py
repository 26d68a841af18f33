"""Walls that a result does not show: hidden in the clip by drop-out, shadow or haze, or cleared like haze.

Where a wall is in drop-out the input is as dark as the result, so that nothing that compares the two sees that a
generator made a cavity of it. Context tells: a wall goes on where it fades. So networks that know walls look at the
input (`echogan.enhance.hidden_walls`), and the result is asked whether it shows them. What it shows there cannot be
verified.
"""

from __future__ import annotations

import numpy as np

from echogan.trust.map_styles import MapLook
from echogan.trust.maps.smoothing import smooth

LIKELY = 0.5  # probability from which a place counts as a hidden wall
FULL = 255  # the code of a probability of 1, as `HIDDEN_WALLS.codes` gives it
CAVITY = 0.1  # quantile of the tissue's grey levels that stands for a cavity's
DOUBT = 0.5  # how much counts that the result is dark where the input shows myocardium
LEAST_RANGE = 0.02  # of grey levels in [0, 1]: what lies closer together does not tell wall from cavity

HIDDEN_WALLS = MapLook(
    label="Hidden walls",
    title="a wall that is not shown",
    follows_strength=False,
    signed=False,
    colormap="viridis",
    low=0.0,
    high=1.0,
    solid_at=0.6,
    unit="probability",
    ends=("0", "1 hidden wall"),
    shows=(
        "Where a wall probably lies that the result does not show: hidden in the original by drop-out, shadow or haze, "
        "or cleared with the haze. Neither picture can tell wall from cavity there."
    ),
    misses="It guesses from what is around: a wall can be hidden without colour here, and none need be where there is.",
)


def hidden_walls(hidden: np.ndarray, myocardium: np.ndarray, g: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """The probability that a wall lies at a pixel and the result does not show it: float32 (n, h, w).

    h + (1 - h) m d DOUBT, with d in [0, 1]: how far the smoothed result lies below the median level of the myocardium,
    on the way to that of a cavity. 0 outside the tissue.

    hidden       float32 (n, h, w) in [0, 1], h: probability of a wall that the input does not show
    myocardium   float32 (n, h, w) in [0, 1], m: probability of myocardium in the input
    g            float32 (n, h, w) in [0, 1]: the result
    tissue       bool (h, w), not empty
    """
    maps = [
        h + (1 - h) * DOUBT * m * _darkness(level, m, tissue)
        for h, m, level in zip(hidden, myocardium, smooth(g, tissue), strict=True)
    ]
    return np.where(tissue, np.stack(maps), 0).astype(np.float32)


def _darkness(level: np.ndarray, myocardium: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    walls = level[tissue & (myocardium >= LIKELY)]
    if not len(walls):
        return np.zeros_like(level)
    bright, dark = float(np.median(walls)), float(np.quantile(level[tissue], CAVITY))
    return np.clip((bright - level) / max(bright - dark, LEAST_RANGE), 0, 1)
