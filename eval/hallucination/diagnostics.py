"""The diagnostics that are compared: for each a score of erased and of invented pixels in the middle frame."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from echogan.calibration.calibrate import probabilities
from echogan.calibration.examples import Example
from echogan.trust.maps.degradation import explained_degradation
from echogan.trust.maps.flicker import flicker_excess
from echogan.trust.maps.ring_correlation import ring_correlation
from echogan.trust.maps.stability import equivariance_spread, idempotence
from echogan.trust.maps.tone import tone_matched

Score = Callable[[Example], np.ndarray]
"""The map of the middle frame, float (h, w)."""


def _difference(e: Example) -> np.ndarray:
    return np.abs(e.g - e.x)[e.middle]


def _cycle_error(e: Example) -> np.ndarray:
    return np.abs(e.cycled - e.x)[e.middle]


def _tone_matched(e: Example) -> np.ndarray:
    return tone_matched(e.x, e.g, e.tissue)[e.middle]


def _explained_degradation(e: Example) -> np.ndarray:
    return explained_degradation(e.x[[e.middle]], e.g[[e.middle]], e.tissue)[0]


def _ring_correlation(e: Example) -> np.ndarray:
    return ring_correlation(e.x[[e.middle]], e.g[[e.middle]], e.tissue)[0]


def _flicker_excess(e: Example) -> np.ndarray:
    return flicker_excess(e.x, e.g, e.tissue)[e.middle]


def _idempotence(e: Example) -> np.ndarray:
    g = e.g[e.around]
    return idempotence(g, e.translate(g), e.tissue)[e.middle - e.around.start]


def _equivariance_spread(e: Example) -> np.ndarray:
    x = e.x[e.around]
    return equivariance_spread(e.translate, x, e.tissue)[e.middle - e.around.start]


def _fused(e: Example) -> np.ndarray:
    return signed(*probabilities(e))


def signed(removed: np.ndarray, invented: np.ndarray) -> np.ndarray:
    """Two probabilities as one score: positive where invented is the likelier, negative where removed is."""
    return np.where(invented > removed, invented, -removed)


DIAGNOSTICS: dict[str, Score] = {
    "raw difference": _difference,
    "raw cycle error": _cycle_error,
    "tone-matched residual": _tone_matched,
    "explained-degradation residual": _explained_degradation,
    "ring correlation": _ring_correlation,
    "flicker excess": _flicker_excess,
    "idempotence": _idempotence,
    "equivariance spread": _equivariance_spread,
    "fused": _fused,
}
"""Name -> its map. The higher, the more suspect."""
OF_ANY_RESULT = tuple(name for name in DIAGNOSTICS if name != "equivariance spread")
"""Those that need the result alone, not the network that made it."""
SIGNED = frozenset({"tone-matched residual", "explained-degradation residual", "fused"})
"""Diagnostics that tell added from removed: positive is added."""


def scores(name: str, e: Example) -> dict[str, np.ndarray]:
    """The scores of a diagnostic for erased and for invented pixels, float (h, w) each."""
    found = DIAGNOSTICS[name](e)
    return {"erased": -found if name in SIGNED else found, "invented": found}
