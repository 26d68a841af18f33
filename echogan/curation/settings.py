"""What `curate` can be told, and the reasons for which it leaves a file out."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path

from echogan.clips.clip import ClipLimits
from echogan.core.errors import ClipError, SettingsError
from echogan.core.scale import WORKING_SIZE

SPLITS = ("train", "val", "test")


class Reason(StrEnum):
    """Why a file is not in the shards, as the report says it."""

    NOT_A_CLIP = "not a clip or an image"
    UNREADABLE = "unreadable: damaged, cut off or encrypted"
    NOT_OPENED = "could not be opened: no permission, or the connection was lost"
    FAILED = "the program failed over it twice, or it took too long"
    TOO_LARGE = "over the limits on pixels, frames or bytes"
    NOT_TISSUE = "not two-dimensional ultrasound"
    COLOUR = "colour Doppler"
    STRIP = "spectral Doppler or M-mode"
    SEVERAL = "several regions"
    NO_FAN = "no fan found with enough confidence"
    TOO_SMALL = "too small"
    BLACK = "almost black"
    DUPLICATE = "duplicate of another file"
    UNGRADED = "ungraded"

    @property
    def lasting(self) -> bool:
        """Whether the file itself is the reason; else it is looked at again in the next run."""
        return self not in (Reason.NOT_OPENED, Reason.FAILED)


class LeftOut(ClipError):
    """A readable clip that has no place in the shards, and why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True)
class CurateSettings:
    """How an archive becomes shards. `check` raises SettingsError where a number is out of its range."""

    quality: Path | None = field(
        default=None,
        metadata={
            "help": "a CSV with the columns file, quality[, patient, split, spacing_mm]: one folder per quality"
        },
    )
    frames: int = field(default=4, metadata={"help": "consecutive frames per clip", "min": 1, "max": 64})
    size: int = field(
        default=WORKING_SIZE, metadata={"help": "pixels of the sector's longer side", "min": 32, "max": 1024}
    )
    workers: int = field(
        default=0, metadata={"help": "processes; 0 takes one per processor core", "min": 0, "max": 256}
    )
    seed: int = field(
        default=0, metadata={"help": "another seed, another split of the patients", "min": 0, "max": 2**31}
    )
    shares: tuple[float, float, float] = field(
        default=(0.8, 0.1, 0.1), metadata={"help": "shares of the patients in train, val and test"}
    )
    min_confidence: float = field(
        default=0.8,
        metadata={"help": "leave clips out whose fan's estimated IoU is less", "min": 0.0, "max": 1.0},
    )
    min_side: int = field(
        default=96,
        metadata={
            "help": "leave clips out whose sector has a shorter longer side in pixels",
            "min": 16,
            "max": 4096,
        },
    )
    salt: Path | None = field(
        default=None,
        metadata={
            "help": "file of the secret that hashes patients' ids, made where there is none; folders made with one "
            "and the same know a patient again; by default each folder has its own beside it, FOLDER.salt"
        },
    )
    name_left_out: bool = field(
        default=False,
        metadata={"help": "list the files left out by name in left_out.csv (names can identify patients)"},
    )

    def check(self) -> None:
        """Raise SettingsError, naming the range, unless every number is within it."""
        for setting in fields(self):
            value, low, high = (
                getattr(self, setting.name),
                setting.metadata.get("min"),
                setting.metadata.get("max"),
            )
            if low is not None and high is not None and not low <= value <= high:  # also catches NaN
                name = setting.name.replace("_", " ")
                raise SettingsError(f"The {name} is {value}; give a number from {low:g} to {high:g}.")
        if not (
            len(self.shares) == 3
            and all(0 <= s <= 1 for s in self.shares)
            and abs(sum(self.shares) - 1) < 1e-6
        ):
            raise SettingsError(
                "The shares must be three numbers of 0 or more that sum to 1, as in 0.8 0.1 0.1."
            )

    @property
    def processes(self) -> int:
        """How many worker processes to start."""
        if self.workers:
            return self.workers
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class ExamineSettings:
    """The part of the settings that a worker needs to look at one file."""

    frames: int = 4
    size: int = WORKING_SIZE
    min_confidence: float = 0.8
    min_side: int = 96
    limits: ClipLimits = field(default_factory=ClipLimits)
