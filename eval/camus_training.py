"""Training shards of CAMUS by the committed split of patients: what echogan-camus may see, and nothing else.

    python -m eval.camus_training --out runs/camus

Makes OUT/low (Poor), OUT/high (Good) and OUT/semireal (Good, other patients, to be made poor). Patients of the test,
of the selection and of the judge are left out. The stills are not part of the project: where they are absent it says
so and ends.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

from echogan.clips.curate import curate
from echogan.clips.curate_settings import CurateSettings
from eval.command import begin
from eval.realism_data import SHARED
from eval.splits import Role, patients

SIDES: dict[str, tuple[Role, str]] = {
    "low": ("generator", "Poor"),
    "high": ("generator", "Good"),
    "semireal": ("semireal", "Good"),
}


@dataclass(frozen=True)
class Settings:
    """Where the stills lie and the shards go."""

    data: Path = field(
        default=SHARED / "data" / "camus", metadata={"help": "folder of the stills and index.csv"}
    )
    out: Path = field(default=Path("runs/camus"), metadata={"help": "folder of the shards"})
    workers: int = field(default=0, metadata={"help": "processes; 0 takes one per core"})


def main(settings: Settings) -> None:
    """Write the labels and curate."""
    if not (settings.data / "index.csv").is_file():
        print(f"no CAMUS stills in {settings.data}: there are no shards to make.")
        return
    settings.out.mkdir(parents=True, exist_ok=True)
    labels = settings.out.with_name(f"{settings.out.name}-labels.csv")
    labels.write_text(labels_csv(settings.data))
    # No test split: the committed split keeps the test patients out already.
    curated = CurateSettings(quality=labels, frames=1, workers=settings.workers, shares=(0.85, 0.15, 0.0))
    print(curate(settings.data / "images", settings.out, curated).text())


def labels_csv(data: Path) -> str:
    """file,quality,patient: the side as quality, of the stills whose patients may be trained on."""
    side_of = {patient: side for side, (role, grade) in SIDES.items() for patient in patients(role, grade)}
    with (data / "index.csv").open(newline="") as file:
        stills = [(row["file"], row["patient"]) for row in csv.DictReader(file)]
    kept = [f"{name},{side_of[patient]},{patient}" for name, patient in stills if patient in side_of]
    return "\n".join(["file,quality,patient", *kept]) + "\n"


if __name__ == "__main__":
    begin(main, Settings)
