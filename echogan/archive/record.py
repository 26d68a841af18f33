"""What an output folder remembers between runs: its settings, and what became of every file."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

from filelock import FileLock, Timeout

from echogan.archive.sources import Source
from echogan.core.atomic import UNFINISHED, output_errors, remove_unfinished, write_whole
from echogan.core.errors import OutputError

SETTINGS, RECORD, LOCK = ".archive.json", ".archive.jsonl", ".archive.lock"


class ArchiveRecord:
    """The record of one output folder. A context manager, inside which no other run works on the folder.

    settings   whatever decides the results: a folder made with others is refused

    Raises OutputError where the folder holds something else or cannot be written, or where another run has it.
    """

    def __init__(self, out: Path, settings: dict[str, Any]) -> None:
        self.out, self._settings = out, json.loads(json.dumps(settings))
        self._found: dict[str, dict[str, Any]] = {}
        self._file: IO[str] | None = None
        self._lock = FileLock(out / LOCK, thread_local=False, fallback_to_soft=False)

    def __enter__(self) -> Self:
        if self.out.exists() and not self.out.is_dir():
            raise OutputError(f"{self.out} is a file: give a folder for the results.")
        with output_errors(self.out):
            self.out.mkdir(parents=True, exist_ok=True)
        self._keep_others_out()
        try:
            self._check_settings()
            self.sweep()
            self._found = self._load()
            # Rewritten first, without repeated entries and half a line.
            lines = "".join(json.dumps(found) + "\n" for found in self._found.values())
            write_whole(self.out / RECORD, lines.encode())
            self._file = (self.out / RECORD).open("a", encoding="utf-8")
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
        with suppress(OSError):
            self.sweep()
        self._lock.release()

    def sweep(self) -> None:
        """Remove what killed writers left."""
        remove_unfinished(*(Path(here) for here, _, _ in os.walk(self.out)))

    def known(self, source: Source) -> dict[str, Any] | None:
        """What became of a file; None where it is new, was changed, or lacks its outputs."""
        found = self._found.get(source.inside)
        if found is None or found["file"] != fingerprint(source.path) or found["name"] != source.name:
            return None
        missing = [path for path in found.get("outputs", ()) if not (self.out / path).exists()]
        return None if missing else found

    def add(self, source: Source, found: dict[str, Any]) -> dict[str, Any]:
        """Note what became of a file; what has "again" is tried anew by the next run. Raises OutputError."""
        assert self._file is not None, "the record is open inside the with block"
        entry = {
            "inside": source.inside,
            "name": source.name,
            "file": fingerprint(source.path),
            **found,
        }
        self._found[source.inside] = entry
        if not found.get("again"):
            with output_errors(self.out / RECORD):
                self._file.write(json.dumps(entry) + "\n")
                self._file.flush()
        return entry

    def _keep_others_out(self) -> None:
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise OutputError(f"Another run works on the folder {self.out}: wait until it ends.") from None
        except OSError:
            return  # a file system without locks

    def _check_settings(self) -> None:
        path = self.out / SETTINGS
        if not path.exists():
            others = [p for p in self.out.iterdir() if p.name != LOCK and not UNFINISHED.fullmatch(p.name)]
            if others:
                raise OutputError(f"The folder {self.out} holds other files: give a new or an empty folder.")
            write_whole(path, json.dumps(self._settings, indent=1).encode())
            return
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise OutputError(f"{path} is damaged. Give a new folder.") from None
        other = sorted(name for name in self._settings if before.get(name) != self._settings[name])
        if other:
            raise OutputError(
                f"The folder {self.out} holds results made with another {' and another '.join(other)}: "
                "give the same, or a new folder."
            )

    def _load(self) -> dict[str, dict[str, Any]]:
        path = self.out / RECORD
        found: dict[str, dict[str, Any]] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                with suppress(ValueError, KeyError, TypeError):  # a killed run can leave half a line
                    entry = json.loads(line)
                    found[entry["inside"]] = {"file": None, "name": None} | entry
        return found


def fingerprint(path: Path) -> list[int] | None:
    """What tells whether a file was changed: its size and the time of its last change; None where it is missing."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return [stat.st_size, stat.st_mtime_ns]
