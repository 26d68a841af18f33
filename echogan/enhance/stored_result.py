"""A result kept on disk at full strength: what the page shows while it is made, and what every export is made from."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path

import numpy as np

from echogan.clips.clip import ClipFile
from echogan.core.atomic import write_whole
from echogan.core.geometry import Sector
from echogan.core.grey_curve import GreyCurve
from echogan.enhance.calibrated import Flagger, calibration_of, found_in
from echogan.enhance.card_maker import CardMaker
from echogan.enhance.diagnostics import Diagnoses, FigureData
from echogan.enhance.enhance_file import enhancement, figure_caption, memory_in_words
from echogan.enhance.enhancer import Chunk, Enhancer, EnhanceSettings, PreparedClip
from echogan.enhance.flags import KEPT, FlagRecorder, Flags
from echogan.enhance.frame_tiles import TileReader
from echogan.enhance.put_back import blend, keep_original
from echogan.enhance.report import Report, build_report
from echogan.enhance.result_writer import (
    FIGURE,
    KEPT_FIGURE,
    MAP_TILES,
    TILES,
    ResultWriter,
    map_path,
    write_behind,
)
from echogan.enhance.tile_layout import KEPT_PART, TileLayout
from echogan.enhance.working_space import WorkingSpace
from echogan.model.checkpoints.checkpoint import Checkpoint
from echogan.trust.card.card import TrustCard
from echogan.trust.card.picture import png, read_png
from echogan.trust.map_styles import MAP_STYLES

CARD_PICTURE = "trust_card.png"  # inside the result's folder


PARTS = ("decode_s", "enhance_s", "diagnose_s", "trust_s", "encode_s")  # of the time that a result takes


@dataclass(frozen=True)
class StoredResult:
    """An enhanced clip in a folder; only its facts and the sector's masks stay in memory.

    clip        frames are decoded from it again
    checkpoint  what made the result, without its weights
    layout      of the images in the folders `tiles` and `maps`
    report      at full strength
    flags       what is flagged; None where the checkpoint has no calibration
    seconds, first_s, cpu_s   the whole work, up to its first frames, and of all processor cores together
    """

    folder: Path
    clip: ClipFile
    sector: Sector
    curve: GreyCurve
    checkpoint: Checkpoint
    settings: EnhanceSettings
    layout: TileLayout
    report: Report
    seconds: float
    first_s: float
    cpu_s: float
    flags: Flags | None = None

    @property
    def tiles(self) -> Path:
        """The folder of the stream of enhanced sectors."""
        return self.folder / TILES

    @property
    def prepared(self) -> PreparedClip:
        """The clip as it was enhanced; its working space is made anew."""
        return PreparedClip(self.clip, self.sector, self.space, self.curve)

    @property
    def space(self) -> WorkingSpace:
        """The working space, made anew."""
        return WorkingSpace(self.sector, self.report.settings["working_size"])

    def enhanced_boxes(self) -> Iterator[np.ndarray]:
        """The sector's box of each frame at full strength: uint8 (h, w) or (h, w, 3). Raises OutputError."""
        for tile in TileReader(self.tiles):
            yield self.layout.enhanced_box(tile)

    def frames(self, strength: float, keep: bool = False) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(original, enhanced) of each frame, whole frames uint8 (H, W) or (H, W, 3). Raises ClipError, OutputError.

        keep   whether the original is kept where the result is flagged
        """
        left, top, right, bottom = self.layout.box
        box = np.s_[top:bottom, left:right]
        kept = self._kept(keep)
        for original, full, weights in zip(self.clip.iter_frames(), self.enhanced_boxes(), kept, strict=True):
            enhanced = original.copy()
            shown = full if weights is None else keep_original(original[box], full, weights)
            enhanced[box] = blend(original[box], shown, strength)
            yield original, enhanced

    def _kept(self, keep: bool) -> Iterator[np.ndarray | None]:
        """The weights of `keep_weights` for each frame, None where nothing is kept."""
        if not keep:
            yield from repeat(None, self.clip.frames)
            return
        for tile in TileReader(self.folder / MAP_TILES):
            yield self.layout.part(tile, KEPT_PART)

    def maps(self, strength: float = 1.0, keep: bool = False) -> Iterator[dict[str, np.ndarray]]:
        """The maps of each frame by name: float16 (h, w) in grey levels, zero outside the tissue. Raises OSError."""
        size = self.layout.map_size
        with ExitStack() as stack:
            files = {
                name: stack.enter_context(map_path(self.folder, name).open("rb")) for name in self.layout.maps
            }
            for weights in self._kept(keep):
                share = (
                    np.float16(strength) if weights is None else strength * (1 - weights / np.float32(255))
                )
                yield {
                    name: _scaled(np.fromfile(file, np.float16, size[0] * size[1]).reshape(size), share, name)
                    for name, file in files.items()
                }

    def report_at(self, strength: float, keep: bool = False) -> Report:
        """The report of the result at a strength."""
        return self._full(keep).at(strength)

    def _full(self, keep: bool) -> Report:
        assert self.flags is not None or not keep, "nothing can be kept where nothing is flagged"
        return self.flags.report if keep and self.flags is not None else self.report

    def figure(self, strength: float, keep: bool = False) -> bytes:
        """The map figure as PNG bytes. Raises OSError."""
        name, curves = KEPT_FIGURE if keep else FIGURE, self._full(keep).per_frame
        made_by = enhancement(self.checkpoint, strength, keep)
        return FigureData.load(self.folder / name, curves).at(strength).draw(figure_caption(made_by))

    @property
    def card(self) -> TrustCard:
        """The trust card, as it is in the report."""
        return TrustCard.from_dict(self.report.trust)

    def card_of(self, keep: bool) -> TrustCard:
        """The trust card of an export; it says where the original was kept. Its numbers are of the result itself."""
        return replace(self.card, strength=f"{self.card.strength} {KEPT}") if keep else self.card

    def card_picture(self) -> np.ndarray:
        """The picture of the trust card: RGB uint8 (H, W, 3). Raises OSError."""
        return read_png((self.folder / CARD_PICTURE).read_bytes())


def _scaled(image: np.ndarray, share: np.ndarray | np.float16, name: str) -> np.ndarray:
    return (image * share).astype(np.float16) if MAP_STYLES[name].follows_strength else image


@contextmanager
def _timed(timing: dict[str, float], part: str) -> Iterator[None]:
    """Add the seconds that the block takes to a part."""
    began = time.perf_counter()
    yield
    timing[part] += time.perf_counter() - began


def store_result(
    enhancer: Enhancer,
    prepared: PreparedClip,
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
    on_frames: Callable[[int], None] | None = None,
    flagger: Flagger | None = None,
) -> StoredResult:
    """Enhance at full strength into `folder`, which the caller makes, and removes where this raises.

    on_frames   called with the number of frames that can be shown, whenever it has grown
    flagger     finds what was removed or invented; None where the checkpoint has no calibration

    Raises ClipError, SettingsError, OutputError, or Cancelled once `cancel` is set.
    """
    assert enhancer.settings.strength == 1, "a stored result is blended when it is shown or exported"
    began, cpu_began = time.perf_counter(), time.process_time()
    clip, sector = prepared.clip, prepared.sector
    diagnoses = Diagnoses(prepared.space)
    maker = CardMaker(enhancer, prepared, calibration_of(enhancer.checkpoint))
    timing: dict[str, float] = dict.fromkeys(PARTS, 0.0)
    first_s = 0.0

    def keep(chunk: Chunk) -> None:
        nonlocal first_s
        timing["decode_s"] += chunk.decode_s
        timing["enhance_s"] += chunk.enhance_s
        with _timed(timing, "enhance_s"):
            _ = chunk.enhanced
        with _timed(timing, "diagnose_s"):
            maps = diagnoses.add(chunk)
        with _timed(timing, "trust_s"):
            found = found_in(chunk, flagger)
        with _timed(timing, "encode_s"):
            writer.add(chunk, maps, found)
        first_s = first_s or time.perf_counter() - began
        with _timed(timing, "trust_s"):  # the card can wait until the frames can be seen
            maker.add(chunk, maps, found)

    flags = None if flagger is None else FlagRecorder(flagger.amber, flagger.red, prepared)
    with memory_in_words(), ExitStack() as stack:
        writer = ResultWriter(stack, folder, prepared, flags, on_frames or (lambda ready: None))
        write_behind(enhancer.run(prepared, progress, cancel), keep)
        writer.finish(diagnoses.figure_data(sector))
    write_whole(folder / CARD_PICTURE, png(maker.picture()))
    timing["total_s"] = time.perf_counter() - began
    warnings = list(dict.fromkeys([*clip.warnings, *sector.notes, *enhancer.checkpoint.notes]))
    report = build_report(prepared, enhancer, diagnoses.summaries, maker.card(), timing, warnings)
    return StoredResult(
        folder=folder,
        clip=clip,
        sector=sector,
        curve=prepared.curve,
        checkpoint=enhancer.checkpoint.without_weights(),
        settings=enhancer.settings,
        layout=TileLayout.of(prepared, flags is not None),
        report=report,
        seconds=timing["total_s"],
        first_s=first_s,
        cpu_s=time.process_time() - cpu_began,
        flags=None if flags is None else flags.flags(report),
    )
