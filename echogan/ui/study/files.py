"""A study as files: backups beside it at any time, and what shows the arms only after unblinding."""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from echogan.core.atomic import replacing, write_whole
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


def _write_report(store: Store, target: Path, actor: str) -> None:
    with _analysed(store) as folder:
        write_whole(target, (folder / "report.pdf").read_bytes())


def _write_results(store: Store, target: Path, actor: str) -> None:
    with (
        _analysed(store) as folder,
        replacing(target) as part,
        zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as file,
    ):
        for path in sorted(folder.iterdir()):
            file.write(path, path.name)


@contextmanager
def _analysed(store: Store) -> Iterator[Path]:
    """A folder with all that `study analyse` writes, which is removed afterwards."""
    from echogan.study.analysis.report import (
        analyse_study,
    )  # takes seconds to import, and few visitors need it
    from echogan.study.unblinded import tables_of

    with TemporaryDirectory(prefix="analysis-") as name:
        analyse_study(tables_of(store), Path(name))
        yield Path(name)


KINDS: dict[str, tuple[str, Callable[[Store, Path, str], object]]] = {
    "report": ("report.pdf", _write_report),
    "results": ("results.zip", _write_results),
    "table": ("ratings.csv", _write_table),
    "export": ("study.zip", export_study),
}
"""Name and writer of each file that can be fetched."""
