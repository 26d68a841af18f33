"""One clip -> enhanced clips, maps, curves and a report, in one pass: page, command line, API and archive call it."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from echogan.clips.clip import ClipFile
from echogan.clips.files import open_clip
from echogan.clips.formats.corner_mark import place_mark
from echogan.clips.sector.find_sector import find_sector, sector_from_fan
from echogan.clips.write_options import Enhancement, WriteOptions, black_outside
from echogan.core.atomic import write_whole
from echogan.core.errors import SettingsError
from echogan.core.geometry import Fan, Sector
from echogan.core.notice import NOTICE
from echogan.core.version import __version__
from echogan.enhance.card_files import write_card
from echogan.enhance.chunk import PreparedClip
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.enhance.file_stages import FileStages
from echogan.enhance.flags import KEPT, card_with_kept
from echogan.enhance.outputs import Outputs
from echogan.enhance.report import Report, build_report
from echogan.enhance.stages import half_the_cores
from echogan.model.checkpoints.checkpoint import Checkpoint
from echogan.trust.card.card import TrustCard

NOT_BLACKENED = (
    "No sector was found, so nothing was made black: names in the picture remain. Give the sector's corners."
)
NOT_MARKED = "There is no room for the words beside the sector, so only the metadata of the pictures say what they are."


def enhance_file(
    clip: ClipFile | str | Path,
    outputs: Outputs,
    checkpoint: Checkpoint,
    settings: EnhanceSettings | None = None,
    sector: Sector | Fan | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
    write: WriteOptions | None = None,
) -> Report:
    """Enhance a clip and write every output in one pass over its frames; memory does not grow with its length.

    clip       as `open_clip` gives it; a path is opened here, within the usual limits
    sector     found on the clip where not given
    progress   called as progress(done, total) with numbers of frames
    write      identity, mark and quality; `blackout` holds for the arrays too

    Raises ClipError, SectorError, SettingsError, OutputError, or Cancelled once `cancel` is set; then no output
    is left half-written.
    """
    began = time.perf_counter()
    outputs.check(clip.path if isinstance(clip, ClipFile) else Path(clip))
    enhancer = Enhancer(checkpoint, settings)
    clip = clip if isinstance(clip, ClipFile) else open_clip(clip)
    prepared = enhancer.prepare(clip, _settle_sector(clip, sector))
    write = _described(write or WriteOptions(), enhancer)
    prepared_s = time.perf_counter() - began
    stages = FileStages(enhancer, prepared)
    with memory_in_words(), half_the_cores():
        stages.run(outputs, write, progress, cancel)
    card = stages.maker.card()
    with stages.timed("encode_s"):
        _write_summaries(outputs, enhancer, stages, card)
    timing = {"prepare_s": prepared_s, **stages.timing(), "total_s": time.perf_counter() - began}
    warnings = _warnings(prepared, enhancer, outputs, write)
    report = build_report(prepared, enhancer, stages.diagnoses.summaries, card, timing, warnings)
    if outputs.report is not None:
        report.write(outputs.report)
    return report


def _write_summaries(outputs: Outputs, enhancer: Enhancer, stages: FileStages, card: TrustCard) -> None:
    """The figure and the trust card, where they are wanted."""
    if outputs.figure is not None:
        caption = figure_caption(_made_by(enhancer))
        write_whole(outputs.figure, stages.diagnoses.figure(stages.prepared.sector, caption))
    if outputs.trust_card is not None:
        kept = enhancer.settings.keep_original
        write_card(outputs.trust_card, card_with_kept(card) if kept else card, stages.maker.picture())


def _warnings(prepared: PreparedClip, enhancer: Enhancer, outputs: Outputs, write: WriteOptions) -> list[str]:
    """What the reader should know of this result, each sentence once."""
    kept = (KEPT,) if enhancer.settings.keep_original else ()
    clip, sector = prepared.clip, prepared.sector
    bare = (NOT_BLACKENED,) if sector.kind == "whole" and _would_blacken(outputs, write) else ()
    plain = (NOT_MARKED,) if _lacks_mark(prepared, outputs, write) else ()
    return list(
        dict.fromkeys([*clip.warnings, *sector.notes, *bare, *plain, *kept, *enhancer.checkpoint.notes])
    )


def _lacks_mark(prepared: PreparedClip, outputs: Outputs, write: WriteOptions) -> bool:
    """Whether a picture was to be marked and has no room for the words."""
    pictures = any(path.suffix.lower() not in (".npz", ".dcm") for path in outputs.clips)
    if not (pictures and write.mark) or write.strip:
        return False
    first = next(prepared.clip.iter_frames())
    if write.blackout:
        first = black_outside(first, prepared.sector.tissue_mask)
    return place_mark(first, prepared.sector.mask) is None


def _would_blacken(outputs: Outputs, write: WriteOptions) -> bool:
    """Whether an output is to be black outside the tissue: a DICOM without identity always is."""
    return write.blackout or (
        not write.keep_identity and any(path.suffix.lower() == ".dcm" for path in outputs.clips)
    )


@contextmanager
def memory_in_words() -> Iterator[None]:
    """Raise SettingsError where the memory is full."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError):
        raise SettingsError(
            "The memory did not suffice. Close other programs, give a shorter or smaller clip, or on the command line "
            "a smaller --batch-size or --working-size."
        ) from None


def _settle_sector(clip: ClipFile, sector: Sector | Fan | None) -> Sector:
    if sector is None:
        return find_sector(clip)
    if isinstance(sector, Fan):
        return sector_from_fan(sector, clip)
    return sector


def _described(write: WriteOptions, enhancer: Enhancer) -> WriteOptions:
    """Say in the output itself what made it, where the caller has not."""
    made_by = _made_by(enhancer)
    return dataclasses.replace(
        write,
        description=write.description or made_by.sentence,
        software_version=write.software_version or __version__,
        enhancement=made_by,
    )


def _made_by(enhancer: Enhancer) -> Enhancement:
    settings = enhancer.settings
    return enhancement(enhancer.checkpoint, settings.strength, settings.keep_original)


def figure_caption(made_by: Enhancement) -> str:
    """What stands below the map figure."""
    return f"{made_by.model} {made_by.sha256[:12]} · {made_by.applied} · {NOTICE.lower()}"


def enhancement(checkpoint: Checkpoint, strength: float, kept: bool = False) -> Enhancement:
    """What the outputs say of their making."""
    return Enhancement(checkpoint.name, checkpoint.sha256, strength, __version__, kept)
