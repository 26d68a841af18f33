"""The files of a folder, its folders within, or a DICOMDIR that may be clips, in order."""

from __future__ import annotations

import os
from pathlib import Path

from echogan.clips.dicom.directory import is_dicomdir, listed_files
from echogan.core.errors import EchoGANError, UnreadableClip

BYSTANDERS = frozenset({"__macosx", "thumbs.db", "desktop.ini"})  # what Windows and macOS put beside clips
PIXEL_FILES = frozenset({".raw", ".zraw"})  # belong to a .mhd


def list_clips(place: Path) -> list[Path]:
    """Every file below a folder that may be a clip, or every image that a DICOMDIR lists.

    Where a folder holds a DICOMDIR, the images listed there come first, in its order; what is listed and missing is
    there too, so that opening it tells. Hidden files and the pixel files of MetaImages are left out. Nothing is
    opened but DICOMDIRs: whether a file is a clip, `open_clip` says. Raises UnreadableClip.
    """
    if place.is_file():
        if not is_dicomdir(place):
            raise UnreadableClip(f"'{place.name}' is neither a folder nor a DICOMDIR: give one of them.")
        return listed_files(place)
    if not place.is_dir():
        raise UnreadableClip(f"There is no folder {place}. Check the path.")
    found: list[Path] = []
    for here, folders, names in os.walk(place):  # links to folders are not followed: they may lead in circles
        folders[:] = sorted(name for name in folders if not _is_bystander(name))
        found += _of_folder(Path(here), sorted(names))
    return list(dict.fromkeys(found))


def _of_folder(folder: Path, names: list[str]) -> list[Path]:
    listed: list[Path] = []
    others: list[Path] = []
    headers = any(name.lower().endswith(".mhd") for name in names)
    for name in names:
        path = folder / name
        if _is_bystander(name) or not path.is_file() or (headers and path.suffix.lower() in PIXEL_FILES):
            continue
        if name.upper() == "DICOMDIR":
            try:
                listed += listed_files(path)
            except EchoGANError:
                others.append(path)  # opening it tells what is wrong; the files are there without it
        else:
            others.append(path)
    return listed + others


def _is_bystander(name: str) -> bool:
    return name.startswith(".") or name.lower() in BYSTANDERS
