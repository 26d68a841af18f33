"""Search a clip's statistics for the imaged sector, apex above or below, within what a DICOM header allows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from echogan.clips.sector.bounds import Bounds, Box, box_mask
from echogan.clips.sector.evidence import Evidence, gather
from echogan.clips.sector.fan_fit import Fit, fan_share, fit_shape, overlap
from echogan.clips.sector.fan_polish import EXACT, polish
from echogan.clips.sector.overlay import ClipStatistics
from echogan.clips.sector.sector_confidence import CHECK_BELOW, sector_confidence
from echogan.core.geometry import Fan, SectorKind

WHOLE = 0.97  # share of what was searched from which all of it counts as tissue
CONTRADICTS = 0.2  # share of a sure fan outside the DICOM region from which the region is wrong
UNSURE = 0.9  # overlap of fan and network's map below which the lit tissue may show the fan better
FILLED, ALIKE = 0.985, 0.95  # overlap of a lit fan with its tissue, and with the network's fan
BEYOND_DOUBT = 0.95  # confidence of a fan that cannot be one upside down
CLEARLY = 0.05  # how much higher the confidence of a fan with its apex below must be
PLEASE_CHECK = "Please check it, and give the sector by hand if it is wrong."


@dataclass(frozen=True)
class Found:
    """A sector in pixels of the frame: a fan, a box, or the whole frame (neither); within `bound` if there is one."""

    kind: SectorKind
    confidence: float
    notes: tuple[str, ...]
    moving: bool
    fan: Fan | None = None
    box: Box | None = None
    bound: Box | None = None

    @property
    def sure(self) -> bool:
        """Whether this is a fan that needs no check."""
        return self.kind == "fan" and self.confidence >= CHECK_BELOW

    def mask(self, shape: tuple[int, ...]) -> np.ndarray:
        """The pixels of the sector: bool (H, W)."""
        whole = np.ones(shape, bool)
        shown = self.fan.mask(shape[0], shape[1]) if self.fan is not None else whole
        for box in filter(None, (self.box, self.bound)):
            shown = shown & box_mask(box, shape)
        return shown


def search(stats: ClipStatistics, bounds: Bounds) -> Found:
    """The sector of a clip. If no fan is found beyond doubt, the frame is searched upside down too."""
    found = _search_upright(stats, bounds)
    if found.kind == "fan" and found.confidence >= BEYOND_DOUBT:
        return found
    height = stats.mean.shape[0]
    turned = _search_upright(stats.upside_down(), bounds.upside_down(height))
    if not (turned.sure and turned.confidence > found.confidence + CLEARLY):
        return found
    assert turned.fan is not None
    bound = turned.bound and Bounds((turned.bound,)).upside_down(height).tissue[0]
    notes = (*turned.notes, "The apex is at the bottom of this display: it is enhanced that way round.")
    return replace(turned, fan=turned.fan.upside_down(height), bound=bound, notes=notes)


def _search_upright(stats: ClipStatistics, bounds: Bounds) -> Found:
    """The sector with its apex above."""
    pane, shape = bounds.pane(stats), stats.mean.shape
    beside = bounds.beside(shape)
    seen = replace(stats, coloured=stats.coloured | beside) if beside.any() else stats
    if pane is None:
        found = _settle(gather(seen), seen)
        return replace(found, notes=(*bounds.notes((0, 0, *shape)), *found.notes))
    evidence = gather(seen, pane=pane) if len(bounds.panes) == 1 else None
    found = _settle(evidence, seen) if evidence is not None else None
    if evidence is None or found is None or not (evidence.agrees or found.sure):
        found = _settle(gather(seen, box=pane), seen)
    elif not evidence.agrees and _outside(found, pane, shape) > CONTRADICTS:
        note = "The DICOM region does not agree with the image and was ignored."
        return replace(found, notes=(note, *found.notes))
    return replace(found, bound=pane, notes=(*bounds.notes(pane), *found.notes))


def _outside(found: Found, pane: Box, shape: tuple[int, ...]) -> float:
    """The share of a sector that lies outside a pane."""
    mask = found.mask(shape)
    return float((mask & ~box_mask(pane, shape)).sum() / mask.sum())


def _settle(evidence: Evidence, stats: ClipStatistics) -> Found:
    """The shape that fits the evidence, with its notes."""
    if evidence.target is None:
        return _nothing("No moving or bright tissue was found", evidence)
    if (evidence.target.share > 0.5).mean() > WHOLE:
        return _everything(evidence)
    fit = fit_shape(evidence.target)
    if fit is None:
        return _nothing("No fan and no rectangle fits what looks like tissue", evidence)
    return _shape(fit, evidence, stats)


def _shape(fit: Fit, evidence: Evidence, stats: ClipStatistics) -> Found:
    notes = list(evidence.notes)
    if evidence.panes > 1:
        notes.append(
            f"The frame shows {evidence.panes} panes side by side; the one with the most motion was taken. Give the "
            "sector by hand for another."
        )
    shown = _lit_fan(fit, evidence, stats) or fit
    if shown.fan is not None and shown.fan.aspect != 1:
        notes.append("The frame looks squeezed: a fan with oblong pixels fits it better than a round one.")
    found = Found("fan" if shown.fan else "rectangle", 0.0, (), evidence.moving, shown.fan, shown.box)
    if found.mask(stats.mean.shape).mean() > WHOLE:
        return _everything(evidence)
    confidence = sector_confidence(fit)
    if not evidence.moving:
        notes.append("Nothing moves, so the sector was found from the grey levels.")
    if confidence < CHECK_BELOW:
        notes.append(
            f"The sector found may overlap with the true one by only {confidence:.0%}. {PLEASE_CHECK}"
        )
    return replace(found, confidence=confidence, notes=tuple(notes))


def _lit_fan(fit: Fit, evidence: Evidence, stats: ClipStatistics) -> Fit | None:
    """The fan that the lit tissue fills, where it may be better than the network's; else None.

    It may be where the network is unsure, where pixels are clearly oblong, and where tissue fills to its borders a fan
    that is nearly the network's. Elsewhere lit tissue seldom ends just at the border.
    """
    if fit.fan is None or evidence.target is None:
        return None
    lit = polish(fit.fan, stats, evidence.box, evidence.ground)
    if lit is None or lit.fan is None:
        return None
    if fit.iou < UNSURE or (lit.fan.aspect != 1 and lit.iou > EXACT):
        return lit
    both = (fan_share(evidence.target, fan) for fan in (fit.fan, lit.fan))
    return lit if lit.iou > FILLED and overlap(*both) > ALIKE else None


def _everything(evidence: Evidence) -> Found:
    assert evidence.target is not None
    confidence = float(evidence.target.share.mean())
    if evidence.cropped:
        note = "The region has no border inside: all of it counts as tissue."
        return Found("rectangle", confidence, (*evidence.notes, note), evidence.moving, box=evidence.box)
    note = "The frame has no border: all of it counts as tissue."
    return Found("whole", confidence, (*evidence.notes, note), evidence.moving)


def _nothing(why: str, evidence: Evidence) -> Found:
    what = "region" if evidence.cropped else "frame"
    notes = (*evidence.notes, f"{why}, so the whole {what} counts as tissue.", PLEASE_CHECK)
    if evidence.cropped:
        return Found("rectangle", 0.0, notes, evidence.moving, box=evidence.box)
    return Found("whole", 0.0, notes, evidence.moving)
