"""What a visitor sends becomes clips in the visitor's own folder, under neutral names; zips are unpacked."""

from __future__ import annotations

import re
import secrets
import shutil
import threading
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from echogan.core.errors import EchoGANError
from echogan.jobs.unzip import KEPT_SUFFIXES, UnzipLimits, is_bystander, unzip_named
from echogan.ui.error_words import sentence
from echogan.ui.session import Sessions

MOST_CLIPS = 32  # of a visitor
ZIP_LIMITS = UnzipLimits(entries=2000, entry_bytes=1 << 30, total_bytes=4 << 30)
UNZIPPING = threading.BoundedSemaphore(2)
PIXELS = (".raw", ".zraw")  # of a MetaImage, whose .mhd names them
NOT_SENT = "This file did not arrive on the server. Send it again."
TOO_MANY = f"A list holds at most {MOST_CLIPS} clips. Remove some, then send this one again."


@dataclass
class Received:
    """Clips as (the clip's own folder, its file, its name), and refused files as (name, sentence)."""

    clips: list[tuple[Path, Path, str]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


def receive(sessions: Sessions, folder: Path, files: Iterable[tuple[str, str]], room: int) -> Received:
    """Take files (path of the upload, name) into `folder`; at most `room` clips, the others are refused."""
    received, sent = Received(), list(files)
    pixels = _pixel_files(sent)
    for upload, name in sent:
        if is_bystander(name) or _last(name) in pixels:
            sessions.discard(upload)
            continue
        place = folder / secrets.token_hex(8)
        path = place / neutral_name(name)
        try:
            place.mkdir()
            sessions.take(upload, path)
            _take_pixels(sessions, path, pixels)
            found = _unpacked(path, folder) if _is_zip(path, name) else [(place, path, name)]
        except (OSError, EchoGANError) as error:
            why = NOT_SENT if isinstance(error, FileNotFoundError) else sentence(error)
            received.refused.append((name, why))
            shutil.rmtree(place, ignore_errors=True)
            continue
        for clip in found:
            if len(received.clips) < room:
                received.clips.append(clip)
            else:
                received.refused.append((clip[2], TOO_MANY))
                shutil.rmtree(clip[0], ignore_errors=True)
    return received


def _last(name: str) -> str:
    """The last part of a name, for comparing."""
    return PurePosixPath(name.replace("\\", "/")).name.lower()


def _pixel_files(files: list[tuple[str, str]]) -> dict[str, str]:
    """The uploads that hold the pixels of MetaImage headers among the files, by the last part of their names."""
    if not any(name.lower().endswith(".mhd") for _, name in files):
        return {}
    return {_last(name): upload for upload, name in files if _last(name).endswith(PIXELS)}


def _take_pixels(sessions: Sessions, header: Path, pixels: dict[str, str]) -> None:
    """Put the file that a MetaImage header names beside it, under the header's neutral name."""
    if header.suffix != ".mhd":
        return
    with header.open("rb") as file:
        named = re.search(rb"^ElementDataFile\s*=\s*(.*)$", file.read(1 << 16), re.M)
    name = _last(named[1].decode("latin-1").strip()) if named else ""
    if name in pixels:
        sessions.take(pixels[name], header.with_suffix(Path(name).suffix))


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
    headers = {source.with_suffix("") for source, _ in inside if source.suffix == ".mhd"}
    for source, name in inside:
        if source.suffix in PIXELS and source.with_suffix("") in headers:
            continue  # it goes with its header
        place = folder / secrets.token_hex(8)
        place.mkdir()
        if source.suffix == ".mhd":
            for pixels in filter(Path.exists, map(source.with_suffix, PIXELS)):
                pixels.rename(place / neutral_name(pixels.name))
        clips.append((place, source.rename(place / neutral_name(name)), name))
    shutil.rmtree(archive.parent, ignore_errors=True)
    return clips
