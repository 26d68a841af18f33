"""What an output folder of `curate` remembers between runs: its salt, its settings, and every file looked at."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from filelock import FileLock, Timeout

from echogan.core.atomic import UNFINISHED, output_errors, remove_unfinished, replacing, write_whole
from echogan.core.errors import OutputError
from echogan.curation.settings import SPLITS, CurateSettings, Reason

SETTINGS, JOURNAL, PARTS, LOCK = ".curate.json", ".journal.jsonl", ".parts", ".lock"
HASH_DIGITS = 16
_REMEMBERED = ("frames", "size", "seed", "shares", "min_confidence", "min_side")


class OtherShards(OutputError):
    """A folder holds shards of another archive, of other settings or of another salt."""


@dataclass(frozen=True)
class FileFingerprint:
    """What identifies a file between runs: its size in bytes and the time of its last change."""

    size: int
    mtime_ns: int


def split_of(patient: str, seed: int, shares: tuple[float, float, float]) -> str:
    """The split of a patient: a hash of the id and the seed alone decides it, so no other patient can change
    it, and two folders made with the same seed agree."""
    digest = hashlib.sha256(f"echogan split {seed}\0{patient}".encode("utf-8", "surrogateescape")).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    if place < shares[0]:
        return SPLITS[0]
    return SPLITS[1] if place < shares[0] + shares[1] else SPLITS[2]


class Journal:
    """The journal of one output folder. A context manager: the journal is open for appending inside it.

    No name and no patient id is stored, only hashes with a random salt. The salt lies beside the folder, not in it: the
    folder may be shared, and anyone who has the salt can test guessed ids against the hashes. Raises OutputError if the
    folder holds something else, and OtherShards if its shards are of another archive, other settings or another salt.
    """

    def __init__(self, out: Path, archive: Path, settings: CurateSettings) -> None:
        self.out, self.parts = out, out / PARTS
        self._check_folder()
        with output_errors(out):
            out.mkdir(parents=True, exist_ok=True)
        secret = settings.salt or own_salt(out)
        with output_errors(secret):
            self._salt = _read_salt(secret)
        with output_errors(out):
            self.parts.mkdir(exist_ok=True)
        self._check_settings(archive, settings)
        self._records: dict[str, dict[str, Any]] = {}
        self._file: IO[str] | None = None
        self._lock = FileLock(out / LOCK, thread_local=False, fallback_to_soft=False)

    def _check_folder(self) -> None:
        if self.out.exists() and not self.out.is_dir():
            raise OutputError(f"{self.out} is a file: give a folder for the shards.")
        strangers = (p for p in (self.out.iterdir() if self.out.is_dir() else ()) if p.name != PARTS)
        if not (self.out / SETTINGS).exists() and any(not UNFINISHED.fullmatch(p.name) for p in strangers):
            raise OutputError(f"The folder {self.out} holds other files: give a new or an empty folder.")

    def _check_settings(self, archive: Path, settings: CurateSettings) -> None:
        now: dict[str, Any] = {name: getattr(settings, name) for name in _REMEMBERED}
        now |= {
            "graded": settings.quality is not None,
            "archive": self.hash("archive", str(archive.resolve())),
            "salt": self.hash("salt", ""),  # identifies a salt without revealing it
        }
        path, now = self.out / SETTINGS, json.loads(json.dumps(now))
        if not path.exists():
            write_whole(path, json.dumps(now, indent=1).encode())
            return
        try:
            before = json.loads(path.read_text())
        except (OSError, ValueError):
            raise OutputError(f"{path} is damaged. Delete the folder and curate again.") from None
        other = [name for name in now if before.get(name) != now[name]]
        if "salt" in other:
            raise OtherShards(
                f"The folder {self.out} was made with another salt: give that --salt, or a new folder."
            )
        if "archive" in other:
            raise OtherShards(
                f"The folder {self.out} holds the shards of another archive: give a new folder."
            )
        if other:
            raise OtherShards(
                f"The folder {self.out} holds shards made with another setting ({', '.join(other)}): "
                "give the same settings, or a new folder."
            )

    def _load(self) -> dict[str, dict[str, Any]]:
        records: dict[str, dict[str, Any]] = {}
        path = self.out / JOURNAL
        if path.exists():
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                with suppress(ValueError, KeyError, TypeError):  # a killed run can leave half a line
                    record = json.loads(line)
                    records[record["key"]] = record
        return records

    def __enter__(self) -> Self:
        self._keep_others_out()
        remove_unfinished(self.out, self.parts, *(path for path in self.out.iterdir() if path.is_dir()))
        self._records = self._load()
        # Rewritten first, without repeated entries and half a line.
        lines = "".join(json.dumps(record) + "\n" for record in self._records.values())
        write_whole(self.out / JOURNAL, lines.encode())
        self._file = (self.out / JOURNAL).open("a", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
        self._lock.release()

    def _keep_others_out(self) -> None:
        """Lock the folder until this run ends, however it ends. Raises OutputError where another run has it."""
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise OutputError(
                f"The folder {self.out} is being curated: wait until the other run ends."
            ) from None
        except OSError:
            return  # a file system without locks

    def hash(self, kind: str, text: str) -> str:
        """The salted hash of a name or an id: 16 hexadecimal digits."""
        message = f"{kind}\0{text}".encode("utf-8", "surrogateescape")
        return hmac.new(self._salt, message, hashlib.sha256).hexdigest()[:HASH_DIGITS]

    def record(self, key: str, fingerprint: FileFingerprint) -> Mapping[str, Any] | None:
        """What is known of a file, None if it is new or has changed since."""
        record = self._records.get(key)
        known = record is not None and (record.get("size"), record.get("mtime_ns")) == (
            fingerprint.size,
            fingerprint.mtime_ns,
        )
        return record if known else None

    def add(self, key: str, fingerprint: FileFingerprint, found: Mapping[str, Any]) -> None:
        """Record what was found in a file; for later runs only if it is lasting. Raises OutputError on a full disk."""
        assert self._file is not None, "the journal is open inside the with block"
        record = {"key": key, "size": fingerprint.size, "mtime_ns": fingerprint.mtime_ns, **found}
        self._records[key] = record
        if not found["reason"] or Reason(found["reason"]).lasting:
            with output_errors(self.out / JOURNAL):
                self._file.write(json.dumps(record) + "\n")
                self._file.flush()


def own_salt(out: Path) -> Path:
    """Where the salt of a folder lies that was told none: beside it."""
    whole = out.resolve()
    return whole.with_name(f"{whole.name}.salt")


def _read_salt(path: Path) -> bytes:
    """The salt in a file, which is created if missing. Raises OSError, and OutputError if the file holds no salt."""
    if not path.exists():
        private = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with replacing(path) as part, os.fdopen(os.open(part, private, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    salt = path.read_bytes()
    if not re.fullmatch(rb"[0-9a-f]{64}\s*", salt):
        raise OutputError(f"{path} holds no salt. Give the file that an earlier curate made, or a new name.")
    return salt.strip()
