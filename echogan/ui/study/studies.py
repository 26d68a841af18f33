"""The studies of one folder, and the reader whom a link leads to."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from echogan.core.errors import ReaderLinkError, StudyError
from echogan.study.store.readers import UNKNOWN_LINK, Reader, reader_by_token
from echogan.study.store.store import DATABASE, Store

FOLDER_VARIABLE = "ECHOGAN_STUDIES"
DRY_RUN = ".dry-run-"  # before the name of the study that a rehearsal is a copy of


class Studies:
    """Studies are folders in `folder` ($ECHOGAN_STUDIES, else studies/). Stores stay open. Thread-safe."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._stores: dict[Path, Store] = {}
        self._lock = threading.Lock()

    @property
    def folder(self) -> Path:
        """Where the study folders are."""
        return self._folder or Path(os.environ.get(FOLDER_VARIABLE) or "studies")

    def names(self) -> list[str]:
        """The studies, newest first; without rehearsals."""
        found = [path for path in self._paths() if not path.name.startswith(".")]
        return [path.name for path in sorted(found, key=_changed, reverse=True)]

    def store(self, name: str) -> Store:
        """A study by its folder's name. Raises StudyError where there is none."""
        path = next((path for path in self._paths() if path.name == name), None)
        if path is None:
            raise StudyError("There is no such study: choose one from the list.")
        return self._open(path)

    def reader(self, token: str) -> tuple[Store, Reader]:
        """The study and the reader of a link. Raises ReaderLinkError for one that leads nowhere or no longer."""
        for path in self._paths():
            try:
                store = self._open(path)
                return store, reader_by_token(store, token)
            except ReaderLinkError as error:
                if str(error) != UNKNOWN_LINK:
                    raise
            except StudyError:  # one that cannot be opened keeps no reader from another
                continue
        raise ReaderLinkError(UNKNOWN_LINK)

    def forget(self, name: str) -> None:
        """Close a study whose folder is to be removed."""
        with self._lock:
            store = self._stores.pop(self.folder / name, None)
        if store is not None:
            store.close()

    def close(self) -> None:
        """Close all stores."""
        with self._lock:
            stores, self._stores = list(self._stores.values()), {}
        for store in stores:
            store.close()

    def _paths(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if (path / DATABASE).is_file())

    def _open(self, path: Path) -> Store:
        with self._lock:
            store = self._stores.get(path)
            if store is None:
                store = self._stores[path] = Store(path)
            return store


def _changed(path: Path) -> float:
    return (path / DATABASE).stat().st_mtime
