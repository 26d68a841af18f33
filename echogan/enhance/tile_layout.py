"""Where the parts of a result stand in its tiles: the enhanced sector, and under it the maps side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from echogan.enhance.enhancer import PreparedClip
from echogan.trust.map_styles import MAP_STYLES


@dataclass(frozen=True)
class TileLayout:
    """All in pixels.

    box       (left, top, right, bottom) of the sector's bounding box in the clip's frame
    color     whether the enhanced frames are (h, w, 3)
    map_size  (height, width) of a map in the working space
    maps      names of MAP_STYLES, from left to right
    """

    box: tuple[int, int, int, int]
    color: bool
    map_size: tuple[int, int]
    maps: tuple[str, ...]

    @classmethod
    def of(cls, prepared: PreparedClip) -> TileLayout:
        """The layout of a clip's result."""
        top, left, bottom, right = prepared.sector.box
        return cls((left, top, right, bottom), prepared.clip.color, prepared.space.size, tuple(MAP_STYLES))

    @property
    def enhanced(self) -> tuple[int, int, int, int]:
        """(x, y, width, height) of the enhanced sector in the tile."""
        left, top, right, bottom = self.box
        return 0, 0, right - left, bottom - top

    def map_place(self, name: str) -> tuple[int, int, int, int]:
        """(x, y, width, height) of a map in the tile."""
        height, width = self.map_size
        return self.maps.index(name) * width, self.enhanced[3], width, height

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of a tile."""
        height, width = self.map_size
        return max(self.enhanced[2], len(self.maps) * width), self.enhanced[3] + height

    def tile(self, enhanced: np.ndarray, maps: dict[str, np.ndarray]) -> np.ndarray:
        """One tile, uint8, of an enhanced box (h, w[, 3]) and of each map float32 (h', w') in grey levels."""
        width, height = self.size
        made = np.zeros((height, width, *enhanced.shape[2:]), np.uint8)
        made[_part(self.enhanced)] = enhanced
        for name, values in maps.items():
            codes = MAP_STYLES[name].codes(values)
            made[_part(self.map_place(name))] = codes[..., None] if self.color else codes
        return made

    def enhanced_box(self, tile: np.ndarray) -> np.ndarray:
        """The enhanced box of a tile: uint8 (h, w[, 3]); a tile without colour may be (H, W) where the clip is not."""
        box = tile[_part(self.enhanced)]
        return np.repeat(box[..., None], 3, axis=2) if self.color and box.ndim == 2 else box


def _part(place: tuple[int, int, int, int]) -> tuple[slice, slice]:
    x, y, width, height = place
    return np.s_[y : y + height, x : x + width]
