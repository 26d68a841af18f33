"""Find the imaged sector of a clip: evidence for tissue, the shape that fits it, and the overlay inside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from echogan.clips.clip import Clip, ClipFile, grey
from echogan.clips.evidence import Evidence, components, gather, moves, solid_shape
from echogan.clips.fan_fit import Fit, fit_fan, fit_rectangle, refine
from echogan.clips.overlay import ClipStatistics, find_overlay, merge, split, text_is_sure
from echogan.errors import SectorError
from echogan.geometry import Fan, Sector

__all__ = ["find_sector", "merge", "sector_from_fan", "split"]

MAX_SAMPLE_BYTES = 400_000_000
LEVEL_PIXELS = 200_000  # about so many pixels of tissue, of all frames together, give the percentiles of grey
CHECK_BELOW = 0.6  # confidence below which the reader is asked to look
TEXT_UNSURE = "Text over the tissue can be missed where nothing moves: look before you share the result."
PLEASE_CHECK = "Please check it, and give the sector by hand if it is wrong."


@dataclass(frozen=True)
class _Candidate:
    fit: Fit
    support: np.ndarray
    trust: np.ndarray
    panes: int


def find_sector(clip: ClipFile | Clip, samples: int = 40) -> Sector:
    """The imaged sector, from at most `samples` frames spread over the clip.

    Motion shows the tissue; a still or a frozen clip is judged by its grey levels. The confidence is the
    overlap (IoU) of the fitted shape with that evidence. Nothing found: the whole frame, confidence 0, a note.
    """
    frames = _sample(clip, samples)
    stats = ClipStatistics.of(frames)
    evidence = gather(stats, clip.regions if isinstance(clip, ClipFile) else ())
    best = max(filter(None, (_fit_at(evidence, level) for level in evidence.levels)), key=_rank, default=None)
    if best is None:
        return _whole(
            frames,
            stats,
            0.0,
            ("No moving or bright tissue was found, so the whole frame counts as tissue.",),
        )
    return _sector(best, evidence, frames, stats)


def sector_from_fan(fan: Fan, clip: ClipFile | Clip, samples: int = 40) -> Sector:
    """The sector of a fan given by hand; the overlay inside it is still found. Raises SectorError."""
    fan.check()
    frames = _sample(clip, samples)
    height, width = frames.shape[1:3]
    inside = fan.mask(height, width)
    if inside.mean() < 0.01:
        raise SectorError(
            f"The sector {fan} covers less than 1 % of the {width} x {height} frame. "
            "Give its apex and radii in pixels of the frame, and its angles in degrees from straight down."
        )
    stats = ClipStatistics.of(frames)
    sector = Sector("fan", inside, inside, 1.0, fan, ("The sector was given by hand.",))
    return _with_overlay(frames, stats, sector, moves(stats))


def _sample(clip: ClipFile | Clip, samples: int) -> np.ndarray:
    """At most `samples` frames spread evenly, fewer of huge ones: uint8 (n, H, W) or (n, H, W, 3)."""
    if isinstance(clip, ClipFile):
        size = clip.height * clip.width * (3 if clip.color else 1)
        return clip.sample(min(samples, max(3, MAX_SAMPLE_BYTES // size)))
    wanted = np.linspace(0, len(clip.frames) - 1, min(samples, len(clip.frames))).round().astype(int)
    return clip.frames[wanted]


def _fit_at(evidence: Evidence, level: float) -> _Candidate | None:
    """Fit the shapes to the evidence above `level`, in working pixels; None where there is next to none."""
    main, rest, panes = components(evidence.strength, level)
    if main.mean() < 0.01:
        return None
    support = solid_shape(main)
    trust = evidence.usable | support
    fit = fit_fan(support, trust)
    if fit is not None and fit.fan is not None and rest.any():  # islands that a shadow cut off
        grown = replace(
            fit.fan, r_max=1.1 * fit.fan.r_max, left_deg=fit.fan.left_deg - 3, right_deg=fit.fan.right_deg + 3
        )
        islands = rest & grown.mask(*rest.shape)
        if islands.sum() > 0.02 * main.sum():
            support = solid_shape(main | islands)
            fit = fit_fan(support, trust)
    rectangle = fit_rectangle(support, trust)
    if rectangle is not None and (fit is None or rectangle.iou > fit.iou):
        fit = rectangle
    return _Candidate(fit, support, trust, panes) if fit is not None else None


def _rank(candidate: _Candidate) -> float:
    """Overlap, less a handicap for the whole frame: background noise moves everywhere at the lowest levels."""
    return candidate.fit.score - (0.15 if candidate.support.mean() > 0.8 else 0)


def _sector(best: _Candidate, evidence: Evidence, frames: np.ndarray, stats: ClipStatistics) -> Sector:
    """The candidate at full size, with its overlay and its notes."""
    shape = stats.mean.shape
    brightness = np.log1p(np.maximum(evidence.strength, 0))
    polish = partial(refine, best.support, best.trust, brightness, best.fit)
    fit = best.fit if best.fit.fan is None else polish()
    notes = list(evidence.notes)
    if best.panes > 1:
        notes.append(
            f"The frame shows {best.panes} panes side by side; the one with the most motion was taken."
        )
    if fit.fan is not None and fit.iou < 0.97:
        oblong = polish(free_aspect=True)
        if oblong.fan is not None and oblong.score > fit.score + 0.012 and abs(oblong.fan.aspect - 1) > 0.08:
            fit = oblong
            notes.append(
                "The frame looks squeezed: a fan with oblong pixels fits it better than a round one."
            )
    fan = _full_size(fit.fan, evidence.factor) if fit.fan is not None else None
    inside = fan.mask(*shape) if fan is not None else _box_mask(fit, shape, evidence.factor)
    if inside.mean() > 0.97:
        return _whole(
            frames, stats, fit.iou, (*notes, "The frame has no border: all of it counts as tissue.")
        )
    confidence = float(np.clip(fit.iou, 0, 1))
    what = "fan" if fan is not None else "rectangle"
    if not evidence.moving:
        notes.append(f"Nothing moves, so the {what} was found from the grey levels.")
    if confidence < CHECK_BELOW:
        notes.append(f"The {what} fits only {confidence:.0%} of what looks like tissue. {PLEASE_CHECK}")
    sector = Sector(what, inside, inside, confidence, fan, tuple(notes))
    return _with_overlay(frames, stats, sector, evidence.moving)


def _with_overlay(frames: np.ndarray, stats: ClipStatistics, sector: Sector, moving: bool) -> Sector:
    """Split the sector's tissue into tissue and overlay, take its levels, say where text can have been missed."""
    inside = sector.tissue_mask
    overlay = find_overlay(stats, inside, moving, sector.fan)
    sure = text_is_sure(stats, moving)
    notes = sector.notes if sure else (*sector.notes, TEXT_UNSURE)
    tissue = inside & ~overlay
    return replace(
        sector,
        tissue_mask=tissue,
        overlay_mask=overlay,
        notes=notes,
        text_sure=sure,
        levels=grey_levels(frames, tissue),
    )


