"""The report of `curate`: report.json, report.txt, a contact sheet and, on request, the names of files left out."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from echogan.core.atomic import write_whole
from echogan.core.csv_guard import guarded
from echogan.core.errors import OutputError
from echogan.curation.assembly import shard_folders
from echogan.curation.settings import SPLITS
from echogan.curation.shards import RowReader, StoredClip, read_index

TILES, ACROSS, TILE, CAPTION = 64, 8, 160, 16  # clips, clips in a row, pixels


@dataclass(frozen=True)
class LeftOutFile:
    """One file that is not in the shards: `number` counts the archive's files in order of their paths, from 1."""

    number: int
    file: str
    reason: str


@dataclass(frozen=True)
class CurateReport:
    """What was kept and what was left out.

    splits   clips by quality ("" without grades) and split       patients  the same for patients
    folders  the shard folders                                    looked_at  files examined in this run
    notes    sentences for the reader
    """

    files: int
    kept: int
    splits: dict[str, dict[str, int]]
    patients: dict[str, int]
    left_out: tuple[LeftOutFile, ...]
    folders: tuple[Path, ...]
    notes: tuple[str, ...]
    looked_at: int
    seconds: float

    @property
    def reasons(self) -> dict[str, int]:
        """Files left out by reason, the most common first."""
        return dict(Counter(item.reason for item in self.left_out).most_common())

    def text(self) -> str:
        """The report in words."""
        lines = [f"{self.kept} of {self.files} files kept, of {sum(self.patients.values())} patients."]
        for quality, counts in self.splits.items():
            clips = ", ".join(f"{counts.get(split, 0)} {split}" for split in SPLITS)
            lines.append(f"{quality or 'clips'}: {clips}")
        lines.append("patients: " + ", ".join(f"{self.patients.get(split, 0)} {split}" for split in SPLITS))
        lines += [f"left out, {reason}: {count}" for reason, count in self.reasons.items()]
        lines.append(f"{self.looked_at} files looked at in {self.seconds:.0f} s.")
        return "\n".join([*lines, *self.notes])


def write_report(out: Path, report: CurateReport, names: Sequence[str] | None) -> None:
    """Write the report's files into `out`; `names` are the archive's files in order; None leaves names out."""
    facts = {
        "files": report.files,
        "kept": report.kept,
        "clips": report.splits,
        "patients": report.patients,
        "reasons": report.reasons,
        "notes": report.notes,
        "looked_at": report.looked_at,
        "seconds": round(report.seconds, 1),
        "left_out": [asdict(item) for item in report.left_out],
    }
    write_whole(out / "report.json", (json.dumps(facts, indent=1) + "\n").encode())
    write_whole(out / "report.txt", (report.text() + "\n").encode())
    if names is None:
        (out / "left_out.csv").unlink(missing_ok=True)
    else:
        text = io.StringIO(newline="")
        rows = ((item.number, guarded(names[item.number - 1]), item.reason) for item in report.left_out)
        csv.writer(text, lineterminator="\n").writerows([("number", "file", "reason"), *rows])
        write_whole(out / "left_out.csv", text.getvalue().encode("utf-8", "surrogateescape"))


def write_sheet(out: Path) -> None:
    """Write sheet.png: up to 64 clips spread evenly over the folders, with split and quality; no names."""
    rows = [(folder, row) for folder in shard_folders(out) for row in read_index(folder)]
    if not rows:
        (out / "sheet.png").unlink(missing_ok=True)
        return
    chosen = [rows[i] for i in np.linspace(0, len(rows) - 1, min(TILES, len(rows))).round().astype(int)]
    reader = RowReader()
    tiles = []
    for folder, row in chosen:
        arrays = reader.read(StoredClip(folder / row.shard, row.row))
        tiles.append(_tile(arrays["frames"][0], arrays["masks"], f"{row.split}  {row.quality}"))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % min(ACROSS, len(tiles)))
    across = min(ACROSS, len(tiles))
    grid = np.concatenate([np.concatenate(tiles[i : i + across], 1) for i in range(0, len(tiles), across)])
    buffer = io.BytesIO()
    Image.fromarray(grid).save(buffer, format="PNG")
    write_whole(out / "sheet.png", buffer.getvalue())


def _tile(frame: np.ndarray, mask: np.ndarray, caption: str) -> np.ndarray:
    """A frame with dark blue outside the tissue, so that holes show, and a caption below: uint8 (h, w, 3)."""
    picture = np.where(mask[..., None], frame[..., None], np.array([12, 16, 40])).astype(np.uint8)
    tile = Image.new("RGB", (TILE, TILE + CAPTION), (30, 30, 30))
    tile.paste(Image.fromarray(picture).resize((TILE - 2, TILE - 2), Image.Resampling.BOX), (1, 1))
    ImageDraw.Draw(tile).text((4, TILE + 1), caption[:26], (210, 210, 210), ImageFont.load_default(11))
    return np.asarray(tile)


def check_kept(report: CurateReport) -> None:
    """Raise OutputError with the most common reason if no clip was kept."""
    if not report.kept:
        reason = next(iter(report.reasons), "nothing was there")
        raise OutputError(
            f"None of the {report.files} files could be kept (mostly: {reason}). See report.txt in the output folder."
        )
