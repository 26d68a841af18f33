"""The maps of an enhanced clip as it streams by, and what is kept of them: summaries and mean images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from echogan.clips.clip import grey
from echogan.core.geometry import Sector
from echogan.enhance.chunk import Chunk
from echogan.enhance.working_space import WorkingSpace
from echogan.trust.map_figure import map_figure
from echogan.trust.map_styles import MAP_STYLES, MapInput, clip_tone
from echogan.trust.maps.tone import ToneCurve
from echogan.trust.residuals import MapSummary


class Diagnoses:
    """The maps of each chunk, and their summaries by name; memory does not grow with the clip's length."""

    def __init__(self, space: WorkingSpace):
        self.space = space
        self.summaries = {name: MapSummary(space.tissue) for name in MAP_STYLES}
        self.frames = 0
        self._tone: ToneCurve | None = None
        self._original = np.zeros(space.box_size)
        self._enhanced = np.zeros(space.box_size)

    def add(self, chunk: Chunk) -> dict[str, np.ndarray]:
        """Take in the next chunk; returns its maps by name, float32 (n, h, w) in grey levels, some of them signed."""
        if self._tone is None:
            self._tone = clip_tone(chunk.x, chunk.g, self.space.tissue)
        frames = MapInput(chunk.x, chunk.y, chunk.g, chunk.cycled, self.space.tissue, self._tone)
        maps = {name: MAP_STYLES[name].compute(frames) for name in self.summaries}
        for name, summary in self.summaries.items():
            summary.add(maps[name])
        self.frames += len(chunk.x)
        box = np.s_[:, *self.space.box]
        self._original += grey(chunk.original[box]).sum(axis=0, dtype=np.float64)
        self._enhanced += grey(chunk.enhanced[box]).sum(axis=0, dtype=np.float64)
        return maps

    def figure(self, sector: Sector, caption: str) -> bytes:
        """The map figure as PNG bytes, everything masked to the tissue."""
        return self.figure_data(sector).draw(caption)

    def figure_data(self, sector: Sector) -> FigureData:
        """What the figure is drawn from, everything masked to the tissue."""

        def masked(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
            return np.where(mask, image, np.nan).astype(np.float32)

        tissue = sector.tissue_mask[self.space.box]
        return FigureData(
            masked(self._original / self.frames, tissue),
            masked(self._enhanced / self.frames, tissue),
            {name: masked(s.mean_map, self.space.tissue) for name, s in self.summaries.items()},
            {name: s.curve for name, s in self.summaries.items()},
        )


@dataclass(frozen=True)
class FigureData:
    """What a map figure is drawn from; arrays are float32 in grey levels, NaN outside the tissue.

    original, enhanced   means over time (H, W) of the sector's box
    maps                 name in MAP_STYLES -> mean of its absolute values (h, w)
    curves               name in MAP_STYLES -> one mean per frame
    """

    original: np.ndarray
    enhanced: np.ndarray
    maps: dict[str, np.ndarray]
    curves: dict[str, list[float]]

    def at(self, strength: float) -> FigureData:
        """The same of a weaker result, where this one is at full strength; rounding of single frames left aside."""
        shares = {name: strength if MAP_STYLES[name].follows_strength else 1.0 for name in self.maps}
        return FigureData(
            self.original,
            self.original + np.float32(strength) * (self.enhanced - self.original),
            {name: np.float32(shares[name]) * image for name, image in self.maps.items()},
            {name: [shares[name] * value for value in curve] for name, curve in self.curves.items()},
        )

    def draw(self, caption: str) -> bytes:
        """The figure as PNG bytes."""
        images = {"mean original": self.original, "mean enhanced": self.enhanced}
        return map_figure(images, self.maps, dict(self.curves), caption)

    def save(self, path: Path) -> None:
        """Write the arrays; the curves are in the report. Raises OSError."""
        maps: dict[str, Any] = {f"map_{name}": image for name, image in self.maps.items()}
        np.savez(path, original=self.original, enhanced=self.enhanced, **maps)

    @classmethod
    def load(cls, path: Path, curves: dict[str, list[float]]) -> FigureData:
        """What `save` wrote, with the curves of the report. Raises OSError."""
        with np.load(path) as arrays:
            maps = {name: arrays[f"map_{name}"] for name in curves}
            return cls(arrays["original"], arrays["enhanced"], maps, curves)
