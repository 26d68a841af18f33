"""A study as files: backups beside it at any time, and what shows the arms only after unblinding."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from echogan.core.atomic import write_whole
from echogan.core.errors import OutputError, SettingsError, StudyStateError
from echogan.study.store.archive import backup, export_study
from echogan.study.store.lifecycle import facts
from echogan.study.store.store import Store
from echogan.study.store.tables import as_csv

BACKUPS = "backups"
BLINDED = "The study is blinded: freeze and unblind it first. A backup can be made at any time."


def back_up(store: Store, actor: str) -> str:
    """Copy the database into the study's own folder, where it is as safe from readers as the original; its name.

    It is not given to the page, since it holds the arms and the ratings. Raises OutputError.
    """
    folder = store.folder / BACKUPS
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The backup could not be written ({error.strerror}): check the disk.") from error
    stamp = time.strftime("%Y-%m-%d-%H%M%S", time.gmtime(store.clock()))
    target = folder / f"{stamp}.sqlite"
    backup(store, target, actor)
    return f"{BACKUPS}/{target.name}"


def write_file(store: Store, kind: str, folder: Path, actor: str) -> Path:
    """Write a file that the page may fetch, of an unblinded study. Raises StudyStateError before, and OutputError."""
    if kind not in KINDS:
        raise SettingsError("There is no such file of a study. Reload the page.")
    if not facts(store).unblinded:
        raise StudyStateError(BLINDED)
    name, write = KINDS[kind]
    write(store, folder / name, actor)
    os.chmod(folder / name, 0o600)
    return folder / name


def _write_table(store: Store, target: Path, actor: str) -> None:
    write_whole(target, as_csv(store).encode())


KINDS: dict[str, tuple[str, Callable[[Store, Path, str], object]]] = {
    "table": ("ratings.csv", _write_table),
    "export": ("study.zip", export_study),
}
"""Name and writer of each file that can be fetched."""
