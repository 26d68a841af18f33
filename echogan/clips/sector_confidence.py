"""How far a found sector can be trusted: its estimated overlap with the true one."""

from __future__ import annotations

import numpy as np

from echogan.clips.evidence import Evidence
from echogan.clips.fan_fit import Fit

CHECK_BELOW = 0.9  # estimated IoU below which the reader is asked to look


def sector_confidence(fit: Fit, lit: Fit | None, evidence: Evidence) -> float:
    """The estimated IoU with the true sector, 0 to 1: of a fit to the network's map, or of `lit`, its polished fan."""
    return float(np.clip(lit.iou if lit is not None else fit.iou * evidence.agree, 0, 1))
