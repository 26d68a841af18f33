"""Shard folders of real clips, as `echogan curate` writes them, read with numpy alone."""

from __future__ import annotations

import csv
import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from echogan.core.errors import TrainingError
from echogan.core.geometry import Fan
from echogan.model.networks.frames import FRAME_MS

INDEX, ABOUT = "index.csv", ".curate.json"
COLUMNS = {"shard", "row", "clip", "patient", "split"}
ARRAYS = ("frames", "masks", "fans", "lengths")
TIMING = "frame_ms"  # float (n,); older shards lack it


@dataclass(frozen=True)
class ShardClip:
    """frames uint8 (T, S, S), mask bool (S, S); the fan in pixels, None without one; duration of a frame in ms."""

    frames: Tensor
    mask: Tensor
    fan: Fan | None
    frame_ms: float = FRAME_MS


@dataclass(frozen=True)
class Shards:
    """The clips of one split of a shard folder; picklable. `rows` are (shard's file name, row) pairs.

    `salt` identifies the secret that patients are hashed with; empty if the folder does not say.
    """

    folder: Path
    split: str
    rows: tuple[tuple[str, int], ...]
    patients: frozenset[str]
    salt: str = ""

    def __len__(self) -> int:
        return len(self.rows)

    def clip(self, index: int, frames: int) -> ShardClip:
        """The clip's first `frames` frames, or all if it has fewer. Raises TrainingError for a damaged shard."""
        name, row = self.rows[index]
        arrays = _arrays(self.folder / name)
        if row >= len(arrays["frames"]):
            raise TrainingError(f"{self.folder / name} has no row {row}. Run python -m echogan curate again.")
        count = min(frames, int(arrays["lengths"][row]))
        fan = arrays["fans"][row].astype(float).tolist()
        frame_ms = float(arrays[TIMING][row]) if TIMING in arrays else 0.0
        return ShardClip(
            torch.from_numpy(arrays["frames"][row, :count].copy()),
            torch.from_numpy(arrays["masks"][row].copy()),
            None if np.isnan(fan).any() else Fan((fan[0], fan[1]), *fan[2:]),
            frame_ms if 0 < frame_ms < np.inf else FRAME_MS,
        )

    def comparable(self, other: Shards) -> bool:
        """Whether both folders hash patients alike, so that their patients can be compared."""
        return not (self.salt and other.salt) or self.salt == other.salt

    def facts(self) -> dict[str, Any]:
        """Counts, and a hash of the contents; no names, because a folder may be named after a patient or hospital."""
        listed = "\n".join(sorted(f"{name},{row}" for name, row in self.rows))
        index = (self.folder / INDEX).read_bytes()
        digest = hashlib.sha256(index + listed.encode()).hexdigest()[:12]
        return {
            "shards": digest,
            "split": self.split,
            "clips": len(self.rows),
            "patients": len(self.patients),
        }


def open_shards(folder: Path, split: str = "train", with_fan: bool = False) -> Shards:
    """The clips of a split; `with_fan` leaves out those without a fan.

    Raises TrainingError if the folder holds no shards or none of that kind.
    """
    try:
        with (folder / INDEX).open(newline="") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise TrainingError(
            f"{folder} holds no shards. Make them with: python -m echogan curate ARCHIVE {folder}"
        ) from None
    if not lines or not set(lines[0]) >= COLUMNS:
        raise TrainingError(f"{folder / INDEX} lists no clips. Run python -m echogan curate again.")
    kept = [line for line in lines if line["split"] == split]
    try:
        rows = [(_file(line["shard"]), int(line["row"])) for line in kept]
    except (ValueError, AttributeError, TypeError):  # also for a line that was cut off
        raise TrainingError(f"{folder / INDEX} is damaged. Run python -m echogan curate again.") from None
    if with_fan:
        has = [_has_fan(folder / name, row) for name, row in rows]
        rows = [row for row, fan in zip(rows, has, strict=True) if fan]
        kept = [line for line, fan in zip(kept, has, strict=True) if fan]
    if not rows:
        kind = " with a fan" if with_fan else ""
        raise TrainingError(
            f"{folder} has no {split} clips{kind}. Curate more clips, or choose other --shares."
        )
    return Shards(folder, split, tuple(rows), frozenset(line["patient"] for line in kept), _salt(folder))


def _has_fan(path: Path, row: int) -> bool:
    fans = _arrays(path)["fans"]
    if not 0 <= row < len(fans):
        raise TrainingError(f"{path} has no row {row}. Run python -m echogan curate again.")
    return not np.isnan(fans[row]).any()


def has_split(folder: Path, split: str) -> bool:
    """Whether the folder's index lists clips of that split."""
    try:
        with (folder / INDEX).open(newline="") as file:
            return any(line.get("split") == split for line in csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        return False


def _salt(folder: Path) -> str:
    """The salt's identity from what curate wrote beside the index, or above it if each grade has a folder."""
    for about in (folder / ABOUT, folder.parent / ABOUT):
        with suppress(OSError, ValueError, AttributeError):
            return str(json.loads(about.read_text()).get("salt") or "")
    return ""


def _file(shard: str) -> str:
    """The file name of a shard given by number or by name; never a path that leaves the folder."""
    name = f"shard_{int(shard):04d}.npz" if shard.isdigit() else shard
    if Path(name).name != name:
        raise ValueError(name)
    return name


@lru_cache(maxsize=16)
def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in (*ARRAYS, *{TIMING}.intersection(file.files))}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        raise TrainingError(
            f"The shard {path} is missing or damaged. Run python -m echogan curate again."
        ) from None
