"""The flagged map: where the result probably lost or invented something, as one signed byte a pixel."""

from __future__ import annotations

import numpy as np

from echogan.trust.map_styles import MapLook

NONE, SPAN = 128, 127  # the code of a probability of 0, and the steps from there to 1


FLAGGED = MapLook(
    label="Flagged",
    title="probably removed or added",
    follows_strength=False,
    signed=True,
    colormap="bwr",
    low=-NONE / SPAN,  # so that its codes are those of `flag_codes`
    high=1.0,
    solid_at=0.6,
    unit="probability",
    ends=("1 removed", "1 added"),
    shows=(
        "Where the result at full strength probably lost a structure (blue) or shows one that was not there (red). "
        "Outlines: the thresholds of this network's calibration."
    ),
    misses="What looks unlike every error of the calibration is missed; no outline is no proof that all is right.",
)


def flag_codes(removed: np.ndarray, invented: np.ndarray) -> np.ndarray:
    """Two probabilities as one code: uint8 of their shape.

    128 + 127 p where `invented` is the larger one, p, and 128 - 127 p where `removed` is; 128 is none of both.

    removed, invented   float32 in [0, 1], of one shape
    """
    signed = np.where(invented > removed, invented, -removed)
    return np.rint(NONE + SPAN * signed).astype(np.uint8)


def flagged(codes: np.ndarray, threshold: float) -> np.ndarray:
    """Where the probability of either reaches the threshold in [0, 1], to the nearest code: bool of `codes`' shape."""
    return np.abs(codes.astype(np.int16) - NONE) >= round(SPAN * threshold)
