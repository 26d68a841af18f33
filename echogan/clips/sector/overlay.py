"""The overlay drawn over the tissue: find it, remove it from a frame, and put it back over the result."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from echogan.clips.clip import grey
from echogan.clips.sector.tint import LUMA, NOISY, is_noisy, smoothed, spread, tint_curve
from echogan.core.geometry import Fan, Sector

COLOURED = 35.0  # grey levels away from the clip's own tint: drawn in colour
VIVID = 70.0  # the same, so far away that one frame is enough (a moving ECG trace)
MARK_CONTRAST = 30.0  # grey levels above the surroundings: a mark in a moving clip
STILL_CONTRAST = 110.0  # the same in a still, in which speckle is as constant as text
FEW = 5  # with fewer frames constancy over time is no evidence
SOME = 10  # with fewer frames speckle too is constant by chance, here and there: a mark must have a sharp edge as well
EDGE = 60.0  # grey levels between a pixel's neighbours: sharper than most speckle
STAYS = 26.0  # grey levels of a mark's colour that noise does not explain: of the mean over the neighbourhood
TEXTURE = 3  # grey levels between neighbours: more than within a bar drawn in one colour
TINTED = 6.0  # mean chroma in grey levels above which the whole B-mode counts as tinted


@dataclass(frozen=True)
class ClipStatistics:
    """Per-pixel statistics over time, float32 (H, W) in grey levels; `coloured` bool (H, W)."""

    mean: np.ndarray
    std: np.ndarray
    low: np.ndarray
    high: np.ndarray
    coloured: np.ndarray
    frames: int

    @classmethod
    def of(cls, frames: np.ndarray, panes: np.ndarray | None = None) -> ClipStatistics:
        """Statistics of uint8 frames (T, H, W) or (T, H, W, 3), one frame in float at a time.

        The B-mode's own colour is taken from `panes`, bool (H, W), where they are known.
        """
        shape = frames.shape[1:3]
        total, squares = np.zeros(shape, np.float64), np.zeros(shape, np.float64)
        low, high = np.full(shape, 255, np.uint8), np.zeros(shape, np.uint8)
        for frame in frames:
            level = grey(frame)
            total += level
            squares += level.astype(np.float32) ** 2
            low, high = np.minimum(low, level), np.maximum(high, level)
        mean = total / len(frames)
        std = np.sqrt(np.maximum(squares / len(frames) - mean**2, 0))
        coloured = _coloured(frames, std, panes) if frames.ndim == 4 else np.zeros(shape, bool)
        mean, std, low, high = (image.astype(np.float32) for image in (mean, std, low, high))
        return cls(mean, std, low, high, coloured, len(frames))

    def upside_down(self) -> ClipStatistics:
        """The same of the clip with its rows in reverse."""
        names = ("mean", "std", "low", "high", "coloured")
        return replace(self, **{name: getattr(self, name)[::-1] for name in names})


def _coloured(frames: np.ndarray, std: np.ndarray, panes: np.ndarray | None) -> np.ndarray:
    """Pixels whose colour is not the B-mode's own: in 15 % of the frames, or vividly in one."""
    middle = frames[len(frames) // 2]
    tissue = std > 2 if (std > 2).mean() > 0.02 else _textured(middle)
    tissue = tissue & panes if panes is not None and (tissue & panes).any() else tissue
    tint = tint_curve(middle, tissue)
    noisy = is_noisy(middle, tissue) or np.median(spread(_odd(middle, tint)[tissue])) > NOISY
    often, vivid = np.zeros(std.shape, np.float32), np.zeros(std.shape, bool)
    for frame in frames:
        if not spread(frame).any():
            continue
        odd = spread(colour := _odd(frame, tint))
        stays = spread(smoothed(colour)) > STAYS if noisy else True
        often += (odd > COLOURED) & stays
        vivid |= (odd > VIVID) & stays
    return (often > 0.15 * len(frames)) | vivid


def _textured(frame: np.ndarray) -> np.ndarray:
    """Pixels of a still (H, W, 3) that differ from their neighbours, as speckle does and bars do not: bool (H, W)."""
    level = grey(frame)
    ring = _ring(level)
    return ring > TEXTURE if (ring > TEXTURE).mean() > 0.01 else np.ones(level.shape, bool)


def _odd(frame: np.ndarray, tint: np.ndarray) -> np.ndarray:
    """The colour of a frame (H, W, 3) beside a tint (256, 3): R - Y, G - Y, B - Y, float32 (H, W, 3)."""
    return frame.astype(np.float32) - (frame @ LUMA)[..., None] - tint[grey(frame)]


def text_is_sure(stats: ClipStatistics, moving: bool) -> bool:
    """Whether constancy over time separates text from tissue: not in a still, nor in fewer than FEW frames."""
    return moving and stats.frames >= FEW


def find_overlay(stats: ClipStatistics, inside: np.ndarray, moving: bool, fan: Fan | None) -> np.ndarray:
    """Text, ticks and traces within the sector `inside`: bool (H, W).

    Coloured pixels always. Grey ones must be thin, brighter than what surrounds them, and constant while the
    tissue around them moves, but for what JPEG adds to each frame; or have sharper edges than an ultrasound beam can
    draw. In a still, or in fewer than FEW frames, where speckle too may stay the same by chance, the edges alone count.
    The main bang, also thin, bright and constant, is left out: marks within 6 % of the depth from the probe.
    The gaps within and between letters count as overlay: black strokes would spell a name as well as white ones.
    """
    moving = text_is_sure(stats, moving)
    size = max(5, round(0.025 * min(inside.shape)) | 1)
    top_hat = cv2.morphologyEx(stats.mean, cv2.MORPH_TOPHAT, _disc(size))
    marks, bright = _text_like(stats.mean, top_hat), top_hat > MARK_CONTRAST
    if stats.frames < SOME:
        bright &= _ring(stats.mean) > EDGE
    if moving:
        marks |= bright & _constant(stats, top_hat, 4 * size + 1)
    if fan is not None:
        r, _ = fan.polar(*inside.shape)
        depth = (r - fan.r_min) / (fan.r_max - fan.r_min)
        marks &= depth > 0.06
        if moving:  # ticks along an edge: compression makes them flicker with the tissue that they touch
            rim = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 3) < size
            marks |= bright & (stats.std < 0.08 * top_hat) & rim & (depth > 0.3)
    marks = cv2.dilate((marks | stats.coloured).astype(np.uint8), np.ones((3, 3), np.uint8))
    return (_blocks(marks, 2 * size + 1) > 0) & inside


