"""The last stage of a stored result: what is flagged, and the trust card. It waits until the pictures can be seen."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from echogan.core.atomic import output_errors, write_whole
from echogan.core.errors import Cancelled
from echogan.enhance.calibrated import Flagger, calibration_of, found_in
from echogan.enhance.card_maker import CardMaker
from echogan.enhance.chunk import Chunk, PreparedClip
from echogan.enhance.diagnostics import FigureData
from echogan.enhance.enhancer import Enhancer
from echogan.enhance.flags import FlagRecorder, Flags
from echogan.enhance.frame_tiles import TileWriter
from echogan.enhance.report import Report
from echogan.enhance.result_writer import FLAG_TILES, KEPT_FIGURE
from echogan.trust.card.card import TrustCard
from echogan.trust.card.picture import png

CARD_PICTURE = "trust_card.png"  # inside the result's folder
MOST_WAITING = 100_000_000  # bytes of all chunks that wait: some hundred frames of the usual working size

Maps = dict[str, np.ndarray]


class TrustStage:
    """Flags and card of one clip. Chunks wait until `finish`, or until many do: then the first ones are worked on.

    So the pictures of a usual clip come first, and memory does not grow with the length of a long one.

    flagger     None where the checkpoint has no calibration: nothing is flagged then
    on_frames   called with the number of frames worked on, and of those whose flags can be shown
    """

    def __init__(
        self,
        enhancer: Enhancer,
        prepared: PreparedClip,
        folder: Path,
        flagger: Flagger | None,
        on_frames: Callable[[int, int], None],
    ):
        self._folder, self._flagger, self._on_frames = folder, flagger, on_frames
        self._full = enhancer.settings.trust == "full"
        self._maker = CardMaker(enhancer, prepared, calibration_of(enhancer.checkpoint))
        self._recorder = None if flagger is None else FlagRecorder(flagger.amber, flagger.red, prepared)
        self._tiles = TileWriter(folder / FLAG_TILES)
        self._waiting: deque[tuple[Chunk, Maps]] = deque()
        self._bytes = self._done = 0

    def add(self, chunk: Chunk, maps: Maps) -> None:
        """The next chunk, and its maps as `Diagnoses.add` gives them. Raises OutputError."""
        self._waiting.append((_without_pictures(chunk, self._full), maps))
        self._bytes += _size(*self._waiting[-1])
        while self._bytes > MOST_WAITING:
            self._work()

    def finish(self, figure: FigureData, cancel: threading.Event | None) -> None:
        """Work on all that waits, and write the rest. Raises OutputError, or Cancelled once `cancel` is set."""
        while self._waiting:
            if cancel is not None and cancel.is_set():
                raise Cancelled("Stopped before the trust card was made.")
            self._work()
        self._tiles.finish()
        write_whole(self._folder / CARD_PICTURE, png(self._maker.picture()))
        if self._recorder is not None:
            with output_errors(self._folder):
                self._recorder.figure(figure).save(self._folder / KEPT_FIGURE)
        self._on_frames(self._done, self._tiles.ready)

    def card(self) -> TrustCard:
        """The card of all frames, once they are worked on."""
        return self._maker.card()

    def flags(self, report: Report) -> Flags | None:
        """What was found, given the report of the result without anything kept; None without a flagger."""
        return None if self._recorder is None else self._recorder.flags(report)

    def _work(self) -> None:
        chunk, maps = self._waiting.popleft()
        self._bytes -= _size(chunk, maps)
        found = found_in(chunk, self._flagger)
        hidden = self._maker.add(chunk, maps, found)
        if self._recorder is not None and found is not None:
            for parts, codes in zip(self._recorder.add(maps, *found, hidden), hidden, strict=True):
                self._tiles.add(np.concatenate([*parts, codes]))
        self._done += len(chunk.x)
        self._on_frames(self._done, self._tiles.ready)


def _without_pictures(chunk: Chunk, seen: bool) -> Chunk:
    """The chunk in the working space alone: its pictures are the most of it. `seen` is needed in full mode only."""
    cycled, nothing = chunk.cycled, np.s_[:0]
    original = chunk.original[nothing].copy()  # a view would hold the frames
    kept = chunk.seen if seen else chunk.seen[nothing].copy()
    return replace(chunk, original=original, seen=kept, to_low=lambda g, x: cycled)


def _size(chunk: Chunk, maps: Maps) -> int:
    arrays = [chunk.x, chunk.g, chunk.cycled, chunk.seen, *maps.values()]
    return sum(array.nbytes for array in arrays)
