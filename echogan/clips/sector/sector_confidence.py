"""How far a found sector can be trusted: its estimated overlap with the true one, calibrated on simulated fans."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np

from echogan.clips.sector.evidence import Evidence
from echogan.clips.sector.fan_fit import Fit

CHECK_BELOW = 0.9  # estimated IoU below which the reader is asked to check the sector
CALIBRATION = Path(__file__).with_name("sector_confidence.json")  # by `python -m eval fan_calibration`
UNLIT = 0.05  # how much less an overlap with lit tissue counts than one with the network's map: shadows hide borders


def sector_confidence(fit: Fit, lit: Fit | None, evidence: Evidence) -> float:
    """The estimated IoU of a found shape with the true sector, 0 to 1, see `sector_score`."""
    scores, overlaps = calibration()
    return float(np.interp(sector_score(fit, lit, evidence), scores, overlaps))


def sector_score(fit: Fit, lit: Fit | None, evidence: Evidence) -> float:
    """0 to 1: how sharply the network sees the fitted shape, and how alike in the clip and in its mirror image.

    If lit tissue fills the fan to its borders (`lit`), their overlap counts where it is higher.
    """
    seen = fit.iou * evidence.agree
    return max(seen, lit.iou - UNLIT) if lit is not None else seen


@lru_cache(maxsize=1)
def calibration() -> tuple[list[float], list[float]]:
    """(scores, overlaps), both rising: the IoU of each score, with linear interpolation between them."""
    known = json.loads(CALIBRATION.read_text())
    return known["scores"], known["overlaps"]
