"""The patient split for evaluations on both CAMUS views, in eval/camus/splits/camus2ch.csv.

    python -m eval two_chamber            check the committed list against CAMUS' indexes, and print it
    python -m eval two_chamber --write    draw the list again and write it

Every patient keeps the role of the four-chamber split, whatever the grade of the two-chamber view. So no patient is
trained on in one view and tested in the other. There is one exception: the 29 generator patients with a Poor still in
either view are divided again by seed. Two of three become "grade-classifier" (the Poor class of that classifier). One
of three becomes "selection", since the split has only three Poor patients to choose by.

No bundled network was trained on the patients of the classifier or of the choice: the training shards hold only the
patients that are still "generator" or "semireal" here. Test patients are not trained on in either view.
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
from eval.camus.splits import Role, read_split, spread_roles
from eval.command import begin
from eval.paths import CAMUS

CamusView = Literal["4CH", "2CH"]
VIEWS: tuple[CamusView, ...] = ("4CH", "2CH")
ViewRole = Literal[Role, "grade-classifier"]
LIST = Path(__file__).parent / "splits" / "camus2ch.csv"
SEED = 20_190_902
DIVIDED: dict[Role, int] = {"generator": 2, "selection": 1}
"""Shares of the divided patients. "generator" stands for "grade-classifier", which the four-chamber split lacks."""


@dataclass(frozen=True)
class TwoChamberPatient:
    """One line of the list. `quality` is the expert's grade of the two-chamber view."""

    patient: str
    quality: str
    role: ViewRole


@dataclass(frozen=True)
class TwoChamberSettings:
    """Check the committed list, or write it."""

    data: Path = CAMUS
    """CAMUS' four-chamber folder; the two-chamber stills lie in the folder camus2ch beside it"""
    write: bool = False
    """draw the list again and write eval/camus/splits/camus2ch.csv"""


def main(settings: TwoChamberSettings) -> None:
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
        sys.exit(
            f"{LIST.name} differs from what its seed draws from {settings.data}: was CAMUS' index changed?"
        )


def folder_of(data: Path, view: CamusView) -> Path:
    """The folder of a view's stills, given the four-chamber one."""
    return data if view == "4CH" else data.with_name("camus2ch")


def draw_list(data: Path) -> list[TwoChamberPatient]:
    """The list of the seed, sorted by patient. Raises EchoGANError without the two-chamber stills."""
    path = folder_of(data, "2CH") / "index.csv"
    if not path.is_file():
        raise EchoGANError(f"{path} is missing; put the two-chamber stills beside the four-chamber ones.")
    with path.open(newline="") as file:
        two = {row["patient"]: row["quality"] for row in csv.DictReader(file)}
    four = {p.patient: p for p in read_split()}
    if unknown := sorted(set(two) - set(four)):
        raise EchoGANError(
            f"{path} has patients without a role in the four-chamber split, such as {unknown[0]}."
        )
    roles: dict[str, ViewRole] = {name: four[name].role for name in two}
    poor = [
        name for name in sorted(two)
        if four[name].role == "generator" and "Poor" in (two[name], four[name].quality)
    ]  # fmt: skip
    rng = np.random.default_rng(SEED)
    # Patients with a Poor four-chamber view, which are rare, come first, so that both roles get some of them.
    chance = rng.random(len(poor))
    order = sorted(range(len(poor)), key=lambda i: (four[poor[i]].quality != "Poor", chance[i]))
    shares: dict[Role, int] = {
        role: round(len(poor) * part / sum(DIVIDED.values())) for role, part in DIVIDED.items()
    }
    for i, role in zip(order, spread_roles(shares, rng), strict=True):
        roles[poor[i]] = "grade-classifier" if role == "generator" else role
    return [TwoChamberPatient(name, two[name], roles[name]) for name in sorted(two)]


def read_list() -> list[TwoChamberPatient]:
    """The committed list, sorted by patient."""
    with LIST.open(newline="") as file:
        return [TwoChamberPatient(**row) for row in csv.DictReader(file)]  # type: ignore[arg-type]


def grades(view: CamusView) -> dict[str, str]:
    """Patient -> the expert's grade of a view, from the committed lists."""
    return {p.patient: p.quality for p in (read_split() if view == "4CH" else read_list())}


def patients(view: CamusView, role: ViewRole, quality: str) -> list[str]:
    """The ids of the patients of one role whose view has this grade, sorted."""
    grade = grades(view)
    return [p.patient for p in read_list() if p.role == role and grade[p.patient] == quality]


def list_hash() -> str:
    """SHA-256 of the committed list."""
    return hashlib.sha256(LIST.read_bytes()).hexdigest()


def list_csv(patients: list[TwoChamberPatient]) -> str:
    """The list as CSV, as it is committed."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("patient", "quality", "role"))
    writer.writerows((p.patient, p.quality, p.role) for p in patients)
    return out.getvalue()


if __name__ == "__main__":
    begin(main, TwoChamberSettings)