def _constant(stats: ClipStatistics, top_hat: np.ndarray, reach: int) -> np.ndarray:
    """Pixels that stay as they are while the square of `reach` pixels around them moves: bool (H, W)."""
    nearby = cv2.blur(stats.std, (reach, reach))
    # Compression of single frames makes a mark flicker by a share of its contrast.
    coded = np.maximum(2.5, 0.06 * top_hat)
    return (stats.std < 1) | ((stats.std < 0.25 * nearby) & (stats.std < coded))


def _ring(image: np.ndarray) -> np.ndarray:
    """How much the neighbours of each pixel differ, itself among them: as `image` (H, W)."""
    around = np.ones((3, 3), np.uint8)
    return cv2.dilate(image, around) - cv2.erode(image, around)


def _blocks(marks: np.ndarray, gap: int) -> np.ndarray:
    """`marks`, uint8 (H, W), with every gap filled that no square of `gap` pixels fits into."""
    # A margin keeps the frame's edge from counting as a mark.
    framed = cv2.copyMakeBorder(marks, gap, gap, gap, gap, cv2.BORDER_CONSTANT, value=0)
    closed = cv2.morphologyEx(framed, cv2.MORPH_CLOSE, np.ones((gap, gap), np.uint8))
    return closed[gap:-gap, gap:-gap]


def _text_like(mean: np.ndarray, top_hat: np.ndarray) -> np.ndarray:
    """Flat bright strokes with edges one pixel wide: what a screen draws and speckle never is."""
    ring = _ring(mean)
    strokes = (top_hat > STILL_CONTRAST) & (mean > 150)
    count, found = cv2.connectedComponents(strokes.astype(np.uint8), connectivity=8)
    labels = np.asarray(found, int)
    if count < 2:
        return np.zeros_like(strokes)
    index = labels.ravel()
    area = np.maximum(np.bincount(index, minlength=count), 1)
    level = np.bincount(index, mean.ravel(), count) / area
    spread = np.sqrt(np.maximum(np.bincount(index, mean.ravel() ** 2, count) / area - level**2, 0))
    jump = np.bincount(index, ring.ravel(), count) / area
    drawn = (area >= 4) & (spread < 12) & (jump > STILL_CONTRAST)
    drawn[0] = False
    return drawn[labels] & strokes


