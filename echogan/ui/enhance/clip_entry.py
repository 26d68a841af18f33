"""One clip in a visitor's list: what is known of it, its streams of frames, its work and its result."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from echogan.clips.clip import ClipFile
from echogan.core.geometry import Sector
from echogan.enhance.stored_result import StoredResult
from echogan.enhance.tile_layout import TileLayout
from echogan.model.checkpoints.checkpoint import Checkpoint
from echogan.ui.enhance.fair_queue import Job

KEPT_EXPORTS = 3  # of a clip


@dataclass
class Stream:
    """A folder of tiles, and how many of its frames are there."""

    folder: Path
    ready: int = 0


@dataclass(frozen=True)
class ClipSector:
    """A sector of a clip, found or given by hand; `mask` is a PNG of the frame's size, 255 where there is tissue."""

    sector: Sector
    mask: Path | None
    given: bool = False


@dataclass(frozen=True)
class OpenedClip:
    """What is kept of a clip that was opened. The visitors who look at one example share it."""

    clip: ClipFile
    found: ClipSector
    thumb: Path
    tags: list[tuple[str, str]]
    original: Stream
    truth: Stream | None = None


@dataclass(eq=False)
class ClipResult:
    """A result while it is made, and after it; `stored` is None until all pictures and maps are there.

    maps, flags  the streams beside that of the pictures; flags come last
    thresholds   amber and red of the calibration, in [0, 1]; None without one
    checked      frames that flags and trust card have taken in; None while that is not going on
    """

    folder: Path
    sector: Sector
    layout: TileLayout
    checkpoint: Checkpoint
    device: str
    tiles: Stream
    maps: Stream
    flags: Stream
    stored: StoredResult | None = None
    thresholds: tuple[float, float] | None = None
    shared: bool = False  # of an example: it stays when its visitor leaves
    checked: int | None = None

    def made_by(self, model: str) -> bool:
        """Whether the model that a visitor calls so made it."""
        source = str(self.checkpoint.source)
        return source == model or source.startswith(f"{model}@")

    def is_as_by(self, other: Checkpoint) -> bool:
        """Whether another checkpoint would make the same result: weights alone do not decide it."""
        mine, its = self.checkpoint.config, other.config
        same = all(getattr(mine, name) == getattr(its, name) for name in ("working_size", "canonical_grey"))
        return same and mine.applied == its.applied and self.checkpoint.sha256 == other.sha256


@dataclass(eq=False)
class ClipEntry:
    """A clip in the list. Changed only with the workplace's lock held.

    name      as the visitor sent it; only that visitor sees it
    example   the name of the example that it is, else ""
    opened    None until it is opened
    refused   why it cannot be used, else ""
    failed    why the last enhancing failed, else ""
    wanted    the model to enhance it with as soon as it is opened, else None
    model     the model that was last asked for
    shown     the result that the page shows; `before` is the one to go back to while `shown` is being made
    second    the same clip with a second model, to compare; it stands in no list, and shares folder and `closing`
    old       folders of results that were replaced; an export may still read them
    rev       grows when the page should ask for the details again
    closing   set when the clip is removed
    """

    id: str
    name: str
    path: Path
    folder: Path
    example: str = ""
    opened: OpenedClip | None = None
    sector: ClipSector | None = None
    blackout: bool = False
    refused: str = ""
    failed: str = ""
    wanted: str | None = None
    job: Job | None = None
    working: str = ""
    model: str = ""
    shown: ClipResult | None = None
    before: ClipResult | None = None
    second: ClipEntry | None = None
    rev: int = 0
    old: list[Path] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def state(self) -> str:
        """The word that the page shows beside it."""
        if self.refused:
            return "refused"
        if self.opened is None:
            return "opening"
        if self.job is not None:
            if not self.job.running:
                return "queued"
            return "enhancing" if self.shown is None or self.shown.checked is None else "checking"
        if self.failed:
            return "failed"
        return "ready" if self.result is None else "done"

    @property
    def both(self) -> list[ClipEntry]:
        """The clip, and with it its second where it has one: whose work is stopped together."""
        return [self] if self.second is None else [self, self.second]

    def go_back(self) -> None:
        """The result that is being made is not wanted: show the one before."""
        if self.shown is not None and self.shown.stored is None:
            self.shown, self.before = self.before, None
        self.rev += 1

    @property
    def result(self) -> StoredResult | None:
        """The result whose pictures and maps are complete, for exports."""
        if self.shown is not None and self.shown.stored is not None:
            return self.shown.stored
        return self.before.stored if self.before is not None else None


@dataclass(eq=False)
class Export:
    """A file that a visitor asked for, or that is being made."""

    id: str
    clips: list[str]
    kind: str
    label: str
    folder: Path
    state: str = "making"
    progress: float = 0.0
    error: str = ""
    file: Path | None = None
    job: Job | None = None


@dataclass(eq=False)
class Visit:
    """A visitor's workspace.

    used   time.monotonic() of the last sign of life
    left   when the last page of it was closed; None while one is open
    pages  session hashes of the pages that show it
    folder None until something has to be kept
    address where its first page was opened from
    asked  how often its pages asked for news
    """

    token: str
    used: float
    left: float | None = None
    pages: set[str] = field(default_factory=set)
    folder: Path | None = None
    clips: dict[str, ClipEntry] = field(default_factory=dict)
    exports: dict[str, Export] = field(default_factory=dict)
    address: str = ""
    asked: int = 0

    def compared_with(self, entry: ClipEntry) -> ClipResult | None:
        """The result beside which a second one is made; None for a clip of the list, and while there is none."""
        first = self.clips.get(entry.id)
        if first is None or first.second is not entry or first.shown is None:
            return None
        return first.shown if first.shown.made_by(first.model) else None
