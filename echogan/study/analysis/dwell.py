"""How long readers looked: by arm, and in the course of a session.

Times are skewed, so arms are compared by the logarithm: the result is a ratio of typical times, with the MRMC
interval. Time with the window hidden is not counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from echogan.study.analysis.estimate import Estimate, absent
from echogan.study.analysis.mrmc import mrmc_difference
from echogan.study.analysis.tables import ARMS

SHARES = np.linspace(0, 1, 21)
TENTHS = 10
PARTS = ("single", "pair", "fidelity")  # the first one that was read is shown


@dataclass(frozen=True)
class Dwell:
    """Times of one part, in seconds.

    quantiles   arm, or both where both are in one picture -> the times that SHARES of the ratings took at most
    ratio       typical time of enhanced over original
    course      reader -> median time in each tenth of a session, None where there is none
    """

    part: str
    quantiles: dict[str, list[float]]
    ratio: Estimate
    course: dict[str, list[float | None]]

    def median(self, arm: str) -> float:
        """The time that half of an arm's ratings took at most."""
        return self.quantiles[arm][len(SHARES) // 2]


def dwell(times: pd.DataFrame) -> Dwell | None:
    """The times of the first part that was read, of single clips, pairs and fidelity; None without any time."""
    times = times[times["seconds"] > 0]
    part = next((part for part in PARTS if (times["part"] == part).any()), None)
    if part is None:
        return None
    times = times[times["part"] == part]
    main = times[times["kind"] == "main"]
    quantiles = {
        str(arm): np.quantile(rows["seconds"], SHARES).tolist()
        for arm, rows in main.groupby("arm", sort=False)
    }
    return Dwell(part, quantiles, _ratio(main), _course(times))


def _ratio(main: pd.DataFrame) -> Estimate:
    single = main[main["arm"].isin(ARMS)]
    if single.empty:
        return absent("Both arms are in one picture: their times cannot be told apart.")
    logs = single.assign(log=np.log(single["seconds"]))
    wide = logs.pivot_table("log", ["arm", "reader"], "patient")
    readers = wide.index.get_level_values("reader").unique()
    found = mrmc_difference(
        np.stack([wide.reindex([(arm, r) for r in readers]).to_numpy(float) for arm in ARMS])
    )
    bounds = {
        name: None if (log := getattr(found, name)) is None else math.exp(log)
        for name in ("value", "low", "high")
    }
    return replace(found, **bounds)


def _course(times: pd.DataFrame) -> dict[str, list[float | None]]:
    position = times["position"].astype(int)
    last = position.groupby([times["reader"], times["session"]]).transform("max")
    tenth = (TENTHS * position / (last + 1)).astype(int)
    medians = (
        times.groupby([times["reader"], tenth])["seconds"].median().unstack().reindex(columns=range(TENTHS))
    )
    return {
        str(reader): [None if math.isnan(seconds) else float(seconds) for seconds in row]
        for reader, row in zip(medians.index, medians.to_numpy(float), strict=True)
    }
