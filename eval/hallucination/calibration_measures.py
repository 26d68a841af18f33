"""What a stored calibration does: its promises on fresh clips, other errors at its thresholds, and painted discs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from echogan.calibration.lesion_clips import LesionClip
from echogan.enhance.enhancer import Enhancer
from echogan.trust.calibration import Calibration
from eval.hallucination.disc_clips import DiscClip, disc_table
from eval.hallucination.faulty import FAULTY, faulty_examples
from eval.hallucination.promises import promises, shifted
from eval.measures.baselines import open_enhancer


def calibration_measures(
    stored: Calibration,
    shipped: Enhancer,
    known: Sequence[LesionClip],
    fresh: Sequence[LesionClip],
    faulty: Path,
    discs: Sequence[DiscClip],
) -> dict[str, Any]:
    """Whether the shipped network's calibration keeps its promises, what it does of other errors, and of discs.

    known, fresh   clips like those of the calibration, and others
    faulty         folder of the faulty networks
    """
    shifts: dict[str, Any] = {}
    for one in FAULTY:
        if (faulty / one.name).exists():
            enhancer = open_enhancer(str(faulty / one.name))
            shifts[one.name] = shifted(faulty_examples(one, fresh, enhancer), stored)
    return {
        **promises(stored, shipped, known, fresh),
        "shifted": shifts,
        "discs": disc_table(discs, shipped, stored),
    }
