"""Whether the calibrated fusion flags a lesion that a network erased or invented in a real still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from echogan.calibration.calibrate import probabilities
from echogan.calibration.examples import Example, examples, swapped
from echogan.enhance.calibrated import calibration_of
from echogan.enhance.enhancer import Enhancer
from echogan.trust.calibration import Calibration
from eval.hallucination.promises import shifted
from eval.measures.intervals import interval, share_interval
from eval.simulated.lesion_cases import LesionCase
from eval.simulated.lesions import ERASED

FLAGGED = 0.5  # share of a lesion over a threshold from which it counts as flagged


def flags(cases: Sequence[LesionCase], enhancer: Enhancer) -> dict[str, Any] | None:
    """What the checkpoint's thresholds flag of its own results, and of swapped ones; None without a calibration.

    erased, kept   lesions that the network erased, or kept: how many are flagged as removed
    swapped        results of the still with the lesion and without exchanged: lesions erased and invented for certain
    own            share of the sector that is flagged in the network's own results
    thresholds     of the swapped results, by the truth map: what amber misses, and what is flagged elsewhere
    """
    found = calibration_of(enhancer.checkpoint)
    if found is None:
        return None
    pairs, calibration = list(examples([case.clip for case in cases], enhancer)), found.calibration
    ill, control = pairs[::2], pairs[1::2]
    gone = [case.contrast(one.enhanced) < ERASED * case.before for case, one in zip(cases, ill, strict=True)]
    own = [covered(one, one.lesion, calibration)["removed"] for one in ill]
    removed, invented = [], []
    for one, other in zip(ill, control, strict=True):
        removed.append(covered(replace(one, g=other.g), one.lesion, calibration)["removed"])
        invented.append(covered(replace(other, g=one.g), one.lesion, calibration)["invented"])
    return {
        "erased": counted([one for one, lost in zip(own, gone, strict=True) if lost]),
        "kept": counted([one for one, lost in zip(own, gone, strict=True) if not lost]),
        "swapped": {"erased": counted(removed), "invented": counted(invented)},
        "own": area(
            pairs, [str(case.clip.facts["patient"]) for case in cases for _ in range(2)], calibration
        ),
        "thresholds": shifted(swapped(pairs), calibration),
    }


def covered(one: Example, lesion: np.ndarray, calibration: Calibration) -> dict[str, tuple[float, float]]:
    """The shares of a lesion, bool (h, w), over amber and over red, by what it is flagged as."""
    maps = dict(zip(("removed", "invented"), probabilities(one), strict=True))
    return {
        name: (float((of[lesion] >= calibration.amber).mean()), float((of[lesion] >= calibration.red).mean()))
        for name, of in maps.items()
    }


def counted(found: Sequence[tuple[float, float]]) -> dict[str, Any] | None:
    """How many lesions are flagged amber, and red; None without any."""
    if not found:
        return None
    amber, red = zip(*found, strict=True)
    return {
        name: share_interval([share >= FLAGGED for share in of])
        for name, of in (("amber", amber), ("red", red))
    }


def area(found: Sequence[Example], patients: Sequence[str], calibration: Calibration) -> dict[str, Any]:
    """The mean share of the sector that is flagged, at each threshold, with intervals by patient."""
    tops = [np.maximum(*probabilities(one))[one.tissue] for one in found]
    return {
        name: interval([float((top >= threshold).mean()) for top in tops], patients)
        for name, threshold in (("amber", calibration.amber), ("red", calibration.red))
    }