def _disc(size: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))


def split(frame: np.ndarray, sector: Sector) -> np.ndarray:
    """Tissue alone: uint8 (H, W), grey, black outside the sector, the overlay filled from its surroundings.

    `frame` uint8 (H, W) or (H, W, 3). The fill is a mean of the tissue nearby, taken over windows that double
    until every overlay pixel has some.
    """
    level = np.where(sector.tissue_mask, grey(frame), 0).astype(np.uint8)
    if not sector.overlay_mask.any():
        return level
    rows, columns = np.nonzero(sector.overlay_mask.any(1))[0], np.nonzero(sector.overlay_mask.any(0))[0]
    reach = 16
    box = np.s_[
        max(rows[0] - reach, 0) : rows[-1] + reach + 1, max(columns[0] - reach, 0) : columns[-1] + reach + 1
    ]
    level[box] = _filled(level[box], sector.tissue_mask[box], sector.overlay_mask[box])
    return level


def _filled(level: np.ndarray, tissue: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """`level` with `holes` filled by the mean of the tissue in the smallest window that has any."""
    filled, missing = level.astype(np.float32), holes.copy()
    window = 7
    while missing.any() and window < 4 * max(level.shape):
        weight = cv2.blur(tissue.astype(np.float32), (window, window), borderType=cv2.BORDER_CONSTANT)
        mean = cv2.blur(level.astype(np.float32), (window, window), borderType=cv2.BORDER_CONSTANT)
        near = missing & (weight * window > 0.5)  # a few pixels, more in a wider window
        filled[near] = mean[near] / weight[near]
        missing &= ~near
        window = 2 * window + 1
    return np.rint(filled).astype(np.uint8)


def merge(original: np.ndarray, enhanced: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The original with `enhanced` (uint8 (H, W)) where `mask`, its tissue, is True; same shape as `original`, uint8.

    Bit for bit the original wherever the mask is False. In colour frames a pixel with equal channels
    becomes the enhanced grey exactly; a tinted B-mode takes the tint that it has at the new grey level.
    """
    if original.ndim == 2:
        return cv2.copyTo(enhanced, mask.astype(np.uint8), original.copy())
    result, places = original.copy(), np.flatnonzero(mask)
    # Row by row of a flat picture: numpy takes five times as long with the mask itself.
    flat, after = result.reshape(-1, 3), enhanced.ravel().take(places)
    before = flat.take(places, axis=0)
    coloured = spread(before).any()
    new = _recoloured(original, mask, before, after) if coloured else np.repeat(after[:, None], 3, 1)
    for channel in range(3):
        flat[places, channel] = new[:, channel]
    return result


def _recoloured(original: np.ndarray, mask: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Tissue pixels `before` (N, 3) at the new grey levels `after` (N,): uint8 (N, 3)."""
    level = before.astype(np.float32) @ LUMA
    chroma = before - level[:, None]
    new = after.astype(np.float32)
    bright = level > 30
    tinted = bright.any() and spread(chroma[bright]).mean() > TINTED
    if tinted:  # black has no colour of its own: it takes the tint of its new level
        tint = tint_curve(original, mask)
        chroma = tint[after] + (chroma - tint[np.rint(level).astype(np.uint8)]) * _shrink(new, level)
        plain = (spread(before) == 0) & (level >= 10)
        chroma[plain] = 0
    else:
        chroma = chroma * _shrink(new, level)
    return np.clip(np.rint(new[:, None] + chroma), 0, 255).astype(np.uint8)


def _shrink(new: np.ndarray, level: np.ndarray) -> np.ndarray:
    """The share of a pixel's own chroma that stays: less where it darkens, never more, to limit noise."""
    return np.minimum(1, new / np.maximum(level, 1))[:, None]
