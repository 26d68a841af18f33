"""One file -> enhanced clips, maps, curves and a report, in one pass: what UI, CLI, API and archive all call."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from echogan.clips.clip import ClipFile, ClipLimits, grey
from echogan.clips.files import is_frame_folder, open_clip, open_writer
from echogan.clips.formats.npz_writer import NpzStream
from echogan.clips.sector.find_sector import find_sector, sector_from_fan
from echogan.clips.write_options import WriteOptions
from echogan.core.atomic import Unfinished, write_whole
from echogan.core.errors import OutputError, SettingsError
from echogan.core.geometry import Fan, Sector
from echogan.core.notice import NOTICE
from echogan.core.version import __version__
from echogan.enhance.enhancer import Chunk, Enhancer, EnhanceSettings
from echogan.enhance.report import Report, build_report
from echogan.enhance.working_space import WorkingSpace
from echogan.model.checkpoints.checkpoint import Checkpoint
from echogan.trust.map_styles import MAP_STYLES, MapPainter, map_figure
from echogan.trust.residuals import MapSummary, cycle_error, difference

NOT_BLACKENED = (
    "No sector was found, so nothing was made black: names in the picture remain. Give the sector's corners."
)


@dataclass(frozen=True)
class Outputs:
    """What to write; every path is optional, and every file is written whole or not at all.

    clips            enhanced clips: .mp4, .webm, .gif, .npz, .dcm, or a folder of .png (no suffix)
    player_original, player_enhanced   .webm at the clip's size and frame count, for a synchronised player
    player_maps      name in figures.MAP_STYLES -> .webm of that map over the dimmed image, same size and count
    arrays           .npz: original and enhanced uint8 (T, H, W), tissue_mask bool (H, W), and in the working
                     space working_mask bool (h, w), difference (signed) and cycle_error float16 (T, h, w)
                     in grey levels, zero outside the tissue
    report, figure   .json and .png
    """

    clips: list[Path] = field(default_factory=list)
    player_original: Path | None = None
    player_enhanced: Path | None = None
    player_maps: dict[str, Path] = field(default_factory=dict)
    arrays: Path | None = None
    report: Path | None = None
    figure: Path | None = None

    def paths(self) -> list[Path]:
        """Every path asked for."""
        single = (self.player_original, self.player_enhanced, self.arrays, self.report, self.figure)
        return [*self.clips, *(path for path in single if path is not None), *self.player_maps.values()]

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
        for path in (self.figure, self.report):
            if path is not None:
                Unfinished(path).discard()  # tried now, for by their time the clips are in place


def enhance_file(
    source: str | Path,
    outputs: Outputs,
    checkpoint: Checkpoint,
    settings: EnhanceSettings | None = None,
    sector: Sector | Fan | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
    write: WriteOptions | None = None,
    limits: ClipLimits | None = None,
) -> Report:
    """Enhance one file and write every output in one pass over its frames; memory does not grow with its length.

    sector     found on the clip where not given
    progress   called as progress(done, total) with numbers of frames
    write      identity and quality; `blackout` holds for the arrays too

    Raises ClipError, SectorError, SettingsError, OutputError, or Cancelled once `cancel` is set; then no output
    is left half-written.
    """
    began = time.perf_counter()
    outputs.check(Path(source))
    enhancer = Enhancer(checkpoint, settings)
    clip = open_clip(source, limits)
    sector = _settle_sector(clip, sector)
    write = _described(write or WriteOptions(), enhancer)
    space = WorkingSpace(sector, enhancer.working_size)
    timing = {"prepare_s": time.perf_counter() - began, "decode_s": 0.0, "enhance_s": 0.0, "diagnose_s": 0.0}
    diagnoses = Diagnoses(space, (clip.height, clip.width))
    encode_s = -time.perf_counter()
    with _memory_in_words(), ExitStack() as stack:
        sinks = _open_sinks(stack, outputs, clip, sector, space, write)
        encode_s += time.perf_counter()
        for chunk in enhancer.stream(clip, sector, progress, cancel):
            started = time.perf_counter()
            maps = diagnoses.add(chunk)
            diagnosed = time.perf_counter()
            for sink in sinks:
                sink(chunk, maps)
            timing["decode_s"] += chunk.decode_s
            timing["enhance_s"] += chunk.enhance_s
            timing["diagnose_s"] += chunk.cycle_s + diagnosed - started
            encode_s += time.perf_counter() - diagnosed
        encode_s -= time.perf_counter()  # leaving the stack finishes the files, which is encoding too
    if outputs.figure is not None:
        caption = f"{checkpoint.name} {checkpoint.sha256[:12]} · {NOTICE.lower()}"
        write_whole(outputs.figure, diagnoses.figure(sector, caption))
    ended = time.perf_counter()
    timing |= {"encode_s": encode_s + ended, "total_s": ended - began}
    bare = (NOT_BLACKENED,) if sector.kind == "whole" and _would_blacken(outputs, write) else ()
    warnings = list(dict.fromkeys([*clip.warnings, *sector.notes, *bare, *checkpoint.notes]))
    report = build_report(
        clip, sector, enhancer, diagnoses.summaries, diagnoses.signed_mean, timing, warnings
    )
    if outputs.report is not None:
        report.write(outputs.report)
    return report


def _would_blacken(outputs: Outputs, write: WriteOptions) -> bool:
    """Whether an output is to be black outside the tissue: a DICOM without identity always is."""
    return write.blackout or (
        not write.keep_identity and any(path.suffix.lower() == ".dcm" for path in outputs.clips)
    )


@contextmanager
def _memory_in_words() -> Iterator[None]:
    """Raise SettingsError where the memory is full."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError):
        raise SettingsError(
            "The memory did not suffice. Close other programs, give a shorter or smaller clip, or on the command line "
            "a smaller --batch-size or --working-size."
        ) from None


