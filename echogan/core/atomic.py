"""Outputs that appear whole or not at all: written under a temporary name, then renamed into place."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from echogan.core.errors import EchoGANError, OutputError


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
        self.path = target.parent / f".{secrets.token_hex(6)}.part"
        self._made: list[Path] = []
        self._check_target()
        try:
            with output_errors(target):
                self._make_parents()
                if folder:
                    self.path.mkdir()
                else:
                    self.path.touch(exist_ok=False)
        except OutputError:
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
        if self.folder:
            shutil.rmtree(self.path, ignore_errors=True)
        else:
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
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
            parts[path] = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
            with parts[path].open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for path, part in parts.items():
            os.replace(part, path)
    except BaseException:
        for part in parts.values():
            with suppress(OSError):
                part.unlink(missing_ok=True)
        raise
