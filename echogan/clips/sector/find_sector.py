"""Find the imaged sector of a clip: the network's map of it, the shape that fits the map, and the overlay inside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from echogan.clips.clip import Clip, ClipFile, grey
from echogan.clips.sector.clip_sample import SAMPLES, ClipSample
from echogan.clips.sector.evidence import Evidence, gather, moves
from echogan.clips.sector.fan_fit import Fit, fit_shape
from echogan.clips.sector.fan_polish import polish
from echogan.clips.sector.oblong import of_oblong, squared
from echogan.clips.sector.overlay import find_overlay, merge, split, text_is_sure
from echogan.clips.sector.sector_confidence import CHECK_BELOW, sector_confidence
from echogan.core.errors import SectorError
from echogan.core.geometry import Fan, Sector

__all__ = ["find_sector", "merge", "sector_from_fan", "split"]

LEVEL_PIXELS = 200_000  # about this many tissue pixels, over all frames, give the percentiles of grey
WHOLE = 0.97  # share of the frame from which the whole frame counts as tissue
TEXT_UNSURE = "Text over the tissue can be missed where nothing moves: check the result before you share it."
PLEASE_CHECK = "Please check it, and give the sector by hand if it is wrong."


def find_sector(clip: ClipFile | Clip | ClipSample, samples: int = SAMPLES) -> Sector:
    """The imaged sector, from at most `samples` frames spread over the clip; a ClipSample is taken as it is.

    A small network marks it in the clip's statistics over time; a fan or a rectangle is fitted to the marks. The
    confidence estimates the overlap (IoU) with the true sector. If nothing is found: the whole frame, with confidence 0
    and a note.
    """
    sample = _sample(clip, samples)
    if sample.pixel_aspect != 1:
        found = of_oblong(find_sector(squared(sample)), sample)
        # Text is looked for in the frames as they are stored: stretching blurs its strokes.
        notes = tuple(note for note in found.notes if note != TEXT_UNSURE)
        inside = replace(found, tissue_mask=found.mask, notes=notes)
        return _with_overlay(sample, inside, moves(sample.statistics))
    evidence = gather(sample.statistics, sample.regions)
    if evidence.target is None:
        nothing = "No moving or bright tissue was found, so the whole frame counts as tissue."
        return _whole(sample, 0.0, (*evidence.notes, nothing))
    if (evidence.target.share > 0.5).mean() > WHOLE:
        return _whole_frame(sample, evidence)
    fit = fit_shape(evidence.target)
    if fit is None:
        nothing = "No fan and no rectangle fits what looks like tissue, so the whole frame counts as tissue."
        return _whole(sample, 0.0, (*evidence.notes, nothing))
    return _sector(fit, evidence, sample)


def sector_from_fan(fan: Fan, clip: ClipFile | Clip | ClipSample, samples: int = SAMPLES) -> Sector:
    """The sector of a fan given by hand; the overlay inside it is still found. Raises SectorError.

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
    return _with_overlay(sample, sector, moves(sample.statistics))


def _sample(clip: ClipFile | Clip | ClipSample, samples: int) -> ClipSample:
    return clip if isinstance(clip, ClipSample) else ClipSample.of(clip, samples)


def _sector(fit: Fit, evidence: Evidence, sample: ClipSample) -> Sector:
    """The shape with its overlay and its notes."""
    assert evidence.target is not None
    stats = sample.statistics
    shape, notes = stats.mean.shape, list(evidence.notes)
    if evidence.panes > 1:
        notes.append(
            f"The frame shows {evidence.panes} panes side by side; the one with the most motion was taken."
        )
    lit = polish(fit.fan, stats, evidence.box, evidence.ground) if fit.fan is not None else None
    shown = lit or fit
    if shown.fan is not None and shown.fan.aspect != 1:
        notes.append("The frame looks squeezed: a fan with oblong pixels fits it better than a round one.")
    inside = shown.fan.mask(*shape) if shown.fan is not None else _box_mask(shown, shape)
    if inside.mean() > WHOLE:
        return _whole_frame(sample, evidence)
    confidence = sector_confidence(fit, lit, evidence)
    what = "fan" if shown.fan is not None else "rectangle"
    if not evidence.moving:
        notes.append("Nothing moves, so the sector was found from the grey levels.")
    if confidence < CHECK_BELOW:
        notes.append(
            f"The sector found may overlap with the true one by only {confidence:.0%}. {PLEASE_CHECK}"
        )
    sector = Sector(what, inside, inside, confidence, shown.fan, tuple(notes))
    return _with_overlay(sample, sector, evidence.moving)


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


def _box_mask(fit: Fit, shape: tuple[int, ...]) -> np.ndarray:
    assert fit.box is not None
    top, left, bottom, right = fit.box
    mask = np.zeros(shape, bool)
    mask[top:bottom, left:right] = True
    return mask


def _whole_frame(sample: ClipSample, evidence: Evidence) -> Sector:
    assert evidence.target is not None
    note = "The frame has no border: all of it counts as tissue."
    return _whole(sample, float(evidence.target.share.mean()), (*evidence.notes, note))


def _whole(sample: ClipSample, confidence: float, notes: tuple[str, ...]) -> Sector:
    everything = np.ones(sample.frames.shape[1:3], bool)
    if confidence == 0:
        notes = (*notes, PLEASE_CHECK)
    sector = Sector("whole", everything, everything, confidence, None, notes)
    return _with_overlay(sample, sector, moves(sample.statistics))