class Diagnoses:
    """The maps of each chunk, and what is kept of them: summaries and mean images, in bounded memory."""

    def __init__(self, space: WorkingSpace, frame_size: tuple[int, int]):
        self.space = space
        self.summaries = {name: MapSummary(space.tissue) for name in MAP_STYLES}
        self.frames = 0
        self._signed = 0.0
        self._original = np.zeros(frame_size)
        self._enhanced = np.zeros(frame_size)

    def add(self, chunk: Chunk) -> dict[str, np.ndarray]:
        """Take in a chunk; returns its maps by name, float32 (n, h, w) in grey levels, the difference signed."""
        signed = difference(chunk.x, chunk.y, self.space.tissue)
        maps = {"difference": signed, "cycle_error": cycle_error(chunk.x, chunk.cycled, self.space.tissue)}
        self.summaries["difference"].add(np.abs(signed))
        self.summaries["cycle_error"].add(maps["cycle_error"])
        self.frames += len(signed)
        self._signed += float(signed.sum(dtype=np.float64))
        self._original += grey(chunk.original).sum(axis=0, dtype=np.float64)
        self._enhanced += grey(chunk.enhanced).sum(axis=0, dtype=np.float64)
        return maps

    @property
    def signed_mean(self) -> float:
        """The mean of the signed difference over the tissue of all frames, in grey levels."""
        return self._signed / (self.frames * int(self.space.tissue.sum()))

    def figure(self, sector: Sector, caption: str) -> bytes:
        """The map figure as PNG bytes, everything masked to the tissue."""

        def masked(image: np.ndarray, mask: np.ndarray, box=np.s_[:, :]) -> np.ndarray:
            return np.where(mask, image, np.nan)[box]

        box, tissue = self.space.box, sector.tissue_mask
        images = {
            "mean original": masked(self._original / self.frames, tissue, box),
            "mean enhanced": masked(self._enhanced / self.frames, tissue, box),
        }
        maps = {name: masked(s.mean_map, self.space.tissue) for name, s in self.summaries.items()}
        return map_figure(images, maps, {name: s.curve for name, s in self.summaries.items()}, caption)


Sink = Callable[[Chunk, dict[str, np.ndarray]], None]


def _open_sinks(
    stack: ExitStack,
    outputs: Outputs,
    clip: ClipFile,
    sector: Sector,
    space: WorkingSpace,
    write: WriteOptions,
) -> list[Sink]:
    """Open every output on the stack, so that an exception anywhere removes all of them unfinished."""

    def clip_writer(path: Path, like: ClipFile = clip):
        return stack.enter_context(open_writer(path, like, sector, write))

    sinks: list[Sink] = []
    for path in [*outputs.clips, *([outputs.player_enhanced] if outputs.player_enhanced else [])]:
        sinks.append(_frames_sink(clip_writer(path), lambda chunk: chunk.enhanced))
    if outputs.player_original:
        sinks.append(_frames_sink(clip_writer(outputs.player_original), lambda chunk: chunk.original))
    for name, path in outputs.player_maps.items():
        writer = clip_writer(path, dataclasses.replace(clip, color=True))
        sinks.append(_map_sink(writer, name, sector, space))
    if outputs.arrays:
        sinks.append(
            _arrays_sink(stack.enter_context(NpzStream(outputs.arrays)), sector, space, write.blackout)
        )
    return sinks


def _frames_sink(writer, frames_of: Callable[[Chunk], np.ndarray]) -> Sink:
    def add(chunk: Chunk, maps: dict[str, np.ndarray]) -> None:
        for frame in frames_of(chunk):
            writer.write(frame)

    return add


def _map_sink(writer, name: str, sector: Sector, space: WorkingSpace) -> Sink:
    painter = MapPainter(MAP_STYLES[name])

    def add(chunk: Chunk, maps: dict[str, np.ndarray]) -> None:
        values = np.zeros(sector.tissue_mask.shape, np.float32)
        for frame, in_box in zip(grey(chunk.original), space.leave(maps[name]), strict=True):
            values[space.box] = in_box
            writer.write(painter.paint(frame, values, sector.tissue_mask))

    return add


def _arrays_sink(file: NpzStream, sector: Sector, space: WorkingSpace, blackout: bool) -> Sink:
    file.put("tissue_mask", sector.tissue_mask)
    file.put("working_mask", space.tissue)
    frames = {name: file.array(name, sector.tissue_mask.shape, np.uint8) for name in ("original", "enhanced")}
    maps_out = {name: file.array(name, space.size, np.float16) for name in MAP_STYLES}

    def add(chunk: Chunk, maps: dict[str, np.ndarray]) -> None:
        for name, array in frames.items():
            shown = grey(getattr(chunk, name))
            array.append(shown * sector.tissue_mask if blackout else shown)
        for name, array in maps_out.items():
            array.append(maps[name])

    return add


def _settle_sector(clip: ClipFile, sector: Sector | Fan | None) -> Sector:
    if sector is None:
        return find_sector(clip)
    if isinstance(sector, Fan):
        return sector_from_fan(sector, clip)
    return sector


def _described(write: WriteOptions, enhancer: Enhancer) -> WriteOptions:
    """Say in the output itself what made it, where the caller has not."""
    checkpoint = enhancer.checkpoint
    text = (
        f"Enhanced by EchoGANhance {__version__}, model {checkpoint.name} {checkpoint.sha256[:12]}, "
        f"strength {enhancer.settings.strength:g}."
    )
    version = write.software_version or __version__
    return dataclasses.replace(write, description=write.description or text, software_version=version)
