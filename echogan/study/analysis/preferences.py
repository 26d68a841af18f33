"""Blinded pairs: which of two clips readers prefer, and whether they prefer a side.

Each measure is averaged over the clips of a patient, and its interval is the MRMC one, for new readers and patients.
Sources: net preference, Buyse, Stat Med 29:3245 (2010); ties as half a win, as in the Mann-Whitney statistic.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from echogan.study.analysis.estimate import Estimate, absent
from echogan.study.analysis.mrmc import mrmc_mean
from echogan.study.analysis.tables import reader_by_patient


def preferences(pairs: pd.DataFrame) -> dict[str, Estimate]:
    """The measures of the pairs, by name.

    net_preference   P(enhanced preferred) - P(original preferred), -1 to 1, 0 is none
    win_probability  P(enhanced preferred) + P(tie) / 2, 0 to 1, 0.5 is none; it has the p value of net_preference
    mean_score       mean of -3 to 3
    side_bias        P(left preferred) - P(right preferred) with the arms ignored, -1 to 1; 0 is none
    """
    table = pairs.dropna(subset="value")
    if table.empty:
        return {}
    sign = np.sign(table["value"])
    left = np.where(table["side"] == "left", sign, -sign)
    table = table.assign(sign=sign, left=left)
    net = mrmc_mean(reader_by_patient(table, "sign"))
    return {
        "net_preference": net,
        "win_probability": _half_wins(net),
        "mean_score": mrmc_mean(reader_by_patient(table, "value")),
        "side_bias": mrmc_mean(reader_by_patient(table, "left")),
    }


def _half_wins(net: Estimate) -> Estimate:
    if net.value is None:
        return absent(net.note)
    halved = {name: (1 + bound) / 2 for name in ("low", "high") if (bound := getattr(net, name)) is not None}
    se = None if net.se is None else net.se / 2
    return Estimate((1 + net.value) / 2, **halved, se=se, df=net.df, p=net.p, note=net.note)
