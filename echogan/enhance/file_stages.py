"""The stages of a clip on its way to files: the network, flags, maps, trust card, writing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from echogan.clips.write_options import WriteOptions
from echogan.core.errors import SettingsError
from echogan.enhance.calibrated import calibration_of, flagger_for, found_in
from echogan.enhance.card_maker import CardMaker, Maps
from echogan.enhance.chunk import Chunk, PreparedClip
from echogan.enhance.diagnostics import Diagnoses
from echogan.enhance.enhancer import Enhancer
from echogan.enhance.flags import original_kept
from echogan.enhance.outputs import Outputs, open_sinks
from echogan.enhance.stages import run_stages
from echogan.enhance.tile_layout import FLAGGED_PART, HIDDEN_PART
from echogan.trust.error_finder import Probabilities
from echogan.trust.flagged import flag_codes

PARTS = ("decode_s", "enhance_s", "flag_s", "diagnose_s", "trust_s", "encode_s")
NOT_CALIBRATED = (
    "{} has no calibration, so nothing is flagged and no original can be kept. Run `python -m echogan calibrate` on it "
    "first, or leave out --keep-original."
)


class FileStages:
    """One clip while it is enhanced. Each stage but the first has a thread of its own.

    Raises InvalidCheckpoint, and SettingsError where the original is to be kept and nothing can be flagged.
    """

    def __init__(self, enhancer: Enhancer, prepared: PreparedClip):
        self._enhancer, self.prepared = enhancer, prepared
        self._flagger = flagger_for(enhancer, prepared)
        if enhancer.settings.keep_original and self._flagger is None:
            raise SettingsError(NOT_CALIBRATED.format(enhancer.checkpoint.name))
        self.diagnoses = Diagnoses(prepared.space)
        self.maker = CardMaker(enhancer, prepared, calibration_of(enhancer.checkpoint))
        self._took: dict[str, float] = dict.fromkeys(PARTS, 0.0)

    def run(
        self,
        outputs: Outputs,
        write: WriteOptions,
        progress: Callable[[int, int], None] | None,
        cancel: threading.Event | None,
    ) -> None:
        """Enhance, diagnose and write every frame. Raises as `enhance_file` does."""
        with ExitStack() as stack:
            with self.timed("encode_s"):
                flagger = self._flagger
                thresholds = None if flagger is None else (flagger.amber, flagger.red)
                sinks = open_sinks(stack, outputs, self.prepared, write, thresholds)

            def encode(made: tuple[Chunk, Maps]) -> None:
                with self.timed("encode_s"):
                    for sink in sinks:
                        sink(*made)

            chunks = self._enhancer.run(self.prepared, progress, cancel)
            run_stages(chunks, self._flag, self._diagnose, self._trust, encode)
            with self.timed("encode_s"):
                stack.close()  # finishes the files

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Add the seconds that the block takes to one of PARTS."""
        started = time.perf_counter()
        yield
        self._took[part] += time.perf_counter() - started

    def timing(self) -> dict[str, float]:
        """Seconds of each part. They go on at the same time; what is flagged counts to trust."""
        timing = dict(self._took)
        timing["trust_s"] += timing.pop("flag_s")  # of two threads, which must not share a number
        return timing

    def _flag(self, chunk: Chunk) -> tuple[Chunk, Probabilities | None]:
        with self.timed("flag_s"):
            found = found_in(chunk, self._flagger)
            if self._enhancer.settings.keep_original and self._flagger is not None and found is not None:
                chunk = original_kept(chunk, found, self._flagger.amber)
        self._took["decode_s"] += chunk.decode_s
        self._took["enhance_s"] += chunk.enhance_s
        with self.timed("enhance_s"):
            _ = chunk.enhanced
        return chunk, found

    def _diagnose(self, made: tuple[Chunk, Probabilities | None]) -> tuple[Chunk, Probabilities | None, Maps]:
        with self.timed("diagnose_s"):
            maps = self.diagnoses.add(made[0])
        return *made, maps

    def _trust(self, made: tuple[Chunk, Probabilities | None, Maps]) -> tuple[Chunk, Maps]:
        chunk, found, maps = made
        with self.timed("trust_s"):
            hidden = self.maker.add(chunk, maps, found)
            flags = {} if found is None else {FLAGGED_PART: flag_codes(*found), HIDDEN_PART: hidden}
        return chunk, maps | flags
