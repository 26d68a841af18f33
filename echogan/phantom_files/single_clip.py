"""One simulated clip with chosen artefacts, as a file: the examples of the page are such clips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from echogan.phantom import PHANTOM_VERSION
from echogan.phantom.anatomy.heart import View
from echogan.phantom.render import phantom_clip
from echogan.phantom_files.files import write_grey
from echogan.phantom_files.pairs import PairSettings


@dataclass(frozen=True)
class SimulatedClip:
    """A degraded clip: the same as `python -m echogan phantom OUT --clips 1` makes with these settings."""

    view: View
    seed: int
    artefacts: tuple[str, ...]

    @property
    def file_name(self) -> str:
        """Another clip or another phantom has another name."""
        return "-".join(["phantom", PHANTOM_VERSION, self.view, str(self.seed), *self.artefacts]) + ".mp4"

    def write(self, path: Path, frames: int) -> None:
        """Render so many frames and write them, by the name's suffix. Raises OutputError."""
        settings = PairSettings(only_artefact=self.artefacts).phantom()
        clip = phantom_clip(self.seed, settings, frames, want=("degraded",), view=self.view)
        write_grey(path, clip, "degraded")
