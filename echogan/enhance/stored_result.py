"""A result kept on disk at full strength: what the page shows while it is made, and what every export is made from."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from echogan.clips.clip import ClipFile
from echogan.core.atomic import output_errors, write_whole
from echogan.core.geometry import Sector
from echogan.core.grey_curve import GreyCurve
from echogan.enhance.card_maker import CardMaker
from echogan.enhance.diagnostics import Diagnoses, FigureData
from echogan.enhance.enhance_file import figure_caption, memory_in_words
from echogan.enhance.enhancer import Chunk, Enhancer, EnhanceSettings, PreparedClip
from echogan.enhance.frame_tiles import TileReader, TileWriter
from echogan.enhance.put_back import blend
from echogan.enhance.report import Report, build_report
from echogan.enhance.tile_layout import TileLayout
from echogan.enhance.working_space import WorkingSpace
from echogan.model.checkpoints.checkpoint import Checkpoint
from echogan.trust.card.card import TrustCard
from echogan.trust.card.picture import png, read_png
from echogan.trust.map_styles import MAP_STYLES

TILES, FIGURE, CARD_PICTURE = (
    "tiles",
    "figure.npz",
    "trust_card.png",
)  # names inside the result's folder; a map's raw values are NAME.f16


@dataclass(frozen=True)
class StoredResult:
    """An enhanced clip in a folder; only its facts and the sector's masks stay in memory.

    clip        frames are decoded from it again
    checkpoint  what made the result, without its weights
    layout      of the images in the folder `tiles`
    report      at full strength
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

    @property
    def tiles(self) -> Path:
        """The folder of the stream of tiles."""
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

    def frames(self, strength: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(original, enhanced) of each frame, whole frames uint8 (H, W) or (H, W, 3). Raises ClipError, OutputError."""
        left, top, right, bottom = self.layout.box
        box = np.s_[top:bottom, left:right]
        for original, full in zip(self.clip.iter_frames(), self.enhanced_boxes(), strict=True):
            enhanced = original.copy()
            enhanced[box] = blend(original[box], full, strength)
            yield original, enhanced

    def maps(self, strength: float = 1.0) -> Iterator[dict[str, np.ndarray]]:
        """The maps of each frame by name: float16 (h, w) in grey levels, zero outside the tissue. Raises OSError."""
        size = self.layout.map_size
        with ExitStack() as stack:
            files = {
                name: stack.enter_context(map_path(self.folder, name).open("rb")) for name in self.layout.maps
            }
            for _ in range(self.clip.frames):
                values = {
                    name: np.fromfile(file, np.float16, size[0] * size[1]) for name, file in files.items()
                }
                yield {
                    name: (
                        image * np.float16(strength) if MAP_STYLES[name].follows_strength else image
                    ).reshape(size)
                    for name, image in values.items()
                }

    def figure(self, strength: float) -> bytes:
        """The map figure as PNG bytes. Raises OSError."""
        data = FigureData.load(self.folder / FIGURE, self.report.per_frame)
        return data.at(strength).draw(figure_caption(self.checkpoint, strength))

    @property
    def card(self) -> TrustCard:
        """The trust card, as it is in the report."""
        return TrustCard.from_dict(self.report.trust)

    def card_picture(self) -> np.ndarray:
        """The picture of the trust card: RGB uint8 (H, W, 3). Raises OSError."""
        return read_png((self.folder / CARD_PICTURE).read_bytes())


def map_path(folder: Path, name: str) -> Path:
    """The raw values of a map: float16 (T, h, w)."""
    return folder / f"{name}.f16"


class ResultWriter:
    """Writes chunks into a result's folder: tiles to be shown, and the maps' values for exports."""

    def __init__(
        self, stack: ExitStack, folder: Path, prepared: PreparedClip, on_frames: Callable[[int], None]
    ):
        self._layout, self._box, self._on_frames = TileLayout.of(prepared), prepared.space.box, on_frames
        self._tiles, self._folder = TileWriter(folder / TILES), folder
        with output_errors(folder):
            self._raw = {
                name: stack.enter_context(map_path(folder, name).open("wb")) for name in self._layout.maps
            }

    def add(self, chunk: Chunk, maps: dict[str, np.ndarray]) -> None:
        """The next frames, and their maps as `Diagnoses.add` gives them. Raises OutputError."""
        ready = self._tiles.ready
        for index, enhanced in enumerate(chunk.enhanced):
            values = {name: maps[name][index] for name in self._layout.maps}
            self._tiles.add(self._layout.tile(enhanced[self._box], values))
        with output_errors(self._folder):
            for name, file in self._raw.items():
                file.write(maps[name].astype(np.float16).tobytes())
        if self._tiles.ready > ready:
            self._on_frames(self._tiles.ready)

    def finish(self, figure: FigureData) -> None:
        """Write what is left, and what the figure is drawn from. Raises OutputError."""
        self._tiles.finish()
        with output_errors(self._folder):
            figure.save(self._folder / FIGURE)
        self._on_frames(self._tiles.ready)


def store_result(
    enhancer: Enhancer,
    prepared: PreparedClip,
    folder: Path,
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
    on_frames: Callable[[int], None] | None = None,
) -> StoredResult:
    """Enhance at full strength into `folder`, which the caller makes, and removes where this raises.

    on_frames   called with the number of frames that can be shown, whenever it has grown

    Raises ClipError, SettingsError, OutputError, or Cancelled once `cancel` is set.
    """
    assert enhancer.settings.strength == 1, "a stored result is blended when it is shown or exported"
    began, cpu_began = time.perf_counter(), time.process_time()
    clip, sector = prepared.clip, prepared.sector
    diagnoses, maker = Diagnoses(prepared.space), CardMaker(enhancer, prepared)
    timing: dict[str, float] = dict.fromkeys(
        ("decode_s", "enhance_s", "diagnose_s", "trust_s", "encode_s"), 0.0
    )
    first_s = 0.0

    def keep(chunk: Chunk) -> None:
        nonlocal first_s
        started = time.perf_counter()
        _ = chunk.enhanced
        enhanced = time.perf_counter()
        maps = diagnoses.add(chunk)
        diagnosed = time.perf_counter()
        maker.add(chunk, maps)
        trusted = time.perf_counter()
        writer.add(chunk, maps)
        first_s = first_s or time.perf_counter() - began
        timing["decode_s"] += chunk.decode_s
        timing["enhance_s"] += chunk.enhance_s + enhanced - started
        timing["diagnose_s"] += diagnosed - enhanced
        timing["trust_s"] += trusted - diagnosed
        timing["encode_s"] += time.perf_counter() - trusted

    with memory_in_words(), ExitStack() as stack:
        writer = ResultWriter(stack, folder, prepared, on_frames or (lambda ready: None))
        # One chunk is written while the next one is enhanced.
        pool = stack.enter_context(ThreadPoolExecutor(max_workers=1, thread_name_prefix="result"))
        kept: Future[None] | None = None
        for chunk in enhancer.run(prepared, progress, cancel):
            if kept is not None:
                kept.result()
            kept = pool.submit(keep, chunk)
        if kept is not None:
            kept.result()
        writer.finish(diagnoses.figure_data(sector))
    write_whole(folder / CARD_PICTURE, png(maker.picture()))
    timing["total_s"] = time.perf_counter() - began
    warnings = list(dict.fromkeys([*clip.warnings, *sector.notes, *enhancer.checkpoint.notes]))
    return StoredResult(
        folder=folder,
        clip=clip,
        sector=sector,
        curve=prepared.curve,
        checkpoint=enhancer.checkpoint.without_weights(),
        settings=enhancer.settings,
        layout=TileLayout.of(prepared),
        report=build_report(prepared, enhancer, diagnoses.summaries, maker.card(), timing, warnings),
        seconds=timing["total_s"],
        first_s=first_s,
        cpu_s=time.process_time() - cpu_began,
    )
