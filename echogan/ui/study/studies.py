"""The studies of one folder, and the reader whom a link leads to."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

from echogan.core.errors import ReaderLinkError, StudyError
from echogan.core.kept_folders import kept_folder
from echogan.study.hub_events import open_store
from echogan.study.store.readers import UNKNOWN_LINK, Reader, reader_by_token
from echogan.study.store.rehearsal import rehearse
from echogan.study.store.store import DATABASE, Store

FOLDER_VARIABLE = "ECHOGAN_STUDIES"


class Studies:
    """Studies are folders in `folder` ($ECHOGAN_STUDIES, else studies/, in $ECHOGAN_DATA where that is set).

    Stores stay open. Thread-safe.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._stores: dict[
            tuple[Path, int], Store
        ] = {}  # by folder and inode: a restored backup is another file
        self._rehearsals: dict[str, Store] = {}
        self._lock = threading.Lock()

    @property
    def folder(self) -> Path:
        """Where the study folders are."""
        return self._folder or kept_folder("studies", FOLDER_VARIABLE)

    def names(self) -> list[str]:
        """The studies, in the order of their names."""
        return [path.name for path in self._paths()]

    def store(self, name: str) -> Store:
        """A study by its folder's name. Raises StudyError where there is none."""
        path = next((path for path in self._paths() if path.name == name), None)
        if path is None:
            raise StudyError("There is no such study: choose one from the list.")
        return self._open(path)

    def reader(self, token: str) -> tuple[Store, Reader]:
        """The study and the reader of a link. Raises ReaderLinkError for one that leads nowhere or no longer."""
        for store in self._opened():
            try:
                return store, reader_by_token(store, token)
            except ReaderLinkError as error:
                if str(error) != UNKNOWN_LINK:
                    raise
        raise ReaderLinkError(UNKNOWN_LINK)

    def rehearse(self, name: str) -> str:
        """A link's token to a copy of a draft, which takes ratings and is thrown away. Replaces the one before."""
        store = self.store(name)
        folder = Path(mkdtemp(prefix="rehearsal-"))
        try:
            copy, token = rehearse(store, folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        with self._lock:
            before, self._rehearsals[name] = self._rehearsals.get(name), copy
        if before is not None:
            _throw_away(before)
        return token

    def close(self) -> None:
        """Close all stores, and throw rehearsals away."""
        with self._lock:
            stores, self._stores = list(self._stores.values()), {}
            rehearsals, self._rehearsals = list(self._rehearsals.values()), {}
        for store in stores:
            store.close()
        for store in rehearsals:
            _throw_away(store)

    def _paths(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        # Hidden ones are unfinished.
        found = (path for path in self.folder.iterdir() if not path.name.startswith("."))
        return sorted(path for path in found if (path / DATABASE).is_file())

    def _opened(self) -> Iterator[Store]:
        """All studies and rehearsals; one that cannot be opened keeps no reader from another."""
        yield from list(self._rehearsals.values())
        for path in self._paths():
            with suppress(StudyError):
                yield self._open(path)

    def _open(self, path: Path) -> Store:
        key = path, (path / DATABASE).stat().st_ino
        with self._lock:
            if key not in self._stores:
                self._stores[key] = open_store(path)
            return self._stores[key]


def _throw_away(rehearsal: Store) -> None:
    rehearsal.close()
    shutil.rmtree(rehearsal.folder, ignore_errors=True)
