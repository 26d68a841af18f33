"""Backup, and a whole study as one file: a zip with a list of hashes, checked before anything is unpacked."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from echogan.core.atomic import Unfinished, replacing
from echogan.core.errors import OutputError, StudyError
from echogan.study.store.audit import commit_event, last_event, verify
from echogan.study.store.store import DATABASE, MEDIA, EventWriter, Store

MANIFEST = "manifest.json"
MEMBER = re.compile(rf"{re.escape(DATABASE)}|{MEDIA}/[0-9a-f]{{32}}\.webm")
"""What an exported study may hold beside the manifest: no other names, so none that lead out of the folder."""
MOST_BYTES = 64 * 2**30
DATE = (2000, 1, 1, 0, 0, 0)
PIECE = 2**20
NO_STUDY = "The file is no exported study: export it again."


def backup(store: Store, target: Path, actor: str = "lead") -> str:
    """Copy the database, also while the study is read; the SHA-256 of the copy. Raises OutputError.

    It holds the arms: keep it where readers cannot get it. Stimuli are not in it; `export_study` has both.
    """
    _note(store, actor, "backed up")
    try:
        with replacing(target, sync=True) as part:
            _copy(store, part)
        return _sha256(target)
    except (OSError, sqlite3.Error) as error:
        raise _not_written(target, error) from None


def export_study(store: Store, target: Path, actor: str = "lead") -> str:
    """Write the whole study, with stimuli and the log, as one zip; the SHA-256 of its manifest. Raises OutputError.

    The file that says which clip is behind which pseudonym is left out; links work only where their hash is known.
    """
    _note(store, actor, "exported")
    try:
        with replacing(target, sync=True) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as file:
            copy = part.with_suffix(".sqlite")
            try:
                _copy(store, copy)
                members = {
                    DATABASE: copy,
                    **{f"{MEDIA}/{path.name}": path for path in sorted(store.media.iterdir())},
                }
                members = {name: path for name, path in members.items() if MEMBER.fullmatch(name)}
                manifest = json.dumps(
                    {name: _sha256(path) for name, path in members.items()}, indent=1
                ).encode()
                file.writestr(zipfile.ZipInfo(MANIFEST, DATE), manifest)
                for name, path in members.items():
                    with (
                        file.open(zipfile.ZipInfo(name, DATE), "w", force_zip64=True) as out,
                        path.open("rb") as source,
                    ):
                        while piece := source.read(PIECE):
                            out.write(piece)
            finally:
                copy.unlink(missing_ok=True)
        return hashlib.sha256(manifest).hexdigest()
    except (OSError, sqlite3.Error) as error:
        raise _not_written(target, error) from None


def import_study(source: Path, folder: Path, writer: EventWriter | None = None) -> Store:
    """Unpack an exported study into a new folder. Raises StudyError for a file that is not what its manifest says."""
    unfinished = Unfinished(folder, folder=True)
    try:
        (unfinished.path / MEDIA).mkdir()
        with _opened(source) as file:
            hashes = _manifest(file)
            for name, sha256 in hashes.items():
                _unpack(file, name, unfinished.path / name, sha256)
        unfinished.path.chmod(0o700)
        (unfinished.path / DATABASE).chmod(0o600)
        store = Store(unfinished.path)
        faults = verify(store)
        store.close()
        if faults:
            raise StudyError(f"The study was changed before it was exported: {faults[0]}")
        unfinished.keep()
    except (zipfile.BadZipFile, sqlite3.DatabaseError, NotImplementedError, RuntimeError, EOFError):
        unfinished.discard()
        raise StudyError(NO_STUDY) from None
    except OSError as error:
        unfinished.discard()
        raise _not_written(folder, error) from None
    except BaseException:
        unfinished.discard()
        raise
    return Store(folder, writer)


@contextmanager
def _opened(source: Path) -> Iterator[zipfile.ZipFile]:
    if not source.is_file():
        raise StudyError(f"There is no file '{source.name}': check the path.")
    with zipfile.ZipFile(source) as file:
        yield file


def _manifest(file: zipfile.ZipFile) -> dict[str, str]:
    """Name -> SHA-256 of every member. Raises StudyError unless the zip holds these, of known names, and no more."""
    names = [info.filename for info in file.infolist()]
    if names.count(MANIFEST) != 1 or file.getinfo(MANIFEST).file_size > 16 * PIECE:
        raise StudyError(NO_STUDY)
    try:
        hashes = json.loads(file.read(MANIFEST))
    except ValueError:
        raise StudyError(NO_STUDY) from None
    if not isinstance(hashes, dict) or DATABASE not in hashes or sorted(names) != sorted([*hashes, MANIFEST]):
        raise StudyError("The exported study does not hold what its manifest lists: export it again.")
    if not all(MEMBER.fullmatch(name) and isinstance(sha256, str) for name, sha256 in hashes.items()):
        raise StudyError("The exported study holds a file that does not belong to one: it is not opened.")
    if sum(info.file_size for info in file.infolist()) > MOST_BYTES:
        raise StudyError("The exported study unpacks to more than 64 GiB: it is not opened.")
    return hashes


def _unpack(file: zipfile.ZipFile, name: str, path: Path, sha256: str) -> None:
    digest = hashlib.sha256()
    left = file.getinfo(name).file_size
    with file.open(name) as source, path.open("xb") as out:
        while piece := source.read(PIECE):
            left -= len(piece)
            if left < 0:
                raise StudyError(NO_STUDY)
            digest.update(piece)
            out.write(piece)
    if digest.hexdigest() != sha256:
        raise StudyError("A file of the exported study is not what its manifest says: export it again.")


def _note(store: Store, actor: str, action: str) -> None:
    """Log a copy, with the hash of the log that it ends with."""
    with store.write() as db:
        last = last_event(db)
        commit_event(store, db, actor, action, log=last.hash if last else "")


def _copy(store: Store, path: Path) -> None:
    """A consistent copy of the database in one file, whoever writes meanwhile."""
    copy = sqlite3.connect(path)
    try:
        with store.read() as db:
            db.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
    finally:
        copy.close()
    path.chmod(0o600)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _not_written(target: Path, error: Exception) -> OutputError:
    reason = getattr(error, "strerror", None) or type(error).__name__
    return OutputError(
        f"'{target.name}' could not be written ({reason}): check the folder and the free space."
    )
