"""The designs of the simulated reader studies: how many read what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from echogan.study.analysis.simulation import Effects, arm_scores, graded
from echogan.study.analysis.tables import ITEMS, Item

Kept = Callable[[int, int, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Design:
    """Readers and patients, the item, how many clips a patient has at most, and which cells are read.

    `kept` gives a mask (2 arms, readers, patients) of what is read. `mixed` says whether the slow mixed model is run
    too; in a crossed design it has the standard error of the MRMC difference.
    """

    readers: int
    patients: int
    item: Item = ITEMS[0]
    clips: int = 1
    kept: Kept = lambda readers, patients, rng: np.ones((2, readers, patients), bool)
    mixed: bool = False

    def ratings(self, effects: Effects, rng: np.random.Generator) -> np.ndarray:
        """Mean ratings over the clips of one simulated study: float (2, J, K), NaN where nobody read."""
        values = graded(arm_scores(effects, self.readers, self.patients, self.clips, rng), self.item)
        number = rng.integers(1, self.clips + 1, self.patients)
        values[..., np.arange(self.clips) >= number[:, None]] = np.nan
        means = np.nanmean(values, -1)
        means[~self.kept(self.readers, self.patients, rng)] = np.nan
        return means


def incomplete(readers: int, patients: int, rng: np.random.Generator) -> np.ndarray:
    """A third of the cells is not read; each reader reads some."""
    return np.repeat(rng.random((1, readers, patients)) < 2 / 3, 2, 0)


def blocks(readers: int, patients: int, rng: np.random.Generator) -> np.ndarray:
    """Split plot: two blocks of readers, each with half of the patients."""
    block = np.arange(readers)[:, None] % 2 == np.arange(patients) % 2
    return np.stack([block, block])


def patients_in_readers(readers: int, patients: int, rng: np.random.Generator) -> np.ndarray:
    """Each reader reads patients of their own."""
    own = np.arange(readers)[:, None] == np.arange(patients) % readers
    return np.stack([own, own])


def patients_in_arms(readers: int, patients: int, rng: np.random.Generator) -> np.ndarray:
    """Half of the patients is read in one arm, half in the other."""
    first = np.broadcast_to(np.arange(patients) % 2 == 0, (readers, patients))
    return np.stack([first, ~first])


def readers_in_arms(readers: int, patients: int, rng: np.random.Generator) -> np.ndarray:
    """Half of the readers reads one arm, half the other."""
    first = np.broadcast_to(np.arange(readers)[:, None] % 2 == 0, (readers, patients))
    return np.stack([first, ~first])


DESIGNS = {
    **{f"crossed, {j} readers, {k} patients": Design(j, k) for j in (4, 6, 8) for k in (30, 60)},
    **{f"yes or no, {j} readers, 60 patients": Design(j, 60, ITEMS[4]) for j in (4, 8)},
    "1 to 3 clips a patient, 6 readers, 40 patients": Design(6, 40, clips=3, mixed=True),
    "a third of the cells missing, 6 readers, 40 patients": Design(6, 40, kept=incomplete, mixed=True),
    "two blocks, 8 readers, 60 patients": Design(8, 60, kept=blocks, mixed=True),
    "patients nested in readers, 8 readers, 80 patients": Design(8, 80, kept=patients_in_readers, mixed=True),
    "patients nested in arms, 6 readers, 80 patients": Design(6, 80, kept=patients_in_arms),
    "readers nested in arms, 8 readers, 40 patients": Design(8, 40, kept=readers_in_arms),
}
"""Name in the table -> design."""
