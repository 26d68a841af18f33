"""Makes a stored result in stages: the pictures of a batch, then its maps; after all of them, flags and trust card."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from echogan.core.atomic import output_errors
from echogan.enhance.calibrated import Flagger
from echogan.enhance.chunk import Chunk, PreparedClip
from echogan.enhance.diagnostics import Diagnoses, FigureData
from echogan.enhance.enhance_file import memory_in_words
from echogan.enhance.enhancer import Enhancer
from echogan.enhance.report import build_report
from echogan.enhance.result_writer import FIGURE, ResultWriter
from echogan.enhance.stages import half_the_cores, run_stages
from echogan.enhance.stored_result import StoredResult
from echogan.enhance.tile_layout import TileLayout
from echogan.enhance.trust_stage import TrustStage

PARTS = ("decode_s", "enhance_s", "diagnose_s", "trust_s", "encode_s")  # of the time that a result takes


@dataclass(frozen=True)
class Listener:
    """What is called while a result is made, in one thread or another. An exception raised in a call ends the work.

    progress   frames that are enhanced, of how many
    pictures   frames whose picture can be shown, whenever there are more
    maps       the same of their maps
    complete   the result with all pictures and maps; its flags and its trust card are still to come
    checked    frames that flags and card have taken in, and frames whose flags can be shown
    """

    progress: Callable[[int, int], None] = lambda done, total: None
    pictures: Callable[[int], None] = lambda ready: None
    maps: Callable[[int], None] = lambda ready: None
    complete: Callable[[StoredResult], None] = lambda stored: None
    checked: Callable[[int, int], None] = lambda done, ready: None


def store_result(
    enhancer: Enhancer,
    prepared: PreparedClip,
    folder: Path,
    flagger: Flagger | None = None,
    listener: Listener | None = None,
    cancel: threading.Event | None = None,
) -> StoredResult:
    """Enhance at full strength into `folder`, which the caller makes, and removes where this raises.

    What was complete once, as `listener` heard, stays so: it lacks the trust card alone where this raises after that.

    flagger     finds what was removed or invented; None where the checkpoint has no calibration

    Raises ClipError, SettingsError, OutputError, or Cancelled once `cancel` is set.
    """
    assert enhancer.settings.strength == 1, "a stored result is blended when it is shown or exported"
    with memory_in_words(), half_the_cores():
        return _Making(enhancer, prepared, folder, flagger, listener or Listener()).make(cancel)


class _Making:
    """One result while it is made."""

    def __init__(
        self,
        enhancer: Enhancer,
        prepared: PreparedClip,
        folder: Path,
        flagger: Flagger | None,
        listener: Listener,
    ):
        self._began, self._cpu_began = time.perf_counter(), time.process_time()
        self._enhancer, self._prepared, self._folder, self._listener = enhancer, prepared, folder, listener
        self._layout = TileLayout.of(prepared, flagger is not None)
        self._diagnoses = Diagnoses(prepared.space)
        self._trust = TrustStage(enhancer, prepared, folder, flagger, listener.checked)
        self._timing: dict[str, float] = dict.fromkeys(PARTS, 0.0)
        self._first_s = self._seconds = 0.0

    def make(self, cancel: threading.Event | None) -> StoredResult:
        """All stages."""
        figure = self._pictures_and_maps(cancel)
        self._seconds = self._elapsed()
        self._listener.complete(self._stored(trusted=False))
        with self._timed("trust_s"):
            self._trust.finish(figure, cancel)
        return self._stored(trusted=True)

    def _pictures_and_maps(self, cancel: threading.Event | None) -> FigureData:
        with ExitStack() as stack:
            writer = ResultWriter(stack, self._folder, self._prepared)
            chunks = self._enhancer.run(self._prepared, self._listener.progress, cancel)
            run_stages(chunks, lambda chunk: self._write(writer, chunk))
        with self._timed("encode_s"):
            ready = writer.finish()
        self._shown(ready)
        self._listener.maps(ready)
        figure = self._diagnoses.figure_data(self._prepared.sector)
        with output_errors(self._folder):
            figure.save(self._folder / FIGURE)
        return figure

    def _write(self, writer: ResultWriter, chunk: Chunk) -> None:
        self._timing["decode_s"] += chunk.decode_s
        self._timing["enhance_s"] += chunk.enhance_s
        with self._timed("enhance_s"):
            _ = chunk.enhanced
        with self._timed("encode_s"):
            ready = writer.add_pictures(chunk)
        self._shown(ready)
        with self._timed("diagnose_s"):
            maps = self._diagnoses.add(chunk)
        with self._timed("encode_s"):
            ready = writer.add_maps(maps)
        self._listener.maps(ready)
        with self._timed("trust_s"):
            self._trust.add(chunk, maps)

    def _shown(self, ready: int) -> None:
        if ready:
            self._first_s = self._first_s or self._elapsed()
        self._listener.pictures(ready)

    def _stored(self, trusted: bool) -> StoredResult:
        clip, sector, checkpoint = self._prepared.clip, self._prepared.sector, self._enhancer.checkpoint
        warnings = list(dict.fromkeys([*clip.warnings, *sector.notes, *checkpoint.notes]))
        card = self._trust.card() if trusted else None
        timing = self._timing | {"total_s": self._elapsed()}
        summaries = self._diagnoses.summaries
        report = build_report(self._prepared, self._enhancer, summaries, card, timing, warnings)
        return StoredResult(
            folder=self._folder,
            clip=clip,
            sector=sector,
            curve=self._prepared.curve,
            plain_curve=self._prepared.plain_curve,
            checkpoint=checkpoint.without_weights(),
            settings=self._enhancer.settings,
            layout=self._layout,
            report=report,
            seconds=self._seconds,
            first_s=self._first_s,
            cpu_s=time.process_time() - self._cpu_began,
            flags=self._trust.flags(report) if trusted else None,
        )

    def _elapsed(self) -> float:
        return time.perf_counter() - self._began

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        """Add the seconds that the block takes to a part."""
        began = time.perf_counter()
        yield
        self._timing[part] += time.perf_counter() - began
