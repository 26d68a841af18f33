"""Read labels.csv (file, quality[, patient, split, spacing_mm]) and match its rows with the files of an archive."""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from echogan.core.errors import SettingsError
from echogan.curation.settings import SPLITS


@dataclass(frozen=True)
class Label:
    """What the list says about one file; an empty string or None where it says nothing."""

    quality: str
    patient: str = ""
    spacing_mm: float | None = None
    split: str = ""


@dataclass(frozen=True)
class Labels:
    """The labels by the file's path below the archive, and how many rows matched no file, or several."""

    by_file: dict[str, Label]
    unmatched: int = 0


def read_labels(path: Path, archive: Path, files: Sequence[str]) -> Labels:
    """The labels of `files`, paths below the archive with slashes.

    A row names its file by that path, by an absolute path, or by the bare name if only one file has it; the
    suffix may be left out. Raises SettingsError if the list cannot be read, lacks these columns, contradicts itself
    or matches nothing.
    """
    rows = _rows(path)
    if not rows or not {"file", "quality"} <= set(rows[0]):
        raise SettingsError(
            f"'{path.name}' must have the columns file and quality. Name them in its first line."
        )
    find = _Finder(files, archive)
    found: dict[str, Label] = {}
    unmatched = 0
    for number, row in enumerate(rows, 2):
        name = find(row["file"])
        if name is None:
            unmatched += 1
            continue
        split = row.get("split", "").lower()
        if split and split not in SPLITS:
            raise SettingsError(f"'{path.name}' has a split in line {number} that is not train, val or test.")
        label = Label(row["quality"], row.get("patient", ""), _spacing(row.get("spacing_mm", "")), split)
        if found.setdefault(name, label) != label:
            raise SettingsError(f"'{path.name}' contradicts itself in line {number}: give each file one row.")
    if not found:
        raise SettingsError(
            f"No row of '{path.name}' matches a file of the archive. Write paths as they are below the archive."
        )
    return Labels(found, unmatched)


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows as stripped strings by lower-case column name, whatever separator and encoding Excel chose."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"'{path.name}' cannot be read ({error.strerror}): check the path.") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        lines = list(csv.reader(text.splitlines(), delimiter=separator))
    except csv.Error as error:
        raise SettingsError(f"'{path.name}' is no CSV ({error}): export it again.") from None
    if not lines:
        return []
    names = [name.strip().lower() for name in lines[0]]
    cells = ([cell.strip() for cell in line] for line in lines[1:] if any(cell.strip() for cell in line))
    return [dict(zip(names, line + [""] * (len(names) - len(line)), strict=False)) for line in cells]


def _spacing(text: str) -> float | None:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None


class _Finder:
    """Finds the file that a row means."""

    def __init__(self, files: Iterable[str], archive: Path) -> None:
        self.archive = archive.absolute().as_posix().rstrip("/") + "/"
        self.paths = set(files)
        self.names: dict[str, str | None] = {}
        self.stems: dict[str, str | None] = {}
        for file in self.paths:
            path = PurePosixPath(file)
            self.names[path.name] = None if path.name in self.names else file
            for stem in {path.stem, path.with_suffix("").as_posix()}:
                self.stems[stem] = None if stem in self.stems else file

    def __call__(self, text: str) -> str | None:
        for name in (text, text.replace("\\", "/")):
            name = name.removeprefix(self.archive).removeprefix("./")
            if name in self.paths:
                return name
            found = self.names.get(name) or self.stems.get(name)
            if found is not None:
                return found
        return None


def slug(quality: str) -> str:
    """A grade as a folder's name: lower case, letters and digits, hyphens between; never empty, never a path."""
    words = "".join(c if c.isalnum() else " " for c in quality.casefold()).split()
    return "-".join(words)[:60] or f"grade-{hashlib.sha256(quality.encode()).hexdigest()[:8]}"
