"""Writes pictures and maps of a result into a folder as they are made: tiles for the page, values for exports."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch

from echogan.core.atomic import output_errors
from echogan.enhance.chunk import Chunk, PreparedClip
from echogan.enhance.frame_tiles import TileWriter
from echogan.enhance.tile_layout import TileLayout

# Names inside the result's folder; a map's raw values are NAME.f16.
TILES, MAP_TILES, FLAG_TILES = "tiles", "maps", "flags"
FIGURE, KEPT_FIGURE = "figure.npz", "figure_kept.npz"


def map_path(folder: Path, name: str) -> Path:
    """The raw values of a map: float16 (T, h, w)."""
    return folder / f"{name}.f16"


class ResultWriter:
    """Writes the tiles of pictures and maps, and the maps' values. Everything raises OutputError."""

    def __init__(self, stack: ExitStack, folder: Path, prepared: PreparedClip):
        self._layout, self._box = TileLayout.of(prepared), prepared.space.box
        self._tiles, self._maps = TileWriter(folder / TILES), TileWriter(folder / MAP_TILES)
        self._folder = folder
        with output_errors(folder):
            self._raw = {
                name: stack.enter_context(map_path(folder, name).open("wb")) for name in self._layout.maps
            }

    def add_pictures(self, chunk: Chunk) -> int:
        """The next enhanced frames; returns how many can be shown."""
        for enhanced in chunk.enhanced:
            self._tiles.add(enhanced[self._box])
        return self._tiles.ready

    def add_maps(self, maps: dict[str, np.ndarray]) -> int:
        """The next frames' maps, as `Diagnoses.add` gives them; returns how many can be shown."""
        count = len(next(iter(maps.values())))
        for index in range(count):
            self._maps.add(self._layout.map_tile({name: maps[name][index] for name in self._layout.maps}))
        with output_errors(self._folder):
            for name, file in self._raw.items():
                # numpy's own conversion takes six times as long.
                file.write(torch.from_numpy(maps[name]).half().numpy().tobytes())
        return self._maps.ready

    def finish(self) -> int:
        """Write what is left; returns the number of frames."""
        self._maps.finish()
        self._tiles.finish()
        return self._tiles.ready
