"""How many readers and patients a study needs: power by simulation.

Each simulated study is analysed as the primary analysis will be, and the power is the share with p below 0.05.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from echogan.core.errors import StudyError
from echogan.study.analysis.estimate import LEVEL
from echogan.study.analysis.mrmc import mrmc_difference
from echogan.study.analysis.simulation import Effects, arm_scores, expected_difference, graded
from echogan.study.analysis.tables import ITEMS, Item

MOST_READERS, MOST_PATIENTS, MOST_STUDIES = 50, 1000, 10_000


@dataclass(frozen=True)
class PowerPoint:
    """The power of one size, with the standard error of the simulation."""

    readers: int
    patients: int
    power: float
    se: float
    gain: float
    """the true difference on the item's scale, which rounding to levels makes smaller than that of the latent scale"""


def power(
    effects: Effects,
    readers: Sequence[int],
    patients: Sequence[int],
    clips: int = 1,
    studies: int = 400,
    item: Item = ITEMS[0],
    seed: int = 0,
) -> list[PowerPoint]:
    """The power for each number of readers and of patients. Raises StudyError for sizes that no study has."""
    if not all(2 <= j <= MOST_READERS for j in readers) or not all(2 <= k <= MOST_PATIENTS for k in patients):
        raise StudyError(f"A plan has 2 to {MOST_READERS} readers and 2 to {MOST_PATIENTS} patients.")
    if not 1 <= studies <= MOST_STUDIES:
        raise StudyError(f"Between 1 and {MOST_STUDIES} studies can be simulated.")
    gain = expected_difference(effects, item)
    found = []
    for j in readers:
        for k in patients:
            rng = np.random.default_rng([seed, j, k])
            share = float(np.mean([_significant(effects, (j, k, clips), item, rng) for _ in range(studies)]))
            found.append(PowerPoint(j, k, share, (share * (1 - share) / studies) ** 0.5, gain))
    return found


def _significant(effects: Effects, size: tuple[int, int, int], item: Item, rng: np.random.Generator) -> bool:
    found = mrmc_difference(graded(arm_scores(effects, *size, rng), item).mean(-1))
    return found.p is not None and found.p < 1 - LEVEL
