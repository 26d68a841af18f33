"""Did the blinding hold? Bang's index, from readers' guesses of the arm of a clip.

For one arm it is the share of right guesses less the share of wrong ones; "cannot assess" counts as neither. 0 is
chance, 1 that all readers know the arm, -1 that all take it for the other one. Both arms near 0: blinded. One near 1
and the other near -1: readers call everything by the name of one arm, which is no unblinding either.
Source: Bang, Ni and Davis, Control Clin Trials 25:143 (2004). The guesses of a reader and of a patient are not
independent, so the interval is the MRMC one, for new readers and patients, cut at the bounds of the index.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from echogan.study.analysis.estimate import Estimate, absent
from echogan.study.analysis.mrmc import mrmc_mean
from echogan.study.analysis.tables import ARMS, reader_by_patient


@dataclass(frozen=True)
class Blinding:
    """The guesses of the clips of one arm."""

    index: Estimate
    """Bang's index, -1 to 1"""
    guessed: dict[str, int]
    """how often each arm was guessed, and `unsure`"""


def blinding(guesses: pd.DataFrame) -> dict[str, Blinding]:
    """Of each arm that was guessed. `guess` is original, enhanced, or empty for "cannot assess"."""
    found = {}
    for arm in ARMS:
        table = guesses[guesses["arm"] == arm]
        if table.empty:
            continue
        right, unsure = table["guess"] == arm, table["guess"] == ""
        scored = table.assign(score=np.where(right, 1.0, np.where(unsure, 0.0, -1.0)))
        counts = {name: int((table["guess"] == name).sum()) for name in ARMS} | {"unsure": int(unsure.sum())}
        found[arm] = Blinding(_index(scored), counts)
    return found


def _index(scored: pd.DataFrame) -> Estimate:
    mean = mrmc_mean(reader_by_patient(scored, "score"))
    if mean.low is None or mean.high is None:
        return absent("All readers guessed alike, or too few guessed: no interval.", mean.value)
    return replace(mean, low=max(mean.low, -1.0), high=min(mean.high, 1.0))
