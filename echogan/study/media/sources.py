"""The clips of a study: from a list (CSV), or from a folder, whose file names may tell patient and view."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from echogan.clips.listing import list_clips
from echogan.core.errors import StudyError
from echogan.core.geometry import Fan
from echogan.study.default_protocols import VIEWS
from echogan.study.design import Role

COLUMNS = ("original", "enhanced", "patient", "view", "quality", "role", "sector", "text", "expected")
ORIGINALS, ENHANCED = "original", "enhanced"  # folders
IN_NAMES = {
    "A4C": ("a4c", "4ch", "4c", "ap4"),
    "A2C": ("a2c", "2ch", "2c", "ap2"),
    "A3C": ("a3c", "3ch", "3c", "ap3", "alax", "aplax"),
    "PLAX": ("plax", "lax"),
    "PSAX": ("psax", "sax"),
    "SC": ("sc", "subcostal"),
}
"""What stands for a view in a file's name, in lower case."""
PLAIN = r"[A-Za-z0-9][A-Za-z0-9 .-]{0,39}"
EXPECTED = re.compile(r"(\w+):(-?\d+)\.\.(-?\d+)")


@dataclass(frozen=True)
class Source:
    """One clip as it comes in.

    where     how messages name it: "line 7 of the list"; names of files may hold a patient's
    patient   whatever tells patients apart; replaced by a pseudonym before anything is stored
    enhanced  None where it is to be made
    text      False where a person knows that nothing is written over the tissue
    """

    where: str
    original: Path
    patient: str
    enhanced: Path | None = None
    view: str = "other"
    quality: str = "unknown"
    role: Role = "main"
    sector: Fan | None = None
    text: bool = True
    expected: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def read_sources(place: Path) -> list[Source]:
    """The clips of a folder or of a CSV file. Raises StudyError."""
    if place.is_dir():
        found = _of_folder(place)
    elif place.is_file() and place.suffix.lower() == ".csv":
        found = _of_list(place)
    else:
        raise StudyError("Give a folder of clips, or a list of them that ends in .csv.")
    if not found:
        raise StudyError(
            "There are no clips in it: give a folder of clips, or a list with a line for each clip."
        )
    twice = {source.original for source in found}
    if len(twice) < len(found):
        raise StudyError("A clip is named twice: name every original once.")
    return found


def _of_folder(folder: Path) -> list[Source]:
    """FOLDER/original and FOLDER/enhanced, files of the same name; without them all clips of FOLDER are originals."""
    originals = folder / ORIGINALS if (folder / ORIGINALS).is_dir() else folder
    given = {}
    if originals != folder and (folder / ENHANCED).is_dir():
        enhanced = folder / ENHANCED
        given = {path.relative_to(enhanced).with_suffix(""): path for path in list_clips(enhanced)}
    found = []
    for number, path in enumerate(list_clips(originals), 1):
        patient, view = _told_by(path.relative_to(originals))
        made = given.pop(path.relative_to(originals).with_suffix(""), None)
        found.append(Source(f"clip {number} of the folder", path, patient, made, view))
    if given:
        raise StudyError(
            f"{len(given)} enhanced clips have no original of the same name: name both alike, or give a list."
        )
    if any(source.enhanced for source in found) and not all(source.enhanced for source in found):
        raise StudyError(
            "Some originals have an enhanced clip and some have none: add those that are missing, or remove the folder "
            "'enhanced' to have all made."
        )
    return found


def _told_by(path: Path) -> tuple[str, str]:
    """(patient, view) by a file's name: what stands before the view's short name is the patient.

    A name without a view is a patient of its own.
    """
    words = re.split(r"[^A-Za-z0-9]+", path.stem)
    for number, word in enumerate(words):
        for view, names in IN_NAMES.items():
            if word.lower() in names:
                patient = "_".join(words[:number]) or path.stem
                return str(path.parent / patient), view
    return str(path.parent / path.stem), "other"


def _of_list(path: Path) -> list[Source]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            names = [name.strip() for name in reader.fieldnames or ()]
            reader.fieldnames = names
            if unknown := sorted(set(names) - set(COLUMNS)):
                raise StudyError(f"The list has an unknown column '{unknown[0]}': use {', '.join(COLUMNS)}.")
            if "original" not in names:
                raise StudyError(
                    f"The list has no column 'original': its first line names {', '.join(COLUMNS)}."
                )
            return [_of_line(path.parent, row, f"line {n} of the list") for n, row in enumerate(reader, 2)]
    except (OSError, UnicodeError, csv.Error) as error:
        raise StudyError(f"The list cannot be read ({error}): save it as CSV in UTF-8.") from None


def _of_line(folder: Path, row: Mapping[str, str | None], where: str) -> Source:
    told = {name: (row.get(name) or "").strip() for name in COLUMNS}
    original = folder / told["original"]
    if not told["original"] or not original.is_file():
        raise StudyError(f"In {where} the original is missing: give a path, counted from the list's folder.")
    enhanced = folder / told["enhanced"] if told["enhanced"] else None
    if enhanced is not None and not enhanced.is_file():
        raise StudyError(
            f"In {where} the enhanced clip is missing: give its path, or nothing to have it made."
        )
    by_name = _told_by(Path(told["original"]))
    view = {name.lower(): name for name in VIEWS}.get((told["view"] or by_name[1]).lower())
    if view is None:
        raise StudyError(
            f"In {where} the view is none of {', '.join(VIEWS)}: choose one, 'other' if need be."
        )
    quality, role = told["quality"] or "unknown", told["role"] or "main"
    if not re.fullmatch(PLAIN, quality):
        raise StudyError(f"In {where} the quality is no plain word such as poor: correct it.")
    if told["text"] not in ("", "none"):
        raise StudyError(f"In {where} the column 'text' is neither none nor empty: correct it.")
    known: dict[str, Role] = {name: name for name in get_args(Role)}
    if role not in known:
        raise StudyError(f"In {where} the role is none of {', '.join(known)}: choose one.")
    return Source(
        where,
        original,
        told["patient"] or by_name[0],
        enhanced,
        view,
        quality,
        known[role],
        Fan.parse(told["sector"]) if told["sector"] else None,
        not told["text"],
        _expected(told["expected"], where),
    )


def _expected(text: str, where: str) -> dict[str, tuple[int, int]]:
    """Read `overall:1..2 border:1..3`: the answers that a gold clip should get."""
    found = {}
    for word in text.split():
        match = EXPECTED.fullmatch(word)
        if match is None or int(match[2]) > int(match[3]):
            raise StudyError(
                f"In {where} the expected answers cannot be read: write them as overall:1..2 border:1..3."
            )
        found[match[1]] = (int(match[2]), int(match[3]))
    return found
