"""The patient split of CAMUS: which patient is trained on, chosen by or tested on. See eval/camus/splits/camus.csv.

    python -m eval splits            check the committed split against CAMUS' index, and print it
    python -m eval splits --write    draw the split again (seeded, stratified by grade and ejection fraction)

Every training, choice and test of a network on CAMUS takes its patients from this list. Only the comparison of the
simulator with real stills (`eval.realism`) uses all patients of a grade. The ids are those of the public data set.
CAMUS: Leclerc et al., IEEE TMI 38(9), 2019.
"""

from __future__ import annotations

import csv
import hashlib
import io
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from echogan.core.errors import EchoGANError
from eval.command import begin
from eval.paths import CAMUS

Role = Literal["generator", "semireal", "frozen-segmenter", "selection", "test"]
ROLES: tuple[Role, ...] = get_args(Role)
LIST = Path(__file__).parent / "splits" / "camus.csv"
SEED = 20_190_901
SHARES: dict[str, dict[Role, int]] = {
    # Good: the high domain, stills to degrade for the low domain, the frozen segmenter, choice, test (semi-real too).
    "Good": {"generator": 67, "semireal": 30, "frozen-segmenter": 60, "selection": 10, "test": 40},
    "Medium": {"generator": 79, "test": 40},
    "Poor": {"generator": 11, "selection": 3, "test": 14},
}
"""Number of patients of each grade in each role."""


@dataclass(frozen=True)
class FourChamberPatient:
    """One line of the split. `quality` is the expert's grade of the four-chamber view."""

    patient: str
    quality: str
    role: Role


@dataclass(frozen=True)
class SplitsSettings:
    """Check the committed split, or write it."""

    data: Path = CAMUS
    """CAMUS' folder with index.csv"""
    write: bool = False
    """draw the split again and write eval/camus/splits/camus.csv"""


def main(settings: SplitsSettings) -> None:
    """Write or check the split, and print how many patients of each grade have each role."""
    drawn = draw_split(settings.data)
    if settings.write:
        LIST.parent.mkdir(parents=True, exist_ok=True)
        LIST.write_text(split_csv(drawn))
    committed = read_split()
    counts = Counter((p.quality, p.role) for p in committed)
    for (quality, role), count in sorted(counts.items()):
        print(f"{quality:6} {role:15} {count}")
    if committed != drawn:
        sys.exit(
            f"{LIST.name} differs from what its seed draws from {settings.data}: was CAMUS' index changed?"
        )


def draw_split(folder: Path) -> list[FourChamberPatient]:
    """The split of the seed, sorted by patient. Raises EchoGANError where a grade has another number of patients.

    Within a grade the patients are sorted by ejection fraction (ties at random). Each in turn gets the role that lags
    most behind its share, so that every role has the full range of hearts.
    """
    path = folder / "index.csv"
    if not path.is_file():
        raise EchoGANError(f"{path} is not there; give CAMUS' folder with --data.")
    with path.open(newline="") as file:
        facts = {r["patient"]: (r["quality"], float(r["ejection_fraction"])) for r in csv.DictReader(file)}
    rng, split = np.random.default_rng(SEED), []
    for quality, shares in SHARES.items():
        names = sorted(name for name, (grade, _) in facts.items() if grade == quality)
        if len(names) != sum(shares.values()):
            raise EchoGANError(
                f"{path} has {len(names)} {quality} patients; the split needs {sum(shares.values())}."
            )
        chance = rng.random(len(names))
        order = sorted(range(len(names)), key=lambda i: (facts[names[i]][1], chance[i]))
        roles = spread_roles(shares, rng)
        split += [FourChamberPatient(names[i], quality, role) for i, role in zip(order, roles, strict=True)]
    return sorted(split, key=lambda p: p.patient)


def spread_roles(shares: dict[Role, int], rng: np.random.Generator) -> list[Role]:
    """A sequence that holds each role as often as its share says, evenly spread, with a random start."""
    names, total = list(shares), sum(shares.values())
    wanted = np.array([shares[name] for name in names], float)
    given, phase, sequence = np.zeros(len(names)), rng.random(len(names)), []
    for position in range(total):
        lag = np.where(given < wanted, (position + phase) * wanted / total - given, -np.inf)
        chosen = int(lag.argmax())
        given[chosen] += 1
        sequence.append(names[chosen])
    return sequence


def read_split() -> list[FourChamberPatient]:
    """The committed split, sorted by patient."""
    with LIST.open(newline="") as file:
        return [FourChamberPatient(**row) for row in csv.DictReader(file)]  # type: ignore[arg-type]


def split_hash() -> str:
    """SHA-256 of the committed split."""
    return hashlib.sha256(LIST.read_bytes()).hexdigest()


def patients(role: Role, quality: str) -> list[str]:
    """The ids of the patients of one role and grade, sorted. Training and evaluation take their patients from here."""
    return [p.patient for p in read_split() if (p.role, p.quality) == (role, quality)]


def split_csv(split: list[FourChamberPatient]) -> str:
    """The split as CSV, as it is committed."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("patient", "quality", "role"))
    writer.writerows((p.patient, p.quality, p.role) for p in split)
    return out.getvalue()


if __name__ == "__main__":
    begin(main, SplitsSettings)
