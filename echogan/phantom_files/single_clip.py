"""One simulated clip with chosen artefacts beside its clean truth, as two files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from echogan.core.atomic import moving_into, output_errors
from echogan.phantom import PHANTOM_VERSION
from echogan.phantom.anatomy.heart import View
from echogan.phantom.render import phantom_clip
from echogan.phantom_files.files import write_grey
from echogan.phantom_files.pairs import PairSettings


@dataclass(frozen=True)
class SimulatedClip:
    """A clip and its truth: the same as `python -m echogan phantom OUT --clips 1` makes with these settings."""

    view: View
    seed: int
    artefacts: tuple[str, ...]

    @property
    def stem(self) -> str:
        """Another clip or another phantom has another name."""
        return "-".join(["phantom", PHANTOM_VERSION, self.view, str(self.seed), *self.artefacts])

    def file_name(self, kind: str) -> str:
        """The name of the "degraded" or the "clean" clip."""
        return f"{self.stem}_{kind}.mp4"

    @property
    def facts_name(self) -> str:
        """The name of the file with what a video cannot say."""
        return f"{self.stem}.json"

    def write(self, folder: Path, frames: int) -> None:
        """Render so many frames and write both clips and the size of a pixel, or none of them. Raises OutputError."""
        settings = PairSettings(only_artefact=self.artefacts).phantom()
        clip = phantom_clip(self.seed, settings, frames, want=("degraded", "clean"), view=self.view)
        with output_errors(folder), moving_into(folder) as part:
            for kind in ("degraded", "clean"):
                write_grey(part / self.file_name(kind), clip, kind)
            facts = {"spacing_mm": float(clip.truth["spacing_mm"])}
            (part / self.facts_name).write_text(json.dumps(facts) + "\n", encoding="utf-8")
