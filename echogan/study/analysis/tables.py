"""The ratings of a study as checked tables, and as arrays of reader by patient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from echogan.core.errors import StudyError

ARMS = ("original", "enhanced")
KINDS = ("main", "repeat", "gold")
RATING_COLUMNS = ("reader", "patient", "clip", "arm", "item", "value", "session", "kind")
PAIR_COLUMNS = ("reader", "patient", "clip", "side", "value")
FIDELITY_COLUMNS = ("reader", "patient", "clip", "item", "grade")
GUESS_COLUMNS = ("reader", "patient", "clip", "arm", "guess")
TIME_COLUMNS = ("reader", "patient", "clip", "arm", "part", "session", "position", "kind", "seconds")
Rows = pd.DataFrame | Iterable[Mapping[str, Any]]


@dataclass(frozen=True)
class Item:
    """What is rated: its name in the tables, its label in reports and its scale, from worst to best."""

    name: str
    label: str
    low: int = 1
    high: int = 5

    @property
    def binary(self) -> bool:
        return (self.low, self.high) == (0, 1)

    @property
    def levels(self) -> np.ndarray:
        return np.arange(self.low, self.high + 1)


ITEMS = (
    Item("overall", "Overall quality"),
    Item("border", "Endocardial border"),
    Item("contrast", "Chamber-to-wall contrast"),
    Item("artefact", "Freedom from artefact"),
    Item("diagnostic", "Diagnostic for the task", 0, 1),
)
"""The items of the default protocol. The first one is primary."""


@dataclass(frozen=True)
class StudyTables:
    """A frozen study after unblinding. One row a rating; the columns are RATING_COLUMNS and so on.

    ratings    `value` on the item's scale, NaN for "cannot assess"
    pairs      `side` where the enhanced clip was, left or right; `value` -3 to 3, above 0 favours the enhanced clip
    fidelity   `item` added, removed or motion; `grade` 0 none, 1 minor, 2 clinically relevant
    guesses    `guess` of the arm: original or enhanced, empty for "cannot assess"
    times      `seconds` that a showing was looked at; `arm` both for pairs and fidelity; `position` from 0 in a session
    """

    ratings: pd.DataFrame
    pairs: pd.DataFrame
    fidelity: pd.DataFrame
    guesses: pd.DataFrame
    times: pd.DataFrame
    items: tuple[Item, ...]
    """the first one is primary"""
    title: str = "Reader study"
    simulated: bool = False
    about: Mapping[str, str] = field(default_factory=dict)
    """what the study's records say for the checklists: readers, cases, training, model, protocol"""

    def main(self, item: str | None = None) -> pd.DataFrame:
        """The main ratings, of one item or of all: no repeats, no gold clips."""
        rows = self.ratings["kind"] == "main"
        return self.ratings[rows if item is None else rows & (self.ratings["item"] == item)]


def study_tables(
    ratings: Rows,
    pairs: Rows = (),
    fidelity: Rows = (),
    guesses: Rows = (),
    times: Rows = (),
    *,
    items: tuple[Item, ...] | None = None,
    title: str = "Reader study",
    simulated: bool = False,
    about: Mapping[str, str] | None = None,
) -> StudyTables:
    """Check rows and make tables of them. Values that are None mean "cannot assess". Raises StudyError.

    Without `items`, those of ITEMS that were rated come first, then others: 0 or 1 where no other value is found,
    else 1 to 5.
    """
    rated = _table(ratings, RATING_COLUMNS, "ratings")
    rated["value"] = _numbers(rated["value"], "ratings")
    _only(rated, "arm", ARMS, "ratings")
    _only(rated, "kind", KINDS, "ratings")
    items = _items_of(rated) if items is None else items
    for item in items:
        _in_range(rated.loc[rated["item"] == item.name, "value"], item.low, item.high, item.name)
    _only(rated, "item", tuple(item.name for item in items), "ratings")
    main = rated[rated["kind"] == "main"]
    if (twice := main.duplicated(["reader", "clip", "arm", "item"])).any():
        row = main[twice].iloc[0]
        raise StudyError(
            f"Reader {row['reader']} has two main ratings of clip {row['clip']}, {row['arm']}, {row['item']}: "
            "keep the last revision, and give repeated readings the kind 'repeat'."
        )
    paired = _table(pairs, PAIR_COLUMNS, "pairs")
    paired["value"] = _numbers(paired["value"], "pairs")
    _only(paired, "side", ("left", "right"), "pairs")
    _in_range(paired["value"], -3, 3, "the pairs")
    events = _table(fidelity, FIDELITY_COLUMNS, "fidelity events")
    events["grade"] = _numbers(events["grade"], "fidelity events")
    _in_range(events["grade"], 0, 2, "the fidelity events")
    if rated.empty and paired.empty and events.empty:
        raise StudyError("There are no ratings to analyse: wait until readers have rated.")
    guessed = _table(guesses, GUESS_COLUMNS, "guesses")
    _only(guessed, "arm", ARMS, "guesses")
    _only(guessed, "guess", (*ARMS, ""), "guesses")
    timed = _table(times, TIME_COLUMNS, "times")
    timed["seconds"] = _numbers(timed["seconds"], "times")
    return StudyTables(rated, paired, events, guessed, timed, items, title, simulated, about or {})


