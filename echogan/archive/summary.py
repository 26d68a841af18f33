"""summary.csv: one line for each file of an archive."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from echogan.core.atomic import write_whole
from echogan.core.csv_guard import guarded

SUMMARY = "summary.csv"
PLAIN = ("frames", "fps", "width", "height", "sector", "confidence")


def write_summary(out: Path, entries: list[dict[str, Any]]) -> None:
    """Write the table of what became of each file. Map columns are in grey levels. Raises OutputError."""
    file = io.StringIO()
    maps = [f"{name}_{kind}" for name in map_names(entries) for kind in ("mean", "p99")]
    writer = csv.DictWriter(file, ["input", "state", "output", *PLAIN, *maps, "warnings", "why"])
    writer.writeheader()
    for entry in entries:
        numbers = {
            f"{name}_{kind}": value
            for name, found in entry.get("maps", {}).items()
            for kind, value in zip(("mean", "p99"), found, strict=True)
        }
        row = {name: entry.get(name, "") for name in PLAIN} | numbers
        row |= {
            "input": entry["inside"],
            "state": entry["state"],
            "output": next(iter(entry.get("outputs", ())), ""),
            "warnings": " ".join(entry.get("warnings", ())),
            "why": entry.get("why", ""),
        }
        writer.writerow({name: guarded(value) for name, value in row.items()})
    write_whole(out / SUMMARY, file.getvalue().encode("utf-8", "backslashreplace"))


def map_names(entries: list[dict[str, Any]]) -> list[str]:
    """The maps that any file has, in the order of the reports."""
    return list(dict.fromkeys(name for entry in entries for name in entry.get("maps", {})))
