"""What is to be done with every file of an archive, and a request for one of them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from echogan.archive.sources import Source
from echogan.clips.clip import ClipLimits
from echogan.clips.write_options import WriteOptions
from echogan.core.version import __version__
from echogan.enhance.enhancer import EnhanceSettings
from echogan.enhance.outputs import Outputs

THUMBNAILS = "thumbnails"


@dataclass(frozen=True)
class ArchiveJob:
    """How to enhance an archive.

    model    as `load_checkpoint` takes it; sha256 of its weights
    settings the backend is one that is named, so that it is the same on every node and after every interruption
    sector   a fan by hand as `Fan.parse` takes it, for every clip
    suffix   of the enhanced clips, as ".mp4"; "" for folders of PNG files
    memory   bytes that a worker process may hold
    """

    model: str
    sha256: str
    settings: EnhanceSettings
    limits: ClipLimits
    write: WriteOptions
    sector: str | None
    suffix: str
    memory: int

    def decides(self) -> dict[str, Any]:
        """What decides the results, in words: a folder holds the results of one such job."""
        return {
            "model": self.sha256,
            "strength": self.settings.strength,
            "grey curve": self.settings.grey_curve,
            "working size": self.settings.working_size,
            "backend": self.settings.backend,
            "trust card": self.settings.trust,
            "choice to keep the original": self.settings.keep_original,
            "way of writing": asdict(self.write),
            "sector": self.sector,
            "format": self.suffix,
            "limits": asdict(self.limits),
            "version": __version__,
        }

    def request(self, source: Source, out: Path) -> str:
        """The line that asks a worker for one file."""
        return json.dumps(
            {"path": str(source.path), "name": source.name, "out": str(out), "job": asdict(self)}
        )

    @staticmethod
    def of(asked: dict[str, Any]) -> ArchiveJob:
        """The job of a request."""
        parts = {"settings": EnhanceSettings, "limits": ClipLimits, "write": WriteOptions}
        return ArchiveJob(**asked | {name: kind(**asked[name]) for name, kind in parts.items()})


def outputs_of(name: str, out: Path, suffix: str) -> Outputs:
    """Where the results of one file go."""
    return Outputs(
        clips=[out / f"{name}{suffix}"],
        report=out / f"{name}.json",
        thumbnail=out / THUMBNAILS / f"{name}.png",
    )
