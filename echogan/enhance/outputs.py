"""What can be written of an enhanced clip, and the writers that take its chunks as they come."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from echogan.clips.clip import grey
from echogan.clips.files import ClipWriter, is_frame_folder, open_writer
from echogan.clips.formats.npz_writer import NpzStream, clip_facts
from echogan.clips.write_options import WriteOptions
from echogan.core.atomic import Unfinished
from echogan.core.errors import OutputError
from echogan.enhance.card_files import card_paths
from echogan.enhance.chunk import Chunk, PreparedClip
from echogan.enhance.thumbnail import Thumbnail
from echogan.enhance.tile_layout import FLAGGED_PART, HIDDEN_PART
from echogan.trust.map_styles import MAP_STYLES

FLAG_ARRAYS = (FLAGGED_PART, HIDDEN_PART)


@dataclass(frozen=True)
class Outputs:
    """What to write; every path is optional, and every file is written whole or not at all.

    clips            enhanced clips: .mp4, .webm, .gif, .npz, .dcm, a folder of .png (no suffix), or .png for a still
    arrays           .npz: original and enhanced uint8 (T, H, W), tissue_mask bool (H, W), and in the working
                     space working_mask bool (h, w) and every map of MAP_STYLES by its name, float16 (T, h, w)
                     in grey levels, zero outside the tissue; the difference is signed. Of calibrated checkpoints
                     flagged uint8 (T, h, w), the codes of `flag_codes`, with the thresholds amber and red, and
                     hidden_walls uint8 (T, h, w), 255 times a probability. With them the facts of
                     `clip_facts` (clips/formats/npz_writer.py): fps, frame_times_s (T,), spacing_mm (row, column),
                     pixel_aspect, crop_box (top, left, bottom, right) of the sector, durations_ms (T,) only where
                     they differ; model, model_sha256, strength, software_version, mark and notice
    report, figure   .json and .png
    trust_card       .html or .pdf; the other one is written beside it
    thumbnail        .png: the sector of the first frame before and after, small, black outside the tissue
    """

    clips: list[Path] = field(default_factory=list)
    arrays: Path | None = None
    report: Path | None = None
    figure: Path | None = None
    trust_card: Path | None = None
    thumbnail: Path | None = None

    def paths(self) -> list[Path]:
        """Every path asked for."""
        single = (self.arrays, self.report, self.figure, self.thumbnail)
        cards = card_paths(self.trust_card) if self.trust_card is not None else ()
        return [*self.clips, *(path for path in single if path is not None), *cards]

    def check(self, source: Path) -> None:
        """Raise OutputError where a path is the input, is asked for twice, or cannot be written last."""
        taken = {source.resolve()}
        for path in self.paths():
            if path.resolve() in taken:
                reason = "is the input" if path.resolve() == source.resolve() else "is asked for twice"
                raise OutputError(f"The output {path} {reason}. Choose another name.")
            taken.add(path.resolve())
        for folder in filter(is_frame_folder, self.clips):
            if inside := [path for path in self.paths() if folder.resolve() in path.resolve().parents]:
                raise OutputError(
                    f"The output {inside[0]} lies inside the PNG folder {folder}. Choose another place for it."
                )
        cards = card_paths(self.trust_card) if self.trust_card is not None else ()
        for path in (self.figure, self.report, self.thumbnail, *cards):
            if path is not None:
                Unfinished(path).discard()  # tried now, for by their time the clips are in place


Sink = Callable[[Chunk, dict[str, np.ndarray]], None]
"""Takes a chunk and its maps by name, and writes what is its own."""


def open_sinks(
    stack: ExitStack,
    outputs: Outputs,
    prepared: PreparedClip,
    write: WriteOptions,
    thresholds: tuple[float, float] | None = None,
) -> list[Sink]:
    """Open every output on the stack, so that an exception anywhere removes all of them unfinished.

    thresholds   amber and red of a calibrated checkpoint: then the arrays have FLAG_ARRAYS, which come with the maps
    """
    sinks: list[Sink] = []
    for path in outputs.clips:
        writer = stack.enter_context(open_writer(path, prepared.clip, prepared.sector, write))
        sinks.append(_frames_sink(writer))
    if outputs.arrays:
        file = stack.enter_context(NpzStream(outputs.arrays))
        sinks.append(_arrays_sink(stack, file, prepared, write, thresholds))
    if outputs.thumbnail:
        thumbnail = stack.enter_context(Thumbnail(outputs.thumbnail, prepared, write.enhancement))
        sinks.append(lambda chunk, maps: thumbnail.add(chunk))
    return sinks


def _frames_sink(writer: ClipWriter) -> Sink:
    def add(chunk: Chunk, maps: dict[str, np.ndarray]) -> None:
        for frame in chunk.enhanced:
            writer.write(frame)

    return add


def _arrays_sink(
    stack: ExitStack,
    file: NpzStream,
    prepared: PreparedClip,
    write: WriteOptions,
    thresholds: tuple[float, float] | None,
) -> Sink:
    arrays = ResultArrays(file, prepared, write, thresholds)
    stack.callback(arrays.finish)  # before the file closes, which is deeper in the stack

    def add(chunk: Chunk, maps: dict[str, np.ndarray]) -> None:
        arrays.add(chunk.original, chunk.enhanced, maps)

    return add


class ResultArrays:
    """Frames, masks, maps and facts of a result as they stand in `Outputs.arrays`.

    thresholds   amber and red; None where nothing is flagged
    """

    def __init__(
        self,
        file: NpzStream,
        prepared: PreparedClip,
        write: WriteOptions,
        thresholds: tuple[float, float] | None = None,
    ):
        self._file, self._prepared, self._write = file, prepared, write
        self._tissue = prepared.sector.tissue_mask
        file.put("tissue_mask", self._tissue)
        file.put("working_mask", prepared.space.tissue)
        self._original, self._enhanced = (
            file.array(name, self._tissue.shape, np.uint8) for name in ("original", "enhanced")
        )
        self._maps = {name: file.array(name, prepared.space.size, np.float16) for name in MAP_STYLES}
        if thresholds is not None:
            self._maps |= {name: file.array(name, prepared.space.size, np.uint8) for name in FLAG_ARRAYS}
            for name, value in zip(("amber", "red"), thresholds, strict=True):
                file.put(name, value)

    def add(self, original: np.ndarray, enhanced: np.ndarray, maps: dict[str, np.ndarray]) -> None:
        """Frames uint8 (n, H, W) or (n, H, W, 3), and their maps and FLAG_ARRAYS by name (n, h, w)."""
        for array, frames in ((self._original, original), (self._enhanced, enhanced)):
            shown = grey(frames)
            array.append(shown * self._tissue if self._write.blackout else shown)
        for name, array in self._maps.items():
            array.append(maps[name])

    def finish(self) -> None:
        """Add the facts, now that the frames are counted; the caller closes the file."""
        prepared = self._prepared
        facts = clip_facts(prepared.clip, prepared.sector, self._write, self._original.count)
        for name, value in facts.items():
            self._file.put(name, value)
