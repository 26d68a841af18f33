"""Visual grading characteristics (VGC): the chance that an enhanced clip is rated above an original one.

The area is P(E > O) + P(E = O) / 2 over all pairs of an enhanced and an original rating of one reader, averaged over
readers. It uses only the order of the scale. 0.5 is no difference. The interval is the two-way bootstrap's.
Source: Bath and Mansson, Br J Radiol 80:169 (2007).
"""

from __future__ import annotations

import numpy as np

from echogan.study.analysis.bootstrap import reader_mean, two_way_bootstrap
from echogan.study.analysis.estimate import Estimate
from echogan.study.analysis.tables import ARMS, Item, StudyTables


def vgc_area(tables: StudyTables, item: Item) -> Estimate:
    """The VGC area with its interval."""
    shares = category_shares(tables, item)

    def area(readers: np.ndarray, patients: np.ndarray) -> np.ndarray:
        original, enhanced = np.einsum("ajkc,bk->abjc", shares, patients)
        worse = np.cumsum(original, -1) - original / 2
        pairs = enhanced.sum(-1) * original.sum(-1)
        return reader_mean((enhanced * worse).sum(-1) / np.where(pairs > 0, pairs, np.nan), readers)

    return two_way_bootstrap(area, shares.shape[1], shares.shape[2])


def vgc_curve(tables: StudyTables, item: Item) -> np.ndarray:
    """The curve of all ratings: float (2, levels + 1), share of original and of enhanced clips rated at least so.

    It runs from (0, 0) to (1, 1), with one point for each level of the scale.
    """
    counts = category_shares(tables, item).sum((1, 2))
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1e-12)
    above = np.cumsum(shares[:, ::-1], 1)
    return np.concatenate([np.zeros((2, 1)), above], 1)


def category_shares(tables: StudyTables, item: Item) -> np.ndarray:
    """How often each level was given: float (2 arms, readers, patients, levels). Clips share a patient's weight 1."""
    main = tables.main(item.name).dropna(subset="value")
    readers, patients = sorted(main["reader"].unique()), sorted(main["patient"].unique())
    places = (
        main["arm"].map(ARMS.index),
        main["reader"].map(readers.index),
        main["patient"].map(patients.index),
        main["value"] - item.low,
    )
    counts = np.zeros((2, len(readers), len(patients), len(item.levels)))
    np.add.at(counts, tuple(place.to_numpy(int) for place in places), 1.0)
    return counts / np.maximum(counts.sum(-1, keepdims=True), 1)