def grey_levels(frames: np.ndarray, tissue: np.ndarray) -> tuple[float, ...]:
    """Percentiles 0, 1, ..., 100 of the grey levels of `tissue`, bool (H, W), all frames pooled; empty without any.

    Every nth pixel of the tissue alone, so that about LEVEL_PIXELS of them are looked at.
    """
    where = np.flatnonzero(tissue)
    if not len(where):
        return ()
    where = where[:: max(1, len(where) * len(frames) // LEVEL_PIXELS)]
    pixels = frames.reshape(len(frames), tissue.size, *frames.shape[3:])[:, where]
    return tuple(np.percentile(grey(pixels), np.arange(101)).tolist())


def _full_size(fan: Fan, factor: int) -> Fan:
    apex = ((fan.apex[0] + 0.5) * factor - 0.5, (fan.apex[1] + 0.5) * factor - 0.5)
    return replace(fan, apex=apex, r_min=fan.r_min * factor, r_max=fan.r_max * factor)


def _box_mask(fit: Fit, shape: tuple[int, ...], factor: int) -> np.ndarray:
    assert fit.box is not None
    top, left, bottom, right = (edge * factor for edge in fit.box)
    mask = np.zeros(shape, bool)
    mask[top:bottom, left:right] = True
    return mask


def _whole(frames: np.ndarray, stats: ClipStatistics, confidence: float, notes: tuple[str, ...]) -> Sector:
    everything = np.ones(stats.mean.shape, bool)
    if confidence == 0:
        notes = (*notes, PLEASE_CHECK)
    sector = Sector("whole", everything, everything, confidence, None, notes)
    return _with_overlay(frames, stats, sector, moves(stats))
