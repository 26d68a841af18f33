"""Move a found fan's borders to where the lit tissue ends, in clips where tissue fills the fan to its borders."""

from __future__ import annotations

import cv2
import numpy as np

from echogan.clips.sector.fan_fit import Fit, Target, fan_share, fit_fan, overlap, refit
from echogan.clips.sector.fan_network import Square
from echogan.clips.sector.overlay import ClipStatistics
from echogan.core.geometry import Fan

FINE, STEP = 224, 2  # cells on the longer side; every STEP-th is fitted to
# Tried as tissue: grey levels of motion, or an eighth of those above the ground.
LEVELS = (0.6, 1.2, 2.5, 5.0, 10.0)
LIT = 0.93  # overlap of fan and lit tissue from which the tissue's outline counts as the fan's
SQUEEZED_GAIN, SQUEEZED = 0.01, 0.08  # how much better oblong pixels must fit, and how oblong they must be
KEPT = 0.93  # share of the network's map that the fan must cover: a dark side must not narrow it
NEAR = 0.8  # overlap of the two
OUTSIDE = 0.04  # share of the lit tissue outside the network's map from which the map must be wrong
SAME, TRIED = 0.95, 3  # overlap from which two levels count as the same tissue; how many are tried at most
EXACT = 0.975  # overlap with the lit tissue from which its arc counts as the fan's
NEARLY, ARC = 0.9, 0.7  # the same if at least this share of the beams ends on the arc
BEAMS, ON_ARC = 40, 3.0  # beams looked at, and within how many cells of the arc one must end
PLAIN = 0.94  # overlap with the lit tissue from which a fan is taken without further evidence


def polish(fan: Fan, stats: ClipStatistics, box: tuple[int, int, int, int], ground: float) -> Fit | None:
    """The fan fitted to the lit tissue within `box` of the frame; None if the tissue does not fill the fan.

    `ground` is the grey level of the empty screen. The fit's iou is the overlap with the lit tissue. Pixels are oblong
    (a squeezed frame) only if the lit tissue's outline clearly shows it.
    """
    square = Square.around(box, FINE)
    part = np.s_[box[0] : box[2], box[1] : box[3]]
    strength = np.maximum(stats.std[part], (stats.mean[part] - ground) / 8)
    strength = square.shrink(np.where(stats.coloured[part], 0, strength))
    empty = Target(np.zeros_like(strength), square.y, square.x, 1 / square.scale)
    seen = fan_share(empty, fan)
    supports = _unlike([_solid(strength, level, seen) for level in LEVELS], seen)
    targets = [_thinned(support, square) for support in supports]
    fits = []
    for target in targets:
        fits.append(fit := _refit(target, fan))
        if fit is not None and _is_the_fan(fit, fan, target, seen[::STEP, ::STEP]):
            return fit
    if (supports[0] * (1 - seen)).sum() < OUTSIDE * supports[0].sum():
        return None
    # Tissue never lies outside the fan, so here the network is wrong. A fan that explains the lit tissue is taken
    # instead, unless it is narrower: a dark side is not a border.
    best = max(filter(None, (fits[0], fit_fan(targets[0]))), key=lambda found: found.iou, default=None)
    return best if best is not None and best.iou > PLAIN and not _narrower(best, fan) else None


def _unlike(supports: list[np.ndarray], seen: np.ndarray) -> list[np.ndarray]:
    """The supports, those most like `seen` first, without those that nearly repeat an earlier one."""
    kept: list[np.ndarray] = []
    for support in sorted(supports, key=lambda support: -overlap(support, seen)):
        if all(overlap(support, other) < SAME for other in kept):
            kept.append(support)
    return kept[:TRIED]


def _thinned(support: np.ndarray, square: Square) -> Target:
    """Every STEP-th cell of a support: borders cross so many cells that fewer of them fit as well, and faster."""
    return Target(support[::STEP, ::STEP], square.y[::STEP], square.x[:, ::STEP], 1 / square.scale)


