"""What in a clip speaks for tissue: motion, or brightness where nothing moves, cleared of pages and marks."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from echogan.clips.overlay import ClipStatistics

WORKING = 340  # at most so many pixels on the longer side of the maps on which tissue is looked for
MOVING_LEVELS = (0.6, 1.2, 2.5, 5.0)  # temporal standard deviation in grey levels
STILL_LEVELS = (3.0, 6.0, 12.0, 24.0)  # grey levels above the background


@dataclass(frozen=True)
class Evidence:
    """What speaks for tissue, at working size (h, w).

    strength  float32 (h, w), in the unit of `levels`: grey levels of motion, or above the background
    usable    bool (h, w): False on coloured marks and outside the panel of a page
    moving    whether motion was the evidence
    levels    thresholds worth trying
    factor    pixels of the frame to one working pixel
    """

    strength: np.ndarray
    usable: np.ndarray
    moving: bool
    levels: tuple[float, ...]
    factor: int
    notes: tuple[str, ...]


def moves(stats: ClipStatistics) -> bool:
    return bool(((stats.std > 1.5) & ~stats.coloured).mean() > 0.02)


def _shrunk(image: np.ndarray, factor: int) -> np.ndarray:
    """Means of blocks of `factor` x `factor` pixels, float32; the last row and column fill odd blocks."""
    height, width = image.shape
    padded = np.pad(image.astype(np.float32), ((0, -height % factor), (0, -width % factor)), mode="edge")
    return cv2.resize(
        padded, (padded.shape[1] // factor, padded.shape[0] // factor), interpolation=cv2.INTER_AREA
    )


def gather(stats: ClipStatistics, regions: tuple[tuple[int, int, int, int], ...]) -> Evidence:
    """Motion, or brightness where nothing moves, within the plotted panel or the DICOM region."""
    height, width = stats.mean.shape
    factor = -(-max(height, width) // WORKING)
    notes: list[str] = []
    panel, count = _panel(stats)
    if panel is not None:
        notes.append("The clip is drawn on a white page; only its dark panel was searched for the fan.")
        if count > 1:
            notes.append(f"The page has {count} panels; the largest one was taken.")
    usable = ~stats.coloured if panel is None else panel & ~stats.coloured
    still = stats.mean - _background(stats.mean, usable)
    std = np.where(usable, stats.std, 0)
    moving = (std > 1.5).mean() > 0.02 and not _frozen(std, np.where(usable, still, 0))
    strength = np.maximum(std, still / 8) if moving else still
    strength = _shrunk(np.where(usable, strength, 0), factor)
    if regions:
        strength, note = _within_region(
            strength, regions, factor, MOVING_LEVELS[1] if moving else STILL_LEVELS[1]
        )
        notes += note
    levels = MOVING_LEVELS if moving else STILL_LEVELS
    return Evidence(strength, _shrunk(usable, factor) > 0.5, bool(moving), levels, factor, tuple(notes))


def _frozen(std: np.ndarray, still: np.ndarray) -> bool:
    """Only a small part of what is lit moves: a frozen image with a running trace or clock."""
    lit = still > 8
    return bool(lit.mean() > 0.05 and (std[lit] > 0.8).mean() < 0.15)


def _background(mean: np.ndarray, usable: np.ndarray) -> float:
    """The grey level of the empty screen: the commonest dark level where one is common, else the darkest."""
    levels = mean[usable] if usable.any() else mean.ravel()
    counts = np.bincount(np.rint(levels).astype(int).ravel(), minlength=256)[:64]
    common = int(counts.argmax())
    return float(common) if counts[common] > 0.05 * levels.size else float(np.percentile(levels, 0.1))


def _panel(stats: ClipStatistics) -> tuple[np.ndarray | None, int]:
    """The dark panel of a page with a white ground: (bool (H, W) or None where there is no page, panels)."""
    white = ((stats.low > 225) & (stats.std < 4)).astype(np.uint8)
    border = np.concatenate([white[0], white[-1], white[:, 0], white[:, -1]])
    if border.mean() < 0.6 or white.mean() < 0.08:
        return None, 0
    dark = cv2.morphologyEx(1 - white, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8))  # ticks and letters go
    count, _, boxes, _ = cv2.connectedComponentsWithStats(dark)
    large = [i for i in range(1, count) if boxes[i, cv2.CC_STAT_AREA] > 0.02 * dark.size]
    if not large:
        return None, 0
    taken = max(large, key=lambda i: boxes[i, cv2.CC_STAT_AREA])
    left, top, width, height = boxes[taken, :4]
    panel = np.zeros(dark.shape, bool)
    panel[top + 2 : top + height - 2, left + 2 : left + width - 2] = True
    return panel, len(large)


def _within_region(
    strength: np.ndarray, regions: tuple[tuple[int, int, int, int], ...], factor: int, level: float
) -> tuple[np.ndarray, list[str]]:
    """The evidence inside the largest DICOM region, unless much lies outside: then the tags are wrong."""
    top, left, bottom, right = max(regions, key=lambda b: (b[2] - b[0]) * (b[3] - b[1]))
    inside = np.zeros_like(strength)
    inside[top // factor : -(-bottom // factor), left // factor : -(-right // factor)] = 1
    main = components(strength, level)[0]
    if main.any() and (main & (inside > 0)).sum() < 0.97 * main.sum():
        return strength, ["The DICOM region does not agree with the image and was ignored."]
    return strength * inside, []


def components(strength: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray, int]:
    """(main, others, panes): the patch with the most evidence, the rest, and how many patches rival it."""
    nearby = cv2.GaussianBlur(
        strength, (0, 0), 2
    )  # a border lies at half the height of the step, not at its foot
    solid = strength > np.maximum(level, 0.6 * nearby)
    closed = cv2.morphologyEx(solid.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    solid = cv2.morphologyEx(closed, cv2.MORPH_OPEN, _disc(strength, 0.012))
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(solid)
    if count < 2:
        return np.zeros(solid.shape, bool), np.zeros(solid.shape, bool), 0
    weight = np.bincount(labels.ravel(), np.minimum(strength, 4 * level).ravel(), count)
    weight[0] = 0
    taken = int(weight.argmax())
    left, right = boxes[:, 0], boxes[:, 0] + boxes[:, 2]
    apart = (left >= right[taken] - 0.1 * boxes[taken, 2]) | (right <= left[taken] + 0.1 * boxes[taken, 2])
    rivals = apart & (weight > 0.35 * weight[taken]) & (boxes[:, cv2.CC_STAT_AREA] > 0.02 * solid.size)
    rest = (labels > 0) & (labels != taken) & ~rivals[labels]
    return labels == taken, rest, 1 + int(rivals.sum())


def _disc(image: np.ndarray, share: float) -> np.ndarray:
    size = max(3, round(share * max(image.shape)) | 1)
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))


def solid_shape(support: np.ndarray) -> np.ndarray:
    """Small gaps closed and holes filled: bool (h, w)."""
    pad = max(8, round(0.04 * max(support.shape)))
    padded = np.pad(support.astype(np.uint8), pad)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, _disc(support, 0.03))
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros_like(closed), outlines, -1, 1, cv2.FILLED)
    return filled[pad:-pad, pad:-pad] > 0
