"""Unpack an uploaded zip of clips: confined to one folder, within limits, under neutral names."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from echogan.core.atomic import replacing
from echogan.core.errors import ClipTooLarge, UnreadableClip
from echogan.core.settings import check_settings, number

CHUNK = 1 << 20
RATIO_FROM = 16 << 20  # bytes: below this size any compression ratio is allowed, as that of a black clip
LOCAL_HEADER = 30  # bytes before an entry's name and data
KEPT_SUFFIXES = frozenset(
    (
        ".dcm",
        ".mp4",
        ".mov",
        ".avi",
        ".mkv",
        ".webm",
        ".gif",
        ".png",
        ".jpg",
        ".jpeg",
        ".bmp",
        ".tif",
        ".tiff",
        ".npz",
        ".nii",
        ".gz",
        ".mha",
        ".mhd",
        ".raw",
        ".zraw",
    )
)
PAIRED = frozenset({".mhd", ".raw", ".zraw"})  # a header and its pixels: they keep sharing a name
BYSTANDERS = frozenset({"__macosx", "thumbs.db", "desktop.ini", "dicomdir"})

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class UnzipLimits:
    """How much a zip may hold; sizes are counted while unpacking, because its own table may be wrong."""

    entries: int = number(20_000, "files", 1, 1_000_000)
    entry_bytes: int = number(2 << 30, "bytes of one file", 1, 1 << 40)
    total_bytes: int = number(20 << 30, "bytes of all", 1, 1 << 42)
    ratio: float = number(200.0, "unpacked over packed", 1.0, 1e6)


def unzip(
    archive: Path, target: Path, limits: UnzipLimits | None = None, progress: Progress | None = None
) -> int:
    """Unpack every clip of `archive` into the new folder `target`, as `unzip_named`; returns how many there were."""
    return len(unzip_named(archive, target, limits, progress))


def unzip_named(
    archive: Path, target: Path, limits: UnzipLimits | None = None, progress: Progress | None = None
) -> list[tuple[Path, str]]:
    """Unpack every clip of `archive` into the new folder `target`: each file's place, and its name in the archive.

    Names may be those of patients, so files become clip_00001.dcm and folders folder_0001; files that share a folder
    still do. Files of the topmost folder lie in `target` itself: to `curate` a folder is a patient, but the topmost is
    not. Raises UnreadableClip and ClipTooLarge, and then leaves nothing behind; SettingsError if a limit is out of
    range.
    """
    limits = limits or UnzipLimits()
    check_settings(limits)
    try:
        with zipfile.ZipFile(archive) as opened, replacing(target) as part:
            wanted = checked(opened, limits)
            part.mkdir(parents=True)
            places = unpack(opened, wanted, part, limits, progress or (lambda done, total: None))
            shutil.rmtree(target, ignore_errors=True)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeError):
        raise UnreadableClip(
            "The zip is damaged, encrypted or packed in a rare way. Pack the clips again as a plain zip."
        ) from None
    except OSError as error:
        raise UnreadableClip(
            f"The zip cannot be unpacked ({error.strerror or 'unreadable'}). Free some space, or send it again."
        ) from None
    return [
        (target / place.relative_to(part), path_of(entry))
        for place, entry in zip(places, wanted, strict=True)
    ]


def checked(opened: zipfile.ZipFile, limits: UnzipLimits) -> list[zipfile.ZipInfo]:
    """The entries to unpack. Raises if one points outside or is a link, or if there are too many or none."""
    entries = opened.infolist()
    if len(entries) > limits.entries:
        raise ClipTooLarge(
            f"The zip holds {len(entries):,} entries, and {limits.entries:,} is the limit. Send fewer clips."
        )
    for entry in entries:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if escapes(entry.orig_filename) or escapes(entry.filename):
            raise UnreadableClip(
                "The zip holds a file whose name leads outside its folder. Pack the clips again, from within "
                "their folder."
            )
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise UnreadableClip(
                "The zip holds a link or a device. Pack the clips themselves, not links to them."
            )
    wanted = [
        entry for entry in entries if not path_of(entry).endswith("/") and not is_bystander(path_of(entry))
    ]
    if not wanted:
        raise UnreadableClip("The zip holds no clips. Pack DICOM, video or image files.")
    if sum(entry.file_size for entry in wanted) > limits.total_bytes:
        raise too_much(limits)
    refuse_overlap(entries)
    return wanted


def refuse_overlap(entries: list[zipfile.ZipInfo]) -> None:
    """Raise UnreadableClip where entries share packed bytes: so a small zip can hold any number of large files."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            raise UnreadableClip("The files of the zip overlap. Pack the clips again as a plain zip.")
        end = entry.header_offset + LOCAL_HEADER + entry.compress_size


