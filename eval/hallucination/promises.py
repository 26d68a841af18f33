"""Whether the promises of a calibration hold: on fresh clips of its kind, on other splits, on errors of other kinds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from echogan.calibration.calibrate import (
    THRESHOLDS,
    Losses,
    flagged,
    losses,
    missed,
    probabilities,
    thresholds,
)
from echogan.calibration.examples import Example
from echogan.calibration.lesion_clips import LesionClip
from echogan.enhance.enhancer import Enhancer
from echogan.trust.calibration import Calibration
from eval.measures.intervals import interval

SPLITS = 20
ERRORS = ("swapped", "painted")  # kinds of known errors that a calibration makes


def promises(
    calibration: Calibration,
    enhancer: Enhancer,
    known: Sequence[LesionClip],
    fresh: Sequence[LesionClip],
) -> dict[str, Any]:
    """What is missed and flagged at the stored thresholds on fresh clips, and at thresholds of SPLITS other splits.

    known   clips like those of the calibration, for the other splits
    """
    kinds = [str(clip.facts["kind"]) for clip in fresh]
    tested = [losses(clip, enhancer) for clip in fresh]
    pool = [losses(clip, enhancer) for clip in known] + tested
    by_kind = {
        kind: [one for one, k in zip(tested, kinds, strict=True) if k == kind] for kind in sorted(set(kinds))
    }
    return {
        "amber": calibration.amber,
        "red": calibration.red,
        "fresh": at_thresholds(tested, calibration.amber, calibration.red),
        "by_kind": {
            k: at_thresholds(found, calibration.amber, calibration.red) for k, found in by_kind.items()
        },
        "by_error": {
            kind: at_thresholds(of_error(tested, kind), calibration.amber, calibration.red) for kind in ERRORS
        },
        "splits": splits(pool, len(known)),
    }


def of_error(found: Sequence[Losses], kind: str) -> list[Losses]:
    """Losses with one kind of known error alone."""
    return [Losses(one.by_error.get(kind), one.flagged) for one in found]


def at_thresholds(found: Sequence[Losses], amber: float, red: float) -> dict[str, Any]:
    """Mean share missed at amber, and flagged at amber and at red, with intervals by clip."""
    misses = [value_at(one.missed, amber) for one in found if one.missed is not None]
    return {
        "clips": len(found),
        "with_errors": len(misses),
        "missed_at_amber": interval(misses) if misses else None,
        "flagged_at_amber": interval([value_at(one.flagged, amber) for one in found]),
        "flagged_at_red": interval([value_at(one.flagged, red) for one in found]),
    }


def splits(pool: Sequence[Losses], size: int) -> dict[str, Any]:
    """Missed and flagged on the other clips, for SPLITS random calibrations of `size` clips each."""
    rows = []
    for seed in range(SPLITS):
        order = np.random.default_rng(seed).permutation(len(pool))
        amber, red = thresholds([pool[k] for k in order[:size]])
        rest = [pool[k] for k in order[size:]]
        misses = [value_at(one.missed, amber) for one in rest if one.missed is not None]
        rows.append((np.mean(misses), np.mean([value_at(one.flagged, red) for one in rest])))
    missed_share, flagged_share = np.array(rows).T
    return {"missed_at_amber": missed_share.tolist(), "flagged_at_red": flagged_share.tolist()}


def shifted(found: Iterable[Example], calibration: Calibration) -> dict[str, Any]:
    """What is missed and flagged at thresholds that were made for other errors, with intervals by clip."""
    rows = []
    for one in found:
        maps = probabilities(one)
        rows.append(Losses(missed(one, *maps), flagged(one, *maps)))
    return at_thresholds(rows, calibration.amber, calibration.red)


def value_at(loss: np.ndarray, threshold: float) -> float:
    """A loss at a threshold that is one of THRESHOLDS."""
    return float(loss[min(np.searchsorted(THRESHOLDS, threshold), len(THRESHOLDS) - 1)])
