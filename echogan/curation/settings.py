"""The settings of `curate`, and the reasons why it leaves a file out."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from echogan.clips.clip import ClipLimits
from echogan.core.errors import ClipError, SettingsError
from echogan.core.scale import WORKING_SIZE
from echogan.core.settings import check_settings, number, switch

SPLITS = ("train", "val", "test")


class Reason(StrEnum):
    """Why a file is not in the shards, in the words of the report."""

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
        """Whether the file itself is the reason; if not, the next run examines it again."""
        return self not in (Reason.NOT_OPENED, Reason.FAILED)


class LeftOut(ClipError):
    """A readable clip that has no place in the shards, and why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True)
class CurateSettings:
    """How an archive becomes shards. `check` raises SettingsError if a number is out of its range."""

    quality: Path | None = field(
        default=None,
        metadata={
            "help": "a CSV with the columns file, quality[, patient, split, spacing_mm]: one folder per quality"
        },
    )
    frames: int = number(4, "consecutive frames per clip", 1, 64)
    size: int = number(WORKING_SIZE, "pixels of the sector's longer side", 32, 1024)
    workers: int = number(0, "processes; 0 takes one per processor core", 0, 256)
    seed: int = number(0, "another seed, another split of the patients", 0, 2**31)
    shares: tuple[float, float, float] = field(
        default=(0.8, 0.1, 0.1), metadata={"help": "shares of the patients in train, val and test"}
    )
    min_confidence: float = number(0.8, "leave clips out whose fan's estimated IoU is less", 0.0, 1.0)
    min_side: int = number(96, "leave clips out whose sector has a shorter longer side in pixels", 16, 4096)
    salt: Path | None = field(
        default=None,
        metadata={
            "help": "file with the secret that hashes patient ids, created if missing; folders made with the same "
            "file recognise a patient in both; by default FOLDER.salt beside each folder"
        },
    )
    name_left_out: bool = switch(
        False, "list the files left out by name in left_out.csv (names can identify patients)"
    )

    def check(self) -> None:
        """Raise SettingsError, naming the setting and its range, unless every value can be used."""
        check_settings(self)
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
    """The part of the settings that a worker needs to examine one file."""

    frames: int = 4
    size: int = WORKING_SIZE
    min_confidence: float = 0.8
    min_side: int = 96
    limits: ClipLimits = field(default_factory=ClipLimits)
