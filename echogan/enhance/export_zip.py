"""Exported files together in one zip."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path

from echogan.core.atomic import output_errors, replacing
from echogan.core.errors import Cancelled

SHRINKS = (
    ".json",
    ".html",
    ".dcm",
)  # what gains by compression; pictures are compressed, and speckle in arrays hardly shrinks
PIECE = 1 << 20  # bytes


def zip_exports(paths: Sequence[Path], target: Path, cancel: threading.Event | None = None) -> Path:
    """Put the files into one zip at `target`, under their own names; of equal names the later get a number.

    Entries have no time. Memory does not grow with the files. Raises OutputError, or Cancelled once `cancel` is set;
    then nothing is left.
    """
    names = unique_names([path.name for path in paths])
    with output_errors(target), replacing(target) as part, zipfile.ZipFile(part, "w") as archive:
        for path, name in zip(paths, names, strict=True):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            shrinks = path.suffix in SHRINKS
            entry.compress_type = zipfile.ZIP_DEFLATED if shrinks else zipfile.ZIP_STORED
            with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as member:
                while piece := source.read(PIECE):
                    if cancel is not None and cancel.is_set():
                        raise Cancelled("Stopped; nothing was written.")
                    member.write(piece)
    return target


def unique_names(names: Sequence[str]) -> list[str]:
    """The names, unlike each other even where case does not count: a later one gets a number before its suffix."""
    taken: set[str] = set()
    unique = []
    for name in names:
        path, number, candidate = Path(name), 1, name
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{path.stem}_{number}{path.suffix}"
        taken.add(candidate.casefold())
        unique.append(candidate)
    return unique
