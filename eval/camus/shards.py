"""CAMUS training shards for echogan-camus, made from the patients that may be trained on.

    python -m eval camus_shards --out runs/camus

It writes OUT/low (Medium), OUT/high (Good) and OUT/semireal (Good stills of other patients, to be degraded), of both
views. Patients of the test, of the selection, of the frozen segmenter and of the grade classifier are left out. All
Poor patients have one of these roles, so the real stills of the low domain are Medium ones. The stills are not part of
the project; without them nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from echogan.curation.curate import curate
from echogan.curation.settings import CurateSettings
from eval.camus.splits import Role
from eval.camus.two_chamber import VIEWS, CamusView, folder_of, patients
from eval.command import begin
from eval.paths import CAMUS

SIDES: dict[str, tuple[Role, str]] = {
    "low": ("generator", "Medium"),
    "high": ("generator", "Good"),
    "semireal": ("semireal", "Good"),
}


@dataclass(frozen=True)
class CamusShardsSettings:
    """The folders of the stills and of the shards."""

    data: Path = field(default=CAMUS, metadata={"help": "folder of the four-chamber stills and index.csv"})
    out: Path = field(default=Path("runs/camus"), metadata={"help": "folder of the shards"})
    workers: int = field(default=0, metadata={"help": "number of processes; 0 means one per core"})


def main(settings: CamusShardsSettings) -> None:
    """Link the stills of both views into one folder, write their labels and curate."""
    if not all((folder_of(settings.data, view) / "index.csv").is_file() for view in VIEWS):
        print(f"No CAMUS stills of both views beside {settings.data}: no shards are made.")
        return
    gathered = settings.out.with_name(f"{settings.out.name}-stills")
    gathered.mkdir(parents=True, exist_ok=True)
    lines = ["file,quality,patient"]
    for view in VIEWS:
        for path, side, patient in sides(settings.data, view):
            link = gathered / path.name
            if not link.is_symlink():
                link.symlink_to(path.resolve())
            lines.append(f"{path.name},{side},{patient}")
    labels = settings.out.with_name(f"{settings.out.name}-labels.csv")
    labels.write_text("\n".join(lines) + "\n")
    # No test split: the committed lists keep the test patients out already.
    curated = CurateSettings(quality=labels, frames=1, workers=settings.workers, shares=(0.85, 0.15, 0.0))
    print(curate(gathered, settings.out, curated).text())


def sides(data: Path, view: CamusView) -> list[tuple[Path, str, str]]:
    """(file, side, patient) of every still of a view whose patient may be trained on."""
    folder = folder_of(data, view)
    side_of = {
        patient: side for side, (role, grade) in SIDES.items() for patient in patients(view, role, grade)
    }
    files = sorted((folder / "images").glob(f"*_{view}_*.png"))
    patient_of = [(path, path.name.partition("_")[0]) for path in files]
    return [(path, side_of[patient], patient) for path, patient in patient_of if patient in side_of]


if __name__ == "__main__":
    begin(main, CamusShardsSettings)
