"""The files that a DICOMDIR lists (DICOM PS3.3, F.3): images only, and only below its own folder."""

from __future__ import annotations

from pathlib import Path

from pydicom import dcmread

from echogan.clips.dicom.bounded import read_meta
from echogan.clips.dicom.header import keep_quiet, reading
from echogan.clips.dicom.reader import DIRECTORY
from echogan.core.errors import UnreadableClip

LARGEST = 64 * 2**20  # bytes: a disc of 100,000 images needs less
OUTSIDE = (
    "The DICOMDIR names files outside its own folder, so it is not used: give the folder of clips itself."
)


def is_dicomdir(path: Path) -> bool:
    """Whether a file is a DICOMDIR, whatever its name."""
    keep_quiet()
    try:
        with path.open("rb") as file:
            return read_meta(file).get("MediaStorageSOPClassUID") == DIRECTORY
    except Exception:  # a damaged file may raise anything; it is told when it is opened as a clip
        return False


def listed_files(path: Path) -> list[Path]:
    """The images that a DICOMDIR lists, in its order, whether they are there or not.

    Raises UnreadableClip (damaged, or naming files outside its folder).
    """
    if path.stat().st_size > LARGEST:
        raise UnreadableClip("The DICOMDIR is far too large: give the folder of clips itself.")
    found: list[Path] = []
    with reading():
        for record in dcmread(path).get("DirectoryRecordSequence") or []:
            name = record.get("ReferencedFileID")
            if name and str(record.get("DirectoryRecordType")).strip() == "IMAGE":
                parts = [name] if isinstance(name, str) else [str(part) for part in name]
                found.append(_place(path.parent, parts))
    return list(dict.fromkeys(found))


def _place(folder: Path, parts: list[str]) -> Path:
    """The file of these folders and name; discs are also copied with their names in lower case."""
    place = folder
    for part in parts:
        if part in ("", ".", "..") or set(part) & set("/\\:\0"):
            raise UnreadableClip(OUTSIDE)
        place = _as_stored(place, part)
    if folder.resolve() not in place.resolve().parents:
        raise UnreadableClip(OUTSIDE)
    return place


def _as_stored(folder: Path, name: str) -> Path:
    exact = folder / name
    if exact.exists() or not folder.is_dir():
        return exact
    alike = [other for other in sorted(folder.iterdir()) if other.name.casefold() == name.casefold()]
    return alike[0] if alike else exact
