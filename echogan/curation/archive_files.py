"""The files of an archive: listed in order, each with a salted hash and a fingerprint to know it again by."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from echogan.core.errors import OutputError, UnreadableClip
from echogan.curation.journal import FileFingerprint, Journal


@dataclass(frozen=True)
class ArchiveFile:
    """One file of the archive: its path below it with slashes, its salted hash, and its fingerprint."""

    number: int
    name: str
    key: str
    fingerprint: FileFingerprint


def file_names(archive: Path, quality: Path | None) -> list[str]:
    """The files below the archive in order, hidden ones and the list of grades aside."""
    if not archive.is_dir():
        raise UnreadableClip(f"There is no folder {archive}. Check the path of the archive.")
    found = []

    def refuse(error: OSError) -> None:  # else its clips would count as gone
        raise UnreadableClip(
            f"A folder of the archive cannot be listed ({error.strerror}): check its permissions, and that it is "
            "mounted."
        )

    seen = {archive.resolve()}
    for folder, folders, names in os.walk(archive, onerror=refuse, followlinks=True):
        own = sorted(
            (Path(folder, name) for name in folders), key=lambda path: (path.is_symlink(), path.name)
        )
        folders[:] = [path.name for path in own if not path.name.startswith(".") and _new(path, seen)]
        found += [Path(folder, name) for name in names if not name.startswith(".")]
    listed = quality.resolve() if quality is not None else None
    found = [path for path in found if path.is_file() and path.resolve() != listed]
    if not found:
        raise UnreadableClip(f"The folder {archive} holds no files. Give a folder of clips.")
    return sorted(path.relative_to(archive).as_posix() for path in found)


def _new(folder: Path, seen: set[Path]) -> bool:
    """Whether a folder is met for the first time: links may lead in circles, or twice to one place."""
    whole = folder.resolve()
    new = whole not in seen
    seen.add(whole)
    return new


def check_apart(archive: Path, out: Path) -> None:
    """Raise OutputError where one of the folders lies in the other."""
    a, o = archive.resolve(), out.resolve()
    if a == o or a in o.parents or o in a.parents:
        raise OutputError(
            "The archive and the output folder must not hold one another: give a folder beside it."
        )


def archive_files(archive: Path, names: Sequence[str], journal: Journal) -> list[ArchiveFile]:
    """The files of those names, in their order."""
    files = []
    for number, name in enumerate(names, 1):
        stat = (archive / name).stat()
        files.append(
            ArchiveFile(
                number, name, journal.hash("clip", name), FileFingerprint(stat.st_size, stat.st_mtime_ns)
            )
        )
    return files
