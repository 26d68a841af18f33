"""Which CAMUS patient serves for what in tests on both views: eval/camus/splits/camus2ch.csv, fixed once and committed.

    python -m eval two_chamber            print the committed list, having checked it against CAMUS' indexes
    python -m eval two_chamber --write    draw it anew and write it

Every patient keeps the role of the four-chamber split (`eval.camus.splits`), whatever the grade of the two-chamber view: who
trained something in one view is no test patient in the other. One thing is drawn here. Generator patients with a Poor
still in either view (29) are dealt out by seed: two of three to "grade-classifier", the Poor side of
`eval.camus.grade_classifier`; one of three to "selection", because the split has three Poor patients for choosing, too few.

So the classifier and the choice are clean for every bundled network: `eval.camus.shards` takes the patients that are
still "generator" or "semireal" here. The test patients are nobody's training, of either view.
"""

from __future__ import annotations

import csv
import hashlib
import io
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from echogan.core.errors import EchoGANError
from eval.camus.splits import Role, deal, read_split
from eval.command import begin
from eval.paths import CAMUS

View = Literal["4CH", "2CH"]
VIEWS: tuple[View, ...] = ("4CH", "2CH")
ViewRole = Literal[Role, "grade-classifier"]
LIST = Path(__file__).parent / "splits" / "camus2ch.csv"
SEED = 20_190_902
DEALT: dict[Role, int] = {"generator": 2, "selection": 1}
"""Shares of the dealt patients; "generator" stands for "grade-classifier" here, which the four-chamber split lacks."""


@dataclass(frozen=True)
class Patient:
    """One line of the list. `quality` is the expert's grade of the two-chamber view."""

    patient: str
    quality: str
    role: ViewRole


@dataclass(frozen=True)
class Settings:
    """Check the committed list, or write it."""

    data: Path = CAMUS
    """CAMUS' four-chamber folder; the two-chamber stills are looked for beside it"""
    write: bool = False
    """draw the list anew and write eval/camus/splits/camus2ch.csv"""


def main(settings: Settings) -> None:
    """Write or check the list, and print how many patients of each view and grade have each role."""
    drawn = draw_list(settings.data)
    if settings.write:
        LIST.write_text(list_csv(drawn))
    committed = read_list()
    for view in VIEWS:
        counts = Counter((grades(view)[p.patient], p.role) for p in committed)
        for (quality, role), count in sorted(counts.items()):
            print(f"{view} {quality:6} {role:16} {count}")
    if committed != drawn:
        sys.exit(f"{LIST.name} is not what the seed draws from {settings.data}: was CAMUS' index changed?")


def folder_of(data: Path, view: View) -> Path:
    """The folder of a view's stills, given the four-chamber one."""
    return data if view == "4CH" else data.with_name("camus2ch")


def draw_list(data: Path) -> list[Patient]:
    """The list of the seed, sorted by patient. Raises EchoGANError without the two-chamber stills."""
    path = folder_of(data, "2CH") / "index.csv"
    if not path.is_file():
        raise EchoGANError(f"{path} is not there; put the two-chamber stills beside the four-chamber ones.")
    with path.open(newline="") as file:
        two = {row["patient"]: row["quality"] for row in csv.DictReader(file)}
    four = {p.patient: p for p in read_split()}
    if strangers := sorted(set(two) - set(four)):
        raise EchoGANError(f"{path} has patients without a role, as {strangers[0]}: they cannot be placed.")
    roles: dict[str, ViewRole] = {name: four[name].role for name in two}
    poor = [
        name for name in sorted(two)
        if four[name].role == "generator" and "Poor" in (two[name], four[name].quality)
    ]  # fmt: skip
    rng = np.random.default_rng(SEED)
    # Patients Poor in the rarer four-chamber view first, so that either share has its part of them.
    chance = rng.random(len(poor))
    order = sorted(range(len(poor)), key=lambda i: (four[poor[i]].quality != "Poor", chance[i]))
    shares: dict[Role, int] = {
        role: round(len(poor) * part / sum(DEALT.values())) for role, part in DEALT.items()
    }
    for i, role in zip(order, deal(shares, rng), strict=True):
        roles[poor[i]] = "grade-classifier" if role == "generator" else role
    return [Patient(name, two[name], roles[name]) for name in sorted(two)]


def read_list() -> list[Patient]:
    """The committed list, sorted by patient."""
    with LIST.open(newline="") as file:
        return [Patient(**row) for row in csv.DictReader(file)]  # type: ignore[arg-type]


def grades(view: View) -> dict[str, str]:
    """The expert's grade of every patient's view, by the committed lists."""
    return {p.patient: p.quality for p in (read_split() if view == "4CH" else read_list())}


def patients(view: View, role: ViewRole, quality: str) -> list[str]:
    """The patients of one role whose view has a grade, sorted."""
    grade = grades(view)
    return [p.patient for p in read_list() if p.role == role and grade[p.patient] == quality]


def list_hash() -> str:
    """SHA-256 of the committed list."""
    return hashlib.sha256(LIST.read_bytes()).hexdigest()


def list_csv(patients: list[Patient]) -> str:
    """The list as it is committed."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("patient", "quality", "role"))
    writer.writerows((p.patient, p.quality, p.role) for p in patients)
    return out.getvalue()


if __name__ == "__main__":
    begin(main, Settings)
