"""A sample of a clip's frames, decoded once: its sector, its preview and its grey levels are all taken from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from echogan.clips.clip import Clip, ClipFile
from echogan.clips.sector.bounds import Bounds, box_mask
from echogan.clips.sector.overlay import ClipStatistics
from echogan.clips.sector.trace import find_trace

SAMPLES = 40
MAX_SAMPLE_BYTES = 400_000_000
NO_BOUNDS = Bounds()


@dataclass(frozen=True, eq=False)
class ClipSample:
    """Frames spread evenly over a clip, and what is computed from them on first use.

    frames    uint8 (n, H, W) or (n, H, W, 3); the first is the clip's first
    bounds    where the DICOM header says that tissue is
    pixel_aspect   as of ClipFile
    """

    frames: np.ndarray
    bounds: Bounds = NO_BOUNDS
    pixel_aspect: float = 1.0

    @classmethod
    def of(cls, clip: ClipFile | Clip, count: int = SAMPLES) -> ClipSample:
        """Decode at most `count` frames, fewer of huge ones. Raises UnreadableClip."""
        if isinstance(clip, ClipFile):
            stretch = max(clip.pixel_aspect, 1 / clip.pixel_aspect)  # the sector is found on square pixels
            size = int(clip.height * clip.width * (3 if clip.color else 1) * stretch)
            frames = clip.sample(min(count, max(3, MAX_SAMPLE_BYTES // size)))
            return cls(frames, _bounds(clip), clip.pixel_aspect)
        wanted = np.linspace(0, len(clip.frames) - 1, min(count, len(clip.frames))).round().astype(int)
        return cls(clip.frames[wanted])

    @cached_property
    def statistics(self) -> ClipStatistics:
        """Per-pixel statistics over time."""
        panes = [box_mask(box, self.frames.shape[1:3]) for box in self.bounds.panes]
        return ClipStatistics.of(self.frames, np.any(panes, axis=0) if panes else None)

    @cached_property
    def trace(self) -> np.ndarray:
        """Pixels that an ECG trace covers: bool (H, W)."""
        return find_trace(self.frames, self.statistics)

    @property
    def nbytes(self) -> int:
        """Memory in bytes, with the statistics and the trace, 18 bytes a pixel."""
        height, width = self.frames.shape[1:3]
        return self.frames.nbytes + 18 * height * width


def _bounds(clip: ClipFile) -> Bounds:
    return NO_BOUNDS if clip.rescaled else Bounds(clip.regions, clip.strips)
