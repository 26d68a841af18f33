"""Writes a result into a folder as it is made: tiles for the page, and the maps' values for exports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from itertools import repeat
from pathlib import Path

import numpy as np
import torch

from echogan.core.atomic import output_errors
from echogan.enhance.calibrated import Probabilities
from echogan.enhance.diagnostics import FigureData
from echogan.enhance.enhancer import Chunk, PreparedClip
from echogan.enhance.flags import FlagRecorder
from echogan.enhance.frame_tiles import TileWriter
from echogan.enhance.tile_layout import TileLayout

# Names inside the result's folder; a map's raw values are NAME.f16.
TILES, MAP_TILES, FIGURE, KEPT_FIGURE = "tiles", "maps", "figure.npz", "figure_kept.npz"


def map_path(folder: Path, name: str) -> Path:
    """The raw values of a map: float16 (T, h, w)."""
    return folder / f"{name}.f16"


def write_behind(chunks: Iterable[Chunk], write: Callable[[Chunk], None]) -> None:
    """Write each chunk in a thread while the next one is made; raises what either raises."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="result") as pool:
        kept: Future[None] | None = None
        for chunk in chunks:
            if kept is not None:
                kept.result()
            kept = pool.submit(write, chunk)
        if kept is not None:
            kept.result()


class ResultWriter:
    """Writes chunks into a result's folder: tiles to be shown, and the maps' values for exports."""

    def __init__(
        self,
        stack: ExitStack,
        folder: Path,
        prepared: PreparedClip,
        flags: FlagRecorder | None,
        on_frames: Callable[[int], None],
    ):
        self._layout, self._box = TileLayout.of(prepared, flags is not None), prepared.space.box
        self._flags, self._on_frames = flags, on_frames
        self._tiles, self._maps = TileWriter(folder / TILES), TileWriter(folder / MAP_TILES)
        self._folder = folder
        with output_errors(folder):
            self._raw = {
                name: stack.enter_context(map_path(folder, name).open("wb")) for name in self._layout.maps
            }

    def add(self, chunk: Chunk, maps: dict[str, np.ndarray], found: Probabilities | None) -> None:
        """The next frames, their maps as `Diagnoses.add` gives them, and what a `Flagger` found. Raises OutputError."""
        ready = self._tiles.ready
        flags = repeat((), len(chunk.x))
        if self._flags is not None and found is not None:
            flags = self._flags.add(chunk, maps, *found)
        for index, (enhanced, parts) in enumerate(zip(chunk.enhanced, flags, strict=True)):
            # The maps first: a frame that is ready has all of its tiles.
            values = {name: maps[name][index] for name in self._layout.maps}
            self._maps.add(self._layout.map_tile(values, parts))
            self._tiles.add(enhanced[self._box])
        with output_errors(self._folder):
            for name, file in self._raw.items():
                # numpy's own conversion takes six times as long.
                file.write(torch.from_numpy(maps[name]).half().numpy().tobytes())
        if self._tiles.ready > ready:
            self._on_frames(self._tiles.ready)

    def finish(self, figure: FigureData) -> None:
        """Write what is left, and what the figures are drawn from. Raises OutputError."""
        self._maps.finish()
        self._tiles.finish()
        with output_errors(self._folder):
            figure.save(self._folder / FIGURE)
            if self._flags is not None:
                self._flags.figure(figure).save(self._folder / KEPT_FIGURE)
        self._on_frames(self._tiles.ready)
