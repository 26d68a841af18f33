"""What an archive holds: the files of a folder tree, of a DICOMDIR, or of a CSV table of paths."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

from echogan.archive.names import tree_names
from echogan.clips.listing import list_clips
from echogan.core.errors import UnreadableClip

COLUMN = "path"


@dataclass(frozen=True)
class Source:
    """A file of the archive: where it is, its path within the archive, and the name of its outputs without suffix."""

    path: Path
    inside: str
    name: str


def is_table(place: Path) -> bool:
    """Whether a file is a table of paths by its name."""
    return place.suffix.lower() == ".csv" and place.is_file()


def list_sources(place: Path, out: Path) -> list[Source]:
    """The files of the archive in order, without those of `out`. Raises UnreadableClip where there are none."""
    if is_table(place):
        paths = _of_table(place)
        root = Path(os.path.commonpath([path.parent for path in paths]))
    else:
        root = place if place.is_dir() else place.parent
        paths = [path for path in list_clips(place) if out.resolve() not in path.resolve().parents]
    if not paths:
        raise UnreadableClip(f"The folder {root} holds no files. Give a folder of clips.")
    names = tree_names(paths, root)
    return [
        Source(path, path.relative_to(root).as_posix(), name) for path, name in zip(paths, names, strict=True)
    ]


def _of_table(table: Path) -> list[Path]:
    """The paths in the column `path`, each once; relative ones begin at the table's folder."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeError, csv.Error):
        raise UnreadableClip(f"The table {table} cannot be read. Save it as CSV in UTF-8.") from None
    if rows and COLUMN not in rows[0]:
        raise UnreadableClip(
            f"The table {table} has no column '{COLUMN}'. Give one with the paths of the clips."
        )
    folder = Path(os.path.abspath(table.parent))
    given = [row[COLUMN].strip() for row in rows if (row[COLUMN] or "").strip()]
    paths = list(dict.fromkeys(Path(os.path.normpath(folder / path)) for path in given))
    if not paths:
        raise UnreadableClip(f"The table {table} holds no paths. Give them in the column '{COLUMN}'.")
    return paths