def cells(tables: StudyTables, item: str) -> tuple[list[str], list[str], np.ndarray]:
    """The readers, the patients, and the mean ratings float (2, J, K): original and enhanced, NaN where none.

    Clips are averaged within a patient. Where a reader rated some clips of a patient in both arms, only those count,
    so that the arms are compared on the same clips.
    """
    main = tables.main(item)
    readers, patients = sorted(main["reader"].unique()), sorted(main["patient"].unique())
    wide = main.pivot_table("value", ["reader", "patient", "clip"], "arm").reindex(columns=list(ARMS))
    whole = wide.notna().all(axis=1)
    any_whole = whole.groupby(level=["reader", "patient"]).transform("any")
    means = wide[whole | ~any_whole].groupby(level=["reader", "patient"]).mean()
    index = pd.MultiIndex.from_product([readers, patients])
    grid = means.reindex(index).to_numpy(float).reshape(len(readers), len(patients), 2)
    return readers, patients, grid.transpose(2, 0, 1)


def reader_by_patient(table: pd.DataFrame, value: str) -> np.ndarray:
    """The mean of a column for each reader and patient: float (J, K), NaN where there is none."""
    if table.empty:
        return np.full((0, 0), np.nan)
    return table.pivot_table(value, "reader", "patient", dropna=False).to_numpy(float)


def stimuli(tables: StudyTables, item: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Main ratings, float (readers, stimuli), NaN where none; each stimulus' patient; the readers.

    A stimulus is a clip in one arm.
    """
    main = tables.main(item)
    wide = main.pivot_table("value", "reader", ["patient", "clip", "arm"], dropna=False)
    wide = wide.loc[:, wide.notna().any()]
    return wide.to_numpy(float), wide.columns.get_level_values("patient").to_numpy(), list(wide.index)


def _table(rows: Rows, columns: tuple[str, ...], name: str) -> pd.DataFrame:
    table = rows.copy() if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
    if table.empty:
        return pd.DataFrame({column: [] for column in columns})
    if missing := [column for column in columns if column not in table]:
        raise StudyError(f"The {name} lack the columns {', '.join(missing)}: export them with all columns.")
    table = table[list(columns)].reset_index(drop=True)
    for column in set(columns) - {"value", "grade", "seconds", "position"}:
        table[column] = table[column].astype(str)
    return table


def _numbers(column: pd.Series, name: str) -> pd.Series:
    try:
        return pd.to_numeric(column).astype(float)
    except (TypeError, ValueError) as error:
        raise StudyError(
            f"The {name} hold a value that is no number: leave 'cannot assess' empty."
        ) from error


def _only(table: pd.DataFrame, column: str, allowed: tuple[str, ...], name: str) -> None:
    if strange := sorted(set(table[column]) - set(allowed)):
        raise StudyError(
            f"The {name} have the {column} '{strange[0]}': it must be one of {', '.join(allowed)}."
        )


def _in_range(values: pd.Series, low: int, high: int, name: str) -> None:
    outside = values[(values < low) | (values > high) | (values % 1 != 0) & values.notna()]
    if len(outside):
        raise StudyError(
            f"A rating of {name} is {outside.iloc[0]:g}: whole numbers from {low} to {high} are allowed."
        )


def _items_of(ratings: pd.DataFrame) -> tuple[Item, ...]:
    named = set(ratings["item"])
    known = [item for item in ITEMS if item.name in named]
    others = [name for name in ratings["item"].unique() if name not in {item.name for item in ITEMS}]
    for name in others:
        binary = ratings.loc[ratings["item"] == name, "value"].dropna().isin((0, 1)).all()
        known.append(Item(name, name.replace("_", " ").capitalize(), *((0, 1) if binary else (1, 5))))
    return tuple(known)
