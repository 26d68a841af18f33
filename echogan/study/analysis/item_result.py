"""Everything about one rated item: the difference with its checks, readers, patients, levels and agreement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from echogan.study.analysis import agreement
from echogan.study.analysis.bootstrap import two_way_bootstrap, weighted_mean
from echogan.study.analysis.estimate import Estimate, absent
from echogan.study.analysis.mixed_model import VarianceComponents, reml_mean
from echogan.study.analysis.mrmc import mrmc_difference, mrmc_mean
from echogan.study.analysis.ordinal import odds_ratio
from echogan.study.analysis.tables import ARMS, Item, StudyTables, cells, stimuli
from echogan.study.analysis.vgc import vgc_area, vgc_curve


@dataclass(frozen=True)
class Repeats:
    """Of readers with themselves, on clips that they rated again without being told."""

    pairs: int
    kappa: float | None
    exact: float | None
    within_one: float | None


@dataclass(frozen=True)
class Agreement:
    """Between readers, over clips of both arms. Kappa is a matrix of readers by readers."""

    icc: Estimate
    alpha: Estimate
    readers: list[str]
    kappa: list[list[float | None]]
    exact: float | None
    within_one: float | None
    repeats: Repeats


@dataclass(frozen=True)
class ItemResult:
    """The results of one item. Differences are enhanced minus original, in points of the item."""

    item: Item
    means: dict[str, float | None]
    """of each arm: mean over readers of their means over patients"""
    counts: dict[str, list[int]]
    """of each arm: how often each level was given, from worst to best"""
    cannot_assess: dict[str, int]
    difference: Estimate
    """the MRMC difference: the result to report"""
    bootstrap: Estimate
    mixed_model: Estimate
    variances: VarianceComponents | None
    vgc: Estimate
    vgc_curve: list[list[float]]
    odds: Estimate
    readers: dict[str, Estimate]
    """each reader's own difference, over patients"""
    patients: dict[str, list[float | None]]
    """each patient's mean over readers: original, enhanced"""
    agreement: Agreement
    p_holm: float | None = None
    """p of the difference after Holm's correction over the secondary items; None for the primary item"""


def item_result(tables: StudyTables, item: Item) -> ItemResult:
    """Analyse one item. What the data don't allow is an Estimate without a number, which says why."""
    readers, patients, values = cells(tables, item.name)
    paired = values[1] - values[0]
    mixed, variances = reml_mean(paired)
    main = tables.main(item.name)
    counts = {
        arm: [int((main.loc[main["arm"] == arm, "value"] == level).sum()) for level in item.levels]
        for arm in ARMS
    }
    return ItemResult(
        item=item,
        means={arm: _reader_mean(values[a]) for a, arm in enumerate(ARMS)},
        counts=counts,
        cannot_assess={arm: int(main.loc[main["arm"] == arm, "value"].isna().sum()) for arm in ARMS},
        difference=mrmc_difference(values),
        bootstrap=_bootstrap(paired),
        mixed_model=mixed,
        variances=variances,
        vgc=vgc_area(tables, item),
        vgc_curve=vgc_curve(tables, item).tolist(),
        odds=odds_ratio(tables, item),
        readers={name: mrmc_mean(paired[j : j + 1]) for j, name in enumerate(readers)},
        patients={name: [_mean(values[a, :, k]) for a in range(2)] for k, name in enumerate(patients)},
        agreement=_agreement(tables, item),
    )


def repeated(tables: StudyTables, item: str) -> tuple[np.ndarray, np.ndarray]:
    """The first and the repeated ratings of the same clip by the same reader, float (N,) each; NaN where none."""
    key = ["reader", "clip", "arm"]
    rated = tables.ratings[tables.ratings["item"] == item]
    repeats, main = (rated[rated["kind"] == kind] for kind in ("repeat", "main"))
    again = repeats.merge(main, on=key, suffixes=("", "_first"))
    return again["value_first"].to_numpy(float), again["value"].to_numpy(float)


def _agreement(tables: StudyTables, item: Item) -> Agreement:
    ratings, patients, readers = stimuli(tables, item.name)
    first, second = repeated(tables, item.name)
    pairs = int((~np.isnan(first) & ~np.isnan(second)).sum())
    kappa = agreement.quadratic_kappa(first, second)
    repeats = Repeats(pairs, kappa, agreement.within(first, second, 0), agreement.within(first, second, 1))
    return Agreement(
        icc=agreement.icc_a1(ratings),
        alpha=agreement.alpha_with_interval(ratings, patients, item.levels),
        readers=readers,
        kappa=agreement.kappa_matrix(ratings),
        exact=agreement.pairwise_within(ratings, 0),
        within_one=agreement.pairwise_within(ratings, 1),
        repeats=repeats,
    )


def _bootstrap(paired: np.ndarray) -> Estimate:
    rated = ~np.isnan(paired)
    if not rated.any():
        return absent("No reader rated a patient in both arms.")
    paired = paired[rated.any(1)][:, rated.any(0)]
    return two_way_bootstrap(weighted_mean(paired), *paired.shape)


def _reader_mean(values: np.ndarray) -> float | None:
    values = values[~np.isnan(values).all(1)]
    return float(np.nanmean(values, 1).mean()) if len(values) else None


def _mean(values: np.ndarray) -> float | None:
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else None
