"""The whole analysis of a study: `analyse` turns tables of ratings into an `Analysis` that JSON can hold."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.stats.multitest import multipletests

from echogan.core.version import __version__
from echogan.study.analysis.blinding import Blinding, blinding
from echogan.study.analysis.dwell import Dwell, dwell
from echogan.study.analysis.estimate import Estimate
from echogan.study.analysis.fidelity import event_rate
from echogan.study.analysis.item_result import ItemResult, item_result
from echogan.study.analysis.preferences import preferences
from echogan.study.analysis.tables import StudyTables, cells

LIBRARIES = ("numpy", "scipy", "pandas", "statsmodels")


@dataclass(frozen=True)
class Design:
    """How much was read, as found in the tables."""

    readers: int
    patients: int
    clips: int
    ratings: int
    repeats: int
    cannot_assess: int
    sessions: int
    crossed_cells: float | None
    """share of reader-patient cells of the primary item that were rated in both arms; None without ratings"""
    original_first: float | None
    """share of reader-clip pairs whose original was rated in an earlier session; None where sessions don't differ"""
    pairs: int
    fidelity_ratings: int


@dataclass(frozen=True)
class FidelityResult:
    """How often a kind of change was seen at all, and clinically relevant."""

    any: Estimate
    relevant: Estimate


@dataclass(frozen=True)
class Analysis:
    """The results of a study. `items` begins with the primary one."""

    title: str
    simulated: bool
    design: Design
    items: list[ItemResult]
    preferences: dict[str, Estimate]
    fidelity: dict[str, FidelityResult]
    blinding: dict[str, Blinding]
    """by arm; empty where nobody was asked"""
    dwell: Dwell | None
    versions: dict[str, str]
    about: dict[str, str]

    @property
    def primary(self) -> ItemResult | None:
        return self.items[0] if self.items else None


def analyse(tables: StudyTables) -> Analysis:
    """All estimates of a study.

    The first item is primary and tested alone; Holm's correction (Scand J Stat 6:65, 1979) runs over the others.
    """
    items = [item_result(tables, item) for item in tables.items]
    return Analysis(
        title=tables.title,
        simulated=tables.simulated,
        design=_design(tables),
        items=items[:1] + _holm(items[1:]),
        preferences=preferences(tables.pairs),
        fidelity={
            str(name): FidelityResult(event_rate(events, 1), event_rate(events, 2))
            for name, events in tables.fidelity.groupby("item")
        },
        blinding=blinding(tables.guesses),
        dwell=dwell(tables.times),
        versions={"echogan": __version__} | {library: version(library) for library in LIBRARIES},
        about=dict(tables.about),
    )


def as_json(analysis: Analysis) -> str:
    """The analysis as JSON text. Numbers that don't exist are null."""
    return json.dumps(asdict(analysis), indent=1, allow_nan=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(type(value).__name__)


def _holm(items: list[ItemResult]) -> list[ItemResult]:
    tested = [i for i, item in enumerate(items) if item.difference.p is not None]
    if not tested:
        return items
    corrected = np.asarray(multipletests([items[i].difference.p for i in tested], method="holm")[1])
    found = dict(zip(tested, corrected.tolist(), strict=True))
    return [replace(item, p_holm=found.get(i)) for i, item in enumerate(items)]


def _design(tables: StudyTables) -> Design:
    everything = pd.concat([tables.ratings, tables.pairs, tables.fidelity])
    main = tables.main()
    crossed = None
    if tables.items and not main.empty:
        values = cells(tables, tables.items[0].name)[2]
        crossed = float((~np.isnan(values).any(0)).mean()) if values.size else None
    return Design(
        readers=int(everything["reader"].nunique()),
        patients=int(everything["patient"].nunique()),
        clips=int(everything["clip"].nunique()),
        ratings=len(main),
        repeats=int((tables.ratings["kind"] == "repeat").sum()),
        cannot_assess=int(main["value"].isna().sum()),
        sessions=int(main["session"].nunique()),
        crossed_cells=crossed,
        original_first=_original_first(main),
        pairs=len(tables.pairs),
        fidelity_ratings=len(tables.fidelity),
    )


def _original_first(main: pd.DataFrame) -> float | None:
    sessions = main.pivot_table("session", ["reader", "clip"], "arm", aggfunc="min")
    if not {"original", "enhanced"} <= set(sessions):
        return None
    before, after = sessions["original"], sessions["enhanced"]
    differ = (before != after) & before.notna() & after.notna()
    return float((before < after)[differ].mean()) if differ.any() else None
