"""Put the kept clips into shard folders; clips that are already in a shard stay there where possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from echogan.core.errors import OutputError
from echogan.curation.shards import (
    INDEX,
    RowReader,
    ShardRow,
    StoredClip,
    next_number,
    read_index,
    remove_unlisted,
    write_arrays,
    write_index,
    write_shards,
)


@dataclass(frozen=True)
class Placed:
    """A clip and the folder it belongs in; `row` is its line of the index, whose shard and row are set later."""

    folder: Path
    row: ShardRow


def shard_folders(out: Path) -> list[Path]:
    """The folders below and at `out` that have an index."""
    return [
        folder
        for folder in (out, *sorted(p for p in out.iterdir() if p.is_dir()))
        if (folder / INDEX).exists()
    ]


def stored(out: Path, parts: Path) -> dict[str, StoredClip]:
    """Where the pixels of each clip are, by its hash: in a part file, else in a row of a shard."""
    places: dict[str, StoredClip] = {}
    reader = RowReader()
    for folder in shard_folders(out):
        places |= {row.clip: StoredClip(folder / row.shard, row.row) for row in read_index(folder)}
    for path in sorted(parts.glob("*.npz")):
        part, place = StoredClip(path), places.get(path.stem)
        try:
            pixels = RowReader().read(part)
        except OutputError:  # power failed before it was on the disk: its file is examined again
            path.unlink()
            continue
        # A kill between writing the index and removing the parts leaves both; the row then has the same pixels.
        if place is None or not _same(reader.read(place), pixels):
            places[path.stem] = part
    return places


def _same(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> bool:
    return all(np.array_equal(a[name], b[name], equal_nan=name == "fans") for name in a)


def assemble(out: Path, parts: Path, clips: Sequence[Placed], places: Mapping[str, StoredClip]) -> None:
    """Make the shard folders below `out` hold exactly these clips. Raises OutputError.

    All new shards are written first, then every index; last, files that no index names are deleted. If the process is
    killed at any moment, each folder is complete, as it was or as it will be, and the next run finishes the work.
    """
    places = {**places, **_set_aside(parts, clips, places)}
    folders = dict.fromkeys([*shard_folders(out), *(clip.folder for clip in clips)])
    indices = {
        folder: _shards(folder, [c.row for c in clips if c.folder == folder], places) for folder in folders
    }
    for folder, rows in indices.items():
        if rows:
            write_index(folder, rows)
        else:
            (folder / INDEX).unlink(missing_ok=True)
    for folder, rows in indices.items():
        remove_unlisted(folder, rows)
        if not rows and folder != out:
            with suppress(OSError):
                folder.rmdir()
    for path in parts.glob("*.npz"):
        path.unlink()


def _set_aside(
    parts: Path, clips: Sequence[Placed], places: Mapping[str, StoredClip]
) -> dict[str, StoredClip]:
    """Write a part for each clip that changes folders: while the indices are replaced, it may be in neither."""
    reader, aside = RowReader(), {}
    for clip in clips:
        place = places[clip.row.clip]
        if place.path.parent not in (parts, clip.folder):
            aside[clip.row.clip] = StoredClip(parts / f"{clip.row.clip}.npz")
            arrays = reader.read(place)
            write_arrays(aside[clip.row.clip].path, {name: values[None] for name, values in arrays.items()})
    return aside


def _shards(folder: Path, wanted: Sequence[ShardRow], places: Mapping[str, StoredClip]) -> list[ShardRow]:
    """The folder's index as it will be, sorted by place; shards that lost or changed a clip are rewritten."""
    before = read_index(folder)
    wanted_clips = {row.clip for row in wanted}
    broken = {
        row.shard
        for row in before
        if row.clip not in wanted_clips or places[row.clip] != StoredClip(folder / row.shard, row.row)
    }
    staying = {row.clip: (row.shard, row.row) for row in before if row.shard not in broken}
    moving = [row.clip for row in wanted if row.clip not in staying]
    written = write_shards(folder, [places[clip] for clip in moving], next_number(before))
    staying |= dict(zip(moving, written, strict=True))
    rows = [replace(row, shard=staying[row.clip][0], row=staying[row.clip][1]) for row in wanted]
    return sorted(rows, key=lambda row: (row.shard, row.row))
