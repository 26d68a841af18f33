"""Conformal risk control: a threshold whose average loss on new clips is bounded.

Angelopoulos, Bates, Fisch, Lei and Schuster, ICLR 2024, "Conformal risk control", eq. 4. The bound is on the mean over
clips that are exchangeable with those of the calibration, not on each clip.
"""

from __future__ import annotations

import numpy as np


def miss_threshold(losses: np.ndarray, thresholds: np.ndarray, alpha: float) -> float | None:
    """The highest threshold at which the mean share missed on a new clip is at most alpha; None where none is.

    losses      float (n, k) in [0, 1]: the share missed on each clip at each threshold, not falling along k
    thresholds  float (k,), rising
    """
    kept = np.nonzero(bounded_risk(losses) <= alpha)[0]
    return float(thresholds[kept[-1]]) if len(kept) else None


def flag_threshold(losses: np.ndarray, thresholds: np.ndarray, alpha: float) -> float | None:
    """The lowest threshold at which the mean share flagged on a new clip is at most alpha; None where none is.

    losses      float (n, k) in [0, 1]: the share flagged on each clip at each threshold, not rising along k
    thresholds  float (k,), rising
    """
    kept = np.nonzero(bounded_risk(losses) <= alpha)[0]
    return float(thresholds[kept[0]]) if len(kept) else None


def bounded_risk(losses: np.ndarray) -> np.ndarray:
    """(sum of the losses + 1) / (n + 1) at each threshold: what the mean loss of a new clip does not exceed."""
    return (losses.sum(0) + 1) / (len(losses) + 1)
