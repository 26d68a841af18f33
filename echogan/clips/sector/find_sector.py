"""Find the imaged sector of a clip: the network's map of it, the shape that fits the map, and the overlay inside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from echogan.clips.clip import Clip, ClipFile, grey
from echogan.clips.sector.clip_sample import SAMPLES, ClipSample
from echogan.clips.sector.evidence import moves
from echogan.clips.sector.not_b_mode import refuse_other_modes
from echogan.clips.sector.oblong import of_oblong, squared
from echogan.clips.sector.overlay import find_overlay, merge, split, text_is_sure
from echogan.clips.sector.search import search
from echogan.core.errors import SectorError
from echogan.core.geometry import Fan, Sector

__all__ = ["find_sector", "merge", "sector_from_fan", "split"]

LEVEL_PIXELS = 200_000  # about this many tissue pixels, over all frames, give the percentiles of grey
TEXT_UNSURE = "Text over the tissue can be missed where nothing moves: check the result before you share it."


def find_sector(clip: ClipFile | Clip | ClipSample, samples: int = SAMPLES) -> Sector:
    """The imaged sector, from at most `samples` frames spread over the clip; a ClipSample is taken as it is.

    A small network marks it in the clip's statistics over time; a fan or a rectangle is fitted to the marks, within the
    regions of a DICOM header. The confidence is an overlap (IoU) with the true sector that most sectors seen as clearly
    exceed. If nothing is found: the whole frame, with confidence 0 and a note. Raises NotBMode (UnsupportedClip) for
    Doppler and M-mode.
    """
    sample = _sample(clip, samples)
    if sample.pixel_aspect != 1:
        stretched = of_oblong(find_sector(squared(sample)), sample)
        # Text is looked for in the frames as they are stored: stretching blurs its strokes.
        notes = tuple(note for note in stretched.notes if note != TEXT_UNSURE)
        sector = replace(stretched, tissue_mask=stretched.mask, notes=notes)
        return _with_overlay(sample, sector, moves(sample.statistics))
    found = search(sample.statistics, sample.bounds)
    inside = found.mask(sample.frames.shape[1:3])
    sector = Sector(found.kind, inside, inside, found.confidence, found.fan, found.notes)
    refuse_other_modes(sample.frames, sector, sample.trace)
    return _with_overlay(sample, sector, found.moving)


def sector_from_fan(fan: Fan, clip: ClipFile | Clip | ClipSample, samples: int = SAMPLES) -> Sector:
    """The sector of a fan given by hand; the overlay inside it is still found. Raises SectorError, NotBMode.

    A fan without an aspect of its own (1) takes that of the clip's pixels.
    """
    fan.check()
    sample = _sample(clip, samples)
    if fan.aspect == 1:
        fan = replace(fan, aspect=sample.pixel_aspect)
    height, width = sample.frames.shape[1:3]
    inside = fan.mask(height, width)
    if inside.mean() < 0.01:
        raise SectorError(
            f"The sector {fan} covers less than 1 % of the {width} x {height} frame. "
            "Give its apex and radii in pixels of the frame, and its angles in degrees from straight down."
        )
    sector = Sector("fan", inside, inside, 1.0, fan, ("The sector was given by hand.",))
    refuse_other_modes(sample.frames, sector, sample.trace, given=True)
    return _with_overlay(sample, sector, moves(sample.statistics))


def _sample(clip: ClipFile | Clip | ClipSample, samples: int) -> ClipSample:
    return clip if isinstance(clip, ClipSample) else ClipSample.of(clip, samples)


def _with_overlay(sample: ClipSample, sector: Sector, moving: bool) -> Sector:
    """Split the sector into tissue and overlay, measure its grey levels, and note where text may have been missed."""
    inside, stats = sector.tissue_mask, sample.statistics
    overlay = find_overlay(stats, inside, moving, sector.fan) | (sample.trace & inside)
    sure = text_is_sure(stats, moving)
    notes = sector.notes if sure else (*sector.notes, TEXT_UNSURE)
    tissue = inside & ~overlay
    return replace(
        sector,
        tissue_mask=tissue,
        overlay_mask=overlay,
        notes=notes,
        text_sure=sure,
        levels=grey_levels(sample.frames, tissue),
    )


def grey_levels(frames: np.ndarray, tissue: np.ndarray) -> tuple[float, ...]:
    """Percentiles 0, 1, ..., 100 of the grey levels of `tissue`, bool (H, W), all frames pooled; empty without tissue.

    Only every nth tissue pixel is used, so that about LEVEL_PIXELS of them count.
    """
    where = np.flatnonzero(tissue)
    if not len(where):
        return ()
    where = where[:: max(1, len(where) * len(frames) // LEVEL_PIXELS)]
    pixels = frames.reshape(len(frames), tissue.size, *frames.shape[3:])[:, where]
    return tuple(np.percentile(grey(pixels), np.arange(101)).tolist())
