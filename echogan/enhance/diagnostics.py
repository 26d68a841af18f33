"""The maps of an enhanced clip as it streams by, and what is kept of them: summaries and mean images."""

from __future__ import annotations

import numpy as np

from echogan.clips.clip import grey
from echogan.core.geometry import Sector
from echogan.enhance.enhancer import Chunk
from echogan.enhance.working_space import WorkingSpace
from echogan.trust.map_figure import map_figure
from echogan.trust.map_styles import MAP_STYLES, MapInput
from echogan.trust.residuals import MapSummary


class Diagnoses:
    """The maps of each chunk, and their summaries by name; memory does not grow with the clip's length."""

    def __init__(self, space: WorkingSpace, frame_size: tuple[int, int]):
        self.space = space
        self.summaries = {name: MapSummary(space.tissue) for name in MAP_STYLES}
        self.frames = 0
        self._original = np.zeros(frame_size)
        self._enhanced = np.zeros(frame_size)

    def add(self, chunk: Chunk) -> dict[str, np.ndarray]:
        """Take in a chunk; returns its maps by name, float32 (n, h, w) in grey levels, some of them signed."""
        frames = MapInput(chunk.x, chunk.y, chunk.g, chunk.cycled, self.space.tissue)
        maps = {name: MAP_STYLES[name].compute(frames) for name in self.summaries}
        for name, summary in self.summaries.items():
            summary.add(maps[name])
        self.frames += len(chunk.x)
        self._original += grey(chunk.original).sum(axis=0, dtype=np.float64)
        self._enhanced += grey(chunk.enhanced).sum(axis=0, dtype=np.float64)
        return maps

    def figure(self, sector: Sector, caption: str) -> bytes:
        """The map figure as PNG bytes, everything masked to the tissue."""

        def masked(image: np.ndarray, mask: np.ndarray, box=np.s_[:, :]) -> np.ndarray:
            return np.where(mask, image, np.nan)[box]

        box, tissue = self.space.box, sector.tissue_mask
        images = {
            "mean original": masked(self._original / self.frames, tissue, box),
            "mean enhanced": masked(self._enhanced / self.frames, tissue, box),
        }
        maps = {name: masked(s.mean_map, self.space.tissue) for name, s in self.summaries.items()}
        return map_figure(images, maps, {name: s.curve for name, s in self.summaries.items()}, caption)
