"""The maps of an enhanced clip as it streams by, and what is kept of them: summaries and mean images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from echogan.clips.sector.tint import LUMA
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
        self._tone: ToneCurve | None = None
        self._originals, self._results = _ColourSum(), _ColourSum()

    def add(self, chunk: Chunk) -> dict[str, np.ndarray]:
        """Take in the next chunk; returns its maps by name, float32 (n, h, w) in grey levels, some of them signed."""
        if self._tone is None:
            self._tone = clip_tone(chunk.x, chunk.g, self.space.tissue)
        frames = MapInput(chunk.x, chunk.y, chunk.g, chunk.cycled, self.space.tissue, self._tone)
        maps = {name: MAP_STYLES[name].compute(frames) for name in self.summaries}
        for name, summary in self.summaries.items():
            summary.add(maps[name])
        box = np.s_[:, *self.space.box]
        self._originals.add(chunk.original[box])
        self._results.add(chunk.enhanced[box])
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
            masked(self._originals.mean_luma, tissue),
            masked(self._results.mean_luma, tissue),
            {name: masked(s.mean_map, self.space.tissue) for name, s in self.summaries.items()},
            {name: s.curve for name, s in self.summaries.items()},
        )


class _ColourSum:
    """The sum of frames; their luma is taken of the mean, which costs a fraction of that of each frame."""

    def __init__(self):
        self._total, self._frames = np.zeros(()), 0

    def add(self, frames: np.ndarray) -> None:
        """The next frames, uint8 (n, H, W) or (n, H, W, 3)."""
        if not self._frames:
            self._total = np.zeros(frames.shape[1:])
        for frame in frames:
            cv2.accumulate(frame, self._total)
        self._frames += len(frames)

    @property
    def mean_luma(self) -> np.ndarray:
        """The mean, float64 (H, W)."""
        mean = self._total / self._frames
        return mean if mean.ndim == 2 else mean @ LUMA.astype(float)


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
