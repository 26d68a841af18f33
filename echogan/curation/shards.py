"""The shard folder: index.csv and shard_0000.npz, ..., written whole or not at all, and rewritten without loss.

Arrays of a shard: frames uint8 (n, T, S, S), masks bool (n, S, S), fans float32 (n, 6), lengths int64 (n,).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np

from echogan.clips.formats.npz_writer import NpzStream
from echogan.core.atomic import write_whole
from echogan.core.errors import OutputError

INDEX = "index.csv"
CLIPS_PER_SHARD = 64
BYTES_PER_SHARD = 2**28  # one whole shard is in memory while it is made, and several during training
ARRAYS = ("frames", "masks", "fans", "lengths")

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class ShardRow:
    """One clip of index.csv. clip and patient are salted hashes; spacing_mm is that of the shard's pixels."""

    shard: str
    row: int
    clip: str
    patient: str
    quality: str
    split: str
    frames: int
    spacing_mm: str


COLUMNS = tuple(field.name for field in fields(ShardRow))


def read_index(folder: Path) -> list[ShardRow]:
    """The rows of index.csv, none if there is no index. Raises OutputError for a damaged one."""
    try:
        with (folder / INDEX).open(newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
        return [
            ShardRow(**{**line, "row": int(line["row"]), "frames": int(line["frames"])}) for line in lines
        ]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError, csv.Error):
        raise OutputError(f"{folder / INDEX} is damaged. Delete the folder and curate again.") from None


def write_index(folder: Path, rows: Iterable[ShardRow]) -> None:
    """Replace index.csv as a whole. Raises OutputError."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(astuple(row) for row in rows)
    write_whole(folder / INDEX, text.getvalue().encode())


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write an .npz that appears whole or not at all. Raises OutputError."""
    with NpzStream(path) as out:
        for name, values in arrays.items():
            out.put(name, values)


def read_arrays(path: Path) -> Arrays:
    """All arrays of a shard or of one clip's part. Raises OutputError for a damaged file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in ARRAYS}
    except Exception:  # numpy and zipfile may raise any exception on a damaged file
        raise OutputError(f"{path} is missing or damaged. Delete the folder and curate again.") from None


@dataclass(frozen=True)
class StoredClip:
    """Where the pixels of a clip are: a part file of its own (row 0), or a row of a shard."""

    path: Path
    row: int = 0


class RowReader:
    """Reads rows of many files and keeps the last file in memory: neighbouring rows cost one read."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._arrays: Arrays = {}

    def read(self, source: StoredClip) -> Arrays:
        """The arrays of one clip, without the first axis."""
        if source.path != self._path:
            self._arrays, self._path = read_arrays(source.path), source.path
        return {name: values[source.row] for name, values in self._arrays.items()}


def write_shards(folder: Path, sources: Sequence[StoredClip], first: int) -> Iterator[tuple[str, int]]:
    """Write clips into new shards numbered from `first`; yields (shard's name, row) of each, in order."""
    reader = RowReader()
    each = clips_per_shard(reader.read(sources[0])) if sources else 1
    for start in range(0, len(sources), each):
        clips = [reader.read(source) for source in sources[start : start + each]]
        name = shard_name(first + start // each)
        write_arrays(folder / name, {array: np.stack([clip[array] for clip in clips]) for array in ARRAYS})
        yield from ((name, row) for row in range(len(clips)))


def clips_per_shard(clip: Arrays) -> int:
    """How many clips with such arrays share a shard: CLIPS_PER_SHARD, or fewer if they are large."""
    return max(1, min(CLIPS_PER_SHARD, BYTES_PER_SHARD // sum(values.nbytes for values in clip.values())))


def shard_name(number: int) -> str:
    """shard_0000.npz for 0."""
    return f"shard_{number:04d}.npz"


def next_number(rows: Iterable[ShardRow]) -> int:
    """The first number that no shard of the index has."""
    return 1 + max((int(row.shard.removeprefix("shard_").removesuffix(".npz")) for row in rows), default=-1)


def remove_unlisted(folder: Path, rows: Iterable[ShardRow]) -> None:
    """Delete shards that the index does not name: left by a killed run, or emptied."""
    named = {row.shard for row in rows}
    for path in folder.glob("shard_*.npz"):
        if path.name not in named:
            with suppress(OSError):
                path.unlink()
