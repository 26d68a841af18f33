"""Outputs that appear whole or not at all: written under a temporary name, then renamed into place."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from echogan.core.errors import EchoGANError, OutputError

UNFINISHED = re.compile(r"\.[0-9a-f]{12}\.part")
"""The name of what a writer has begun; where it is still there after the writer has ended, that was killed."""


def temporary_name(target: Path) -> Path:
    """A name beside `target` that nobody else uses."""
    return target.parent / f".{secrets.token_hex(6)}.part"


@contextmanager
def replacing(target: Path, sync: bool = False) -> Iterator[Path]:
    """A temporary name beside `target`, at which the block makes a file or a folder; then it is renamed to `target`.

    An older file stays whole until then; an empty folder gives way to a folder. Where the block or the renaming
    fails, the temporary one is removed and the older one stays. `sync` waits for the disk before the renaming, for
    files that a power cut must not cost. Raises OSError, and what the block raises.
    """
    part = temporary_name(target)
    try:
        yield part
        if sync:
            with part.open("rb+") as file:
                os.fsync(file.fileno())
        os.replace(part, target)
    except BaseException:
        _remove(part)
        raise


@contextmanager
def moving_into(folder: Path) -> Iterator[Path]:
    """A temporary folder inside `folder`, whose files move into `folder` when the block has made all of them.

    They replace older ones of their names. Where the block fails, none moves. Raises OSError, and what it raises.
    """
    part = temporary_name(folder / "files")
    try:
        part.mkdir()
        yield part
        for path in sorted(part.iterdir()):
            os.replace(path, folder / path.name)
    finally:
        _remove(part)


def remove_unfinished(*folders: Path) -> None:
    """Remove what killed writers left in these folders. Only for one who keeps all other writers out of them."""
    for folder in folders:
        for path in folder.iterdir() if folder.is_dir() else ():
            if UNFINISHED.fullmatch(path.name):
                _remove(path)


def _remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, as far as the system allows."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):
        path.unlink(missing_ok=True)


@contextmanager
def output_errors(target: Path) -> Iterator[None]:
    """Turn what an encoder or the disk raises inside the block into OutputError; our own errors pass."""
    try:
        yield
    except EchoGANError:
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise OutputError(
            f"'{target.name}' could not be written ({reason}): check the folder's permissions and the free space."
        ) from error


class Unfinished:
    """A temporary name beside `target`; `keep` renames it into place, `discard` leaves nothing behind.

    Missing parent folders are made, and taken away again by `discard`. Raises OutputError where the
    place cannot be written to, at once rather than after minutes of work.
    """

    def __init__(self, target: Path, folder: bool = False) -> None:
        self.target, self.folder = target, folder
        self.path = temporary_name(target)
        self._made: list[Path] = []
        self._check_target()
        try:
            with output_errors(target):
                self._make_parents()
                if folder:
                    self.path.mkdir()
                else:
                    self.path.touch(exist_ok=False)
        except BaseException:  # Ctrl-C too leaves nothing behind
            self.discard()
            raise

    def _check_target(self) -> None:
        with output_errors(self.target):
            exists, is_folder = os.path.lexists(self.target), self.target.is_dir()
            filled = is_folder and any(self.target.iterdir())
        if self.folder and exists and not is_folder:
            raise OutputError(f"'{self.target.name}' is a file: give a new folder for the PNG frames.")
        if not self.folder and exists and not is_folder and not self.target.is_file():
            raise OutputError(f"'{self.target.name}' is no plain file: give the name of a file to write.")
        if self.folder and filled:
            raise OutputError(f"The folder '{self.target.name}' is not empty: give a new or an empty folder.")
        if not self.folder and is_folder:
            raise OutputError(f"'{self.target.name}' is a folder: give the name of a file to write.")

    def _make_parents(self) -> None:
        missing = [p for p in (self.target.parent, *self.target.parent.parents) if not p.exists()]
        for parent in reversed(missing):
            parent.mkdir(exist_ok=True)
            self._made.append(parent)

    def keep(self) -> None:
        """Rename into place, over an older file or an empty folder of that name. Raises OutputError."""
        with output_errors(self.target):
            if self.folder and self.target.is_dir():
                self.target.rmdir()
            os.replace(self.path, self.target)

    def discard(self) -> None:
        """Remove the temporary file or folder and the parents made for it, as far as they are empty."""
        _remove(self.path)
        for parent in reversed(self._made):
            with suppress(OSError):
                parent.rmdir()


def write_whole(path: Path, content: bytes) -> None:
    """Write bytes to `path`, whole or not at all. Raises OutputError."""
    unfinished = Unfinished(path)
    try:
        with output_errors(path):
            unfinished.path.write_bytes(content)
        unfinished.keep()
    except BaseException:
        unfinished.discard()
        raise


def replace_files(files: dict[Path, bytes]) -> None:
    """Write files that belong together, all before the first is renamed into place. Raises OSError.

    A reader sees the old or the new of each, and a full disk leaves no new file beside an old one.
    """
    parts: dict[Path, Path] = {}
    try:
        for path, content in files.items():
            parts[path] = temporary_name(path)
            with parts[path].open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for path, part in parts.items():
            os.replace(part, path)
    except BaseException:
        for part in parts.values():
            _remove(part)
        raise
