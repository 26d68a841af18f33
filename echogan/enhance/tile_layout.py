"""What stands in a result's two streams of tiles: the enhanced sector in one, the maps in the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from echogan.enhance.enhancer import PreparedClip
from echogan.trust.map_styles import MAP_STYLES


@dataclass(frozen=True)
class TileLayout:
    """All in pixels. The maps have a stream of their own, so that a page that shows none need not decode them.

    box       (left, top, right, bottom) of the sector's bounding box in the clip's frame
    color     whether the clip's frames are (H, W, 3)
    map_size  (height, width) of a map in the working space
    maps      names of MAP_STYLES, from top to bottom
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

    def map_place(self, name: str) -> tuple[int, int, int, int]:
        """(x, y, width, height) of a map in its tile."""
        height, width = self.map_size
        return 0, self.maps.index(name) * height, width, height

    def map_tile(self, maps: dict[str, np.ndarray]) -> np.ndarray:
        """A frame's maps, float32 (h, w) in grey levels each, as codes of their styles: uint8 (n h, w)."""
        return np.concatenate([MAP_STYLES[name].codes(maps[name]) for name in self.maps])

    def enhanced_box(self, tile: np.ndarray) -> np.ndarray:
        """The enhanced box of a tile: uint8 (h, w[, 3]); a tile without colour may be (h, w) where the clip is not."""
        return np.repeat(tile[..., None], 3, axis=2) if self.color and tile.ndim == 2 else tile