def _refit(target: Target, fan: Fan) -> Fit | None:
    """The best fan near `fan`; its pixels are square unless oblong ones explain the outline clearly better."""
    fit = refit(target, fan, False)
    if fit is not None and fit.iou > EXACT:
        return fit
    oblong = refit(target, fan, True)
    return oblong if oblong is not None and (fit is None or _clearly_squeezed(oblong, fit)) else fit


def _is_the_fan(fit: Fit, fan: Fan, target: Target, seen: np.ndarray) -> bool:
    """Whether the lit tissue fills its fan to the borders, so that these are the borders of the imaged sector."""
    assert fit.fan is not None
    if fit.iou > LIT and _keeps(fan_share(target, fit.fan), seen):
        return True
    # Shadow ends along a beam, but only the true border along an arc: the fan may be shallower, not narrower.
    if _narrower(fit, fan):
        return False
    return fit.iou > EXACT or (fit.iou > NEARLY and _ends_on_arc(fit.fan, target) > ARC)


def _narrower(fit: Fit, fan: Fan) -> bool:
    """Whether the fitted fan opens clearly less than `fan` does."""
    assert fit.fan is not None
    return fit.fan.right_deg - fit.fan.left_deg < KEPT * (fan.right_deg - fan.left_deg)


def _ends_on_arc(fan: Fan, target: Target) -> float:
    """The share of the fan's beams on which the lit tissue ends at the fan's depth; 0 if the frame cuts most off."""
    dx, dy = (target.x - fan.apex[0]) * fan.aspect, target.y - fan.apex[1]
    r, angle = np.hypot(dx, dy), np.degrees(np.arctan2(dx, dy))
    beams = np.floor((angle - fan.left_deg) / (fan.right_deg - fan.left_deg) * BEAMS).astype(int)
    inside = (beams >= 0) & (beams < BEAMS)
    reach, end = np.zeros(BEAMS), np.zeros(BEAMS)
    np.maximum.at(reach, beams[inside], r[inside])
    lit = inside & (target.share > 0.5)
    np.maximum.at(end, beams[lit], r[lit])
    near = ON_ARC * target.pitch
    whole = reach > fan.r_max + near
    return float((np.abs(end[whole] - fan.r_max) < near).mean()) if whole.sum() > BEAMS / 3 else 0.0


def _keeps(fan: np.ndarray, seen: np.ndarray) -> bool:
    """Whether a fan covers what the network saw and little more, both shares of cells (h, w)."""
    return bool((fan * seen).sum() > KEPT * seen.sum() and overlap(fan, seen) > NEAR)


def _clearly_squeezed(oblong: Fit, fit: Fit) -> bool:
    """Whether oblong pixels explain the outline clearly better; elsewhere pixels are taken to be square."""
    assert oblong.fan is not None
    return oblong.iou > fit.iou + SQUEEZED_GAIN and abs(np.log(oblong.fan.aspect)) > SQUEEZED


def _solid(strength: np.ndarray, level: float, seen: np.ndarray) -> np.ndarray:
    """The patches brighter than `level` that lie mostly in what was seen, gaps and holes filled: float32 (h, w)."""
    # A border lies at half the height of the step, not at its foot.
    nearby = cv2.GaussianBlur(strength, (0, 0), 2 * FINE / 224)
    lit = (strength > np.maximum(level, 0.6 * nearby)).astype(np.uint8)
    lit = cv2.morphologyEx(lit, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    lit = cv2.morphologyEx(lit, cv2.MORPH_OPEN, _disc(3))
    count, found = cv2.connectedComponents(lit)
    labels = np.asarray(found, int)
    area = np.maximum(np.bincount(labels.ravel(), minlength=count), 1)
    within = np.bincount(labels.ravel(), seen.ravel(), count) / area > 0.5
    within[0] = False
    margin = 10
    kept = np.pad(within[labels].astype(np.uint8), margin)
    closed = cv2.morphologyEx(kept, cv2.MORPH_CLOSE, _disc(7))
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros_like(closed), outlines, -1, 1, cv2.FILLED)
    return filled[margin:-margin, margin:-margin].astype(np.float32)


def _disc(size: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
