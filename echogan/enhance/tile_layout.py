"""What stands in a result's streams of tiles: the enhanced sector, the maps, and what is flagged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from echogan.enhance.chunk import PreparedClip
from echogan.trust.map_styles import MAP_STYLES

FLAGGED_PART, KEPT_PART, HIDDEN_PART = FLAG_PARTS = ("flagged", "kept", "hidden_walls")


@dataclass(frozen=True)
class TileLayout:
    """All in pixels. Maps and flags have streams of their own: a page that shows none need not decode them.

    box       (left, top, right, bottom) of the sector's bounding box in the clip's frame
    color     whether the clip's frames are (H, W, 3)
    map_size  (height, width) of a map in the working space
    maps      names of MAP_STYLES, from top to bottom
    flagged   whether there is a stream of flags: FLAGGED_PART, the codes of `flag_codes`, above KEPT_PART, those of
              `keep_weights`, above HIDDEN_PART, those of `HIDDEN_WALLS`
    """

    box: tuple[int, int, int, int]
    color: bool
    map_size: tuple[int, int]
    maps: tuple[str, ...]
    flagged: bool = False

    @classmethod
    def of(cls, prepared: PreparedClip, flagged: bool = False) -> TileLayout:
        """The layout of a clip's result."""
        top, left, bottom, right = prepared.sector.box
        box, color = (left, top, right, bottom), prepared.clip.color
        return cls(box, color, prepared.space.size, tuple(MAP_STYLES), flagged)

    def place(self, part: str) -> tuple[int, int, int, int]:
        """(x, y, width, height) of a map in its tile, or of a part of the flags in theirs."""
        height, width = self.map_size
        parts = FLAG_PARTS if part in FLAG_PARTS else self.maps
        return 0, parts.index(part) * height, width, height

    def map_tile(self, maps: dict[str, np.ndarray]) -> np.ndarray:
        """A frame's maps, float32 (h, w) in grey levels each, as codes of their styles: uint8 (n h, w)."""
        return np.concatenate([MAP_STYLES[name].codes(maps[name]) for name in self.maps])

    def part(self, tile: np.ndarray, name: str) -> np.ndarray:
        """One map of a tile of maps, or one part of a tile of flags: uint8 (h, w)."""
        x, y, width, height = self.place(name)
        return tile[y : y + height, x : x + width]

    def enhanced_box(self, tile: np.ndarray) -> np.ndarray:
        """The enhanced box of a tile: uint8 (h, w[, 3]); a tile without colour may be (h, w) where the clip is not."""
        return np.repeat(tile[..., None], 3, axis=2) if self.color and tile.ndim == 2 else tile
