"""Which CAMUS patient serves for what, fixed once and committed: eval/camus/splits/camus.csv.

    python -m eval splits            print the committed split, having checked it against CAMUS' index
    python -m eval splits --write    draw it anew (seeded, stratified by grade and ejection fraction) and write it

Every training, choice and test of a network on CAMUS takes its patients from this list, and from nowhere else; what
compares the simulator with real stills (`eval.realism.realism`) looks at all of a grade. The ids are the public data set's
own. CAMUS: Leclerc et al., IEEE TMI 38(9), 2019.
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
    # Good: the high side, stills to degrade as extra lows, the frozen segmenter's own, choosing, testing (semi-real too).
    "Good": {"generator": 67, "semireal": 30, "frozen-segmenter": 60, "selection": 10, "test": 40},
    "Medium": {"generator": 79, "test": 40},
    "Poor": {"generator": 11, "selection": 3, "test": 14},
}
"""Patients of each grade in each role."""


@dataclass(frozen=True)
class Patient:
    """One line of the list. `quality` is the expert's grade of the four-chamber view."""

    patient: str
    quality: str
    role: Role


@dataclass(frozen=True)
class Settings:
    """Check the committed split, or write it."""

    data: Path = CAMUS
    """CAMUS' folder with index.csv"""
    write: bool = False
    """draw the split anew and write eval/camus/splits/camus.csv"""


def main(settings: Settings) -> None:
    """Write or check the list, and print how many patients of each grade have each role."""
    drawn = draw_split(settings.data)
    if settings.write:
        LIST.parent.mkdir(parents=True, exist_ok=True)
        LIST.write_text(split_csv(drawn))
    committed = read_split()
    counts = Counter((p.quality, p.role) for p in committed)
    for (quality, role), count in sorted(counts.items()):
        print(f"{quality:6} {role:15} {count}")
    if committed != drawn:
        sys.exit(f"{LIST.name} is not what the seed draws from {settings.data}: was CAMUS' index changed?")


def draw_split(folder: Path) -> list[Patient]:
    """The split of the seed, sorted by patient. Raises EchoGANError where a grade has other than its patients.

    Within a grade patients are put in order of ejection fraction (ties at random), and each in turn gets the role
    that lags most behind its share, so that every role has the whole range of hearts.
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
                f"{path} has {len(names)} {quality} patients, the split is for {sum(shares.values())}."
            )
        chance = rng.random(len(names))
        order = sorted(range(len(names)), key=lambda i: (facts[names[i]][1], chance[i]))
        roles = deal(shares, rng)
        split += [Patient(names[i], quality, role) for i, role in zip(order, roles, strict=True)]
    return sorted(split, key=lambda p: p.patient)


def deal(shares: dict[Role, int], rng: np.random.Generator) -> list[Role]:
    """A sequence with each role its number of times, evenly spread; which comes first is random."""
    names, total = list(shares), sum(shares.values())
    wanted = np.array([shares[name] for name in names], float)
    given, phase, sequence = np.zeros(len(names)), rng.random(len(names)), []
    for place in range(total):
        lag = np.where(given < wanted, (place + phase) * wanted / total - given, -np.inf)
        chosen = int(lag.argmax())
        given[chosen] += 1
        sequence.append(names[chosen])
    return sequence


def read_split() -> list[Patient]:
    """The committed list, sorted by patient."""
    with LIST.open(newline="") as file:
        return [Patient(**row) for row in csv.DictReader(file)]  # type: ignore[arg-type]


def split_hash() -> str:
    """SHA-256 of the committed list."""
    return hashlib.sha256(LIST.read_bytes()).hexdigest()


def patients(role: Role, quality: str) -> list[str]:
    """The patients of one role and grade, sorted. This is how training and evaluation choose theirs."""
    return [p.patient for p in read_split() if (p.role, p.quality) == (role, quality)]


def split_csv(split: list[Patient]) -> str:
    """The list as it is committed."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("patient", "quality", "role"))
    writer.writerows((p.patient, p.quality, p.role) for p in split)
    return out.getvalue()


if __name__ == "__main__":
    begin(main, Settings)
