"""How far a found sector can be trusted: the overlap with the true one that most such simulated fans exceed."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np

from echogan.clips.sector.fan_fit import Fit

CHECK_BELOW = 0.9  # confidence below which the reader is asked to check the sector
CALIBRATION = Path(__file__).with_name("sector_confidence.json")  # by `python -m eval fan_calibration`


def sector_confidence(fit: Fit) -> float:
    """The IoU with the true sector that a shape has at least, in most clips as clear as this one, 0 to 1.

    It is read from how sharply the network sees the shape: their overlap, `fit.iou`. See `eval.fans.calibration`.
    """
    scores, overlaps = calibration()
    return float(np.interp(fit.iou, scores, overlaps))


@lru_cache(maxsize=1)
def calibration() -> tuple[list[float], list[float]]:
    """(scores, overlaps), both rising: the IoU of each score, with linear interpolation between them."""
    known = json.loads(CALIBRATION.read_text())
    return known["scores"], known["overlaps"]
