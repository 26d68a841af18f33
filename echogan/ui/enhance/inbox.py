"""What a visitor sends becomes clips in the visitor's own folder, under neutral names; zips are unpacked."""

from __future__ import annotations

import secrets
import shutil
import threading
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from echogan.core.errors import EchoGANError
from echogan.jobs.unzip import KEPT_SUFFIXES, UnzipLimits, is_bystander, unzip_named
from echogan.ui.session import Sessions

MOST_CLIPS = 32  # of a visitor
ZIP_LIMITS = UnzipLimits(entries=2000, entry_bytes=1 << 30, total_bytes=4 << 30)
UNZIPPING = threading.BoundedSemaphore(2)
NOT_SENT = "This file did not arrive on the server. Send it again."
TOO_MANY = f"A list holds at most {MOST_CLIPS} clips. Remove some, then send this one again."


@dataclass
class Received:
    """Clips as (the clip's own folder, its file, its name), and refused files as (name, sentence)."""

    clips: list[tuple[Path, Path, str]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


def receive(sessions: Sessions, folder: Path, files: Iterable[tuple[str, str]], room: int) -> Received:
    """Take files (path of the upload, name) into `folder`; at most `room` clips, the others are refused."""
    received = Received()
    for upload, name in files:
        if is_bystander(name):
            sessions.discard(upload)
            continue
        place = folder / secrets.token_hex(8)
        place.mkdir()
        path = place / neutral_name(name)
        try:
            sessions.take(upload, path)
        except OSError:
            received.refused.append((name, NOT_SENT))
            place.rmdir()
            continue
        try:
            found = _unpacked(path, folder) if _is_zip(path, name) else [(place, path, name)]
        except EchoGANError as error:
            received.refused.append((name, str(error)))
            shutil.rmtree(place, ignore_errors=True)
            continue
        for clip in found:
            if len(received.clips) < room:
                received.clips.append(clip)
            else:
                received.refused.append((clip[2], TOO_MANY))
                shutil.rmtree(clip[0], ignore_errors=True)
    return received


def neutral_name(name: str) -> str:
    """A file name that tells nothing but the type; the type is kept where it is one of a clip."""
    suffix = Path(name).suffix.lower()
    return "clip" + (suffix if suffix in KEPT_SUFFIXES else "")


def _is_zip(path: Path, name: str) -> bool:
    return not name.lower().endswith(".npz") and zipfile.is_zipfile(path)


def _unpacked(archive: Path, folder: Path) -> list[tuple[Path, Path, str]]:
    """The clips of a zip, each in a folder of its own; the zip goes. Raises UnreadableClip, ClipTooLarge."""
    with UNZIPPING:
        inside = unzip_named(archive, archive.with_name("unpacked"), ZIP_LIMITS)
    clips = []
    for source, name in inside:
        place = folder / secrets.token_hex(8)
        place.mkdir()
        clips.append((place, source.rename(place / neutral_name(name)), name))
    shutil.rmtree(archive.parent, ignore_errors=True)
    return clips
