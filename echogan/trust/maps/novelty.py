"""Whether the input looks like the clips of a reference: nearest neighbours among features, as a conformal p-value."""

from __future__ import annotations

import numpy as np

NEIGHBOURS = 5


def standardised(features: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Features (m, d) less the mean of the reference (n, d), over its standard deviation: float64 (m, d).

    A feature that is the same in all of the reference counts as it is.
    """
    deviation = reference.std(0, dtype=np.float64)
    return (features - reference.mean(0, dtype=np.float64)) / np.where(deviation > 0, deviation, 1)


def novelty(features: np.ndarray, reference: np.ndarray, k: int = NEIGHBOURS) -> np.ndarray:
    """The mean distance of each clip (m, d) to its k nearest in the reference (n, d), both standardised: (m,)."""
    ours, theirs = standardised(features, reference), standardised(reference, reference)
    return _nearest(_distances(ours, theirs), k)


def reference_novelty(reference: np.ndarray, k: int = NEIGHBOURS) -> np.ndarray:
    """The same of each reference clip (n, d) among the others (leave-one-out): (n,), in ascending order."""
    clips = standardised(reference, reference)
    distances = _distances(clips, clips)
    np.fill_diagonal(distances, np.inf)
    return np.sort(_nearest(distances, k))


def p_value(distance: float, reference: np.ndarray) -> float:
    """(1 + how many reference distances (n,) are at least as large) / (n + 1), in (0, 1].

    Conformal anomaly detection (Laxhammar and Falkman 2011): where the clip and the reference are exchangeable, the
    p-value is at most alpha in at most about alpha of clips. A small one says that the input is of another kind:
    probe, view, vendor or file. A lesion hardly changes it. The unit is the clip, for its frames are alike.
    """
    return float((1 + np.count_nonzero(reference >= distance)) / (len(reference) + 1))


def _distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean distances (m, n) of rows (m, d) and (n, d)."""
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    return np.sqrt(np.maximum(squared, 0))


def _nearest(distances: np.ndarray, k: int) -> np.ndarray:
    """The mean of the k smallest of each row, or of all where there are fewer."""
    return np.sort(distances, axis=1)[:, :k].mean(1)