def path_of(entry: zipfile.ZipInfo) -> str:
    """An entry's path with "/" between folders: some programs write "\\"."""
    return entry.filename.replace("\\", "/")


def escapes(name: str) -> bool:
    """Whether a name is absolute, leads upwards, names a drive, or is no valid name."""
    path = name.replace("\\", "/")
    return path.startswith("/") or ".." in path.split("/") or path[1:2] == ":" or "\0" in path


def is_bystander(name: str) -> bool:
    """Whether a file is not a clip: hidden, or what macOS, Windows and DICOM discs put beside clips."""
    parts = PurePosixPath(name).parts
    return any(part.startswith(".") or part.lower() in BYSTANDERS for part in parts)


def unpack(
    opened: zipfile.ZipFile,
    wanted: list[zipfile.ZipInfo],
    folder: Path,
    limits: UnzipLimits,
    progress: Progress,
) -> list[Path]:
    """Write the entries under neutral names; where each lies. Raises ClipTooLarge as soon as a limit is passed."""
    parents = [PurePosixPath(path_of(entry)).parent.as_posix() for entry in wanted]
    folders = {os.path.commonpath(parents) or ".": folder}
    # The floor is one for the whole zip, too: many small files of any ratio would fill the disk as well.
    most = min(
        limits.total_bytes, max(RATIO_FROM, int(limits.ratio * Path(opened.filename or "").stat().st_size))
    )
    total, places = 0, []
    numbers: dict[str, int] = {}
    for index, (entry, parent) in enumerate(zip(wanted, parents, strict=True), 1):
        path = PurePosixPath(path_of(entry))
        place = folders.setdefault(parent, folder / f"folder_{len(folders):04d}")
        place.mkdir(exist_ok=True)
        suffix = path.suffix.lower() if path.suffix.lower() in KEPT_SUFFIXES else ""
        number = numbers.setdefault(path.with_suffix("").as_posix(), index) if suffix in PAIRED else index
        room = min(limits.entry_bytes, most - total)
        room = min(room, max(RATIO_FROM, int(limits.ratio * max(1, entry.compress_size))))
        places.append(place / f"clip_{number:05d}{suffix}")
        total += copy(opened, entry, places[-1], room, limits)
        progress(index, len(wanted))
    return places


def copy(
    opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, room: int, limits: UnzipLimits
) -> int:
    """Write one entry of at most `room` bytes; returns its size. Raises ClipTooLarge."""
    size = 0
    with opened.open(entry) as source, target.open("xb") as out:
        while chunk := source.read(CHUNK):
            size += len(chunk)
            if size > room:
                raise too_much(limits)
            out.write(chunk)
    return size


def too_much(limits: UnzipLimits) -> ClipTooLarge:
    """The error for a zip that unpacks to too much."""
    return ClipTooLarge(
        f"The zip unpacks to more than is allowed ({limits.total_bytes / 2**30:.3g} GB in all, "
        f"{limits.entry_bytes / 2**30:.3g} GB a file, {limits.ratio:.0f} times its packed size). Send fewer clips, or "
        "give their folder on the server."
    )
