"""Refuse what is not B-mode: Doppler by its colours, M-mode and spectral displays by their sideways movement."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import cv2
import numpy as np

from echogan.clips.clip import grey
from echogan.clips.sector.tint import LUMA, NOISY, smoothed, spread, tint_curve
from echogan.core.errors import UnsupportedClip
from echogan.core.geometry import Sector

COLOURED = 30.0  # grey levels between the largest and smallest channel, without the tint: a pixel has colour
SMOOTH = 22.0  # the same of the colour's mean over the neighbourhood, in which noise and dither cancel
ALIKE = 0.5  # and as a share of the neighbours' own colour: flow has one hue, dither has all
DENSE = 0.7  # share of the neighbourhood that has colour, without lines and letters
FULL = 0.85  # the same of a wide neighbourhood, lines and letters included: they fill less of it
STROKE = 40.0  # grey levels, or levels of colour, that a line or letter is above what lies on both sides
FLOW_SHARE = 0.004  # share of the sector in one frame
PLAIN, PLAIN_SHARE = 8.0, 0.3  # grey levels of smoothed colour, and share of the lit pixels: no tint
SIZES = (
    (7, 0.012),
    (7, 0.016),
    (13, 0.055),
)  # least pixels, share of the longer side: neighbourhood, line, wide
LEFT_OVER, EXPLAINED = 40.0, 0.92  # the same that a tint may leave, in at least this share of the lit pixels
LIT = 30
SMEARED = 13  # pixels across which JPEG smears the colour of a line
SURE = 0.6  # confidence of a fan from which every patch of colour within it counts
FAN = 0.8  # confidence of a fan from which its shape says that it is no strip
SWEPT = 0.35  # share of a redrawn column that changes; in the dim tissue of a B-mode clip it is less
SLOW = 4  # a strip that moves by a pixel in a frame is compared with the frame so many later
STATIC = 2.5  # grey levels of change over time below which a patch is a drawing on the screen
AROUND, VARIED, EXTENT = (
    0.3,
    12.0,
    0.85,
)  # of a patch in a still: lit share around it, spread, share of its box

SENTENCES = {
    "colour": "This clip shows colour Doppler (flow, power or tissue velocity), whose colours would be lost; choose a "
    "plain B-mode clip.",
    "strip": "This clip shows M-mode or spectral Doppler, which moves sideways through time; choose a grey-scale "
    "B-mode clip.",
}


class NotBMode(UnsupportedClip):
    """Doppler or M-mode; `mode` is "colour" for colour Doppler, "strip" for M-mode and spectral Doppler."""

    def __init__(self, mode: Literal["colour", "strip"]) -> None:
        super().__init__(SENTENCES[mode])
        self.mode = mode


def refuse_other_modes(frames: np.ndarray, sector: Sector, trace: np.ndarray, given: bool = False) -> None:
    """Raise NotBMode if uint8 frames (n, H, W) or (n, H, W, 3), in order, show Doppler or M-mode in the sector.

    trace   bool (H, W): pixels of an ECG trace, whose colour is no flow
    given   the sector was given by hand: its confidence says nothing about what it shows
    """
    sure = sector.kind == "fan" and sector.confidence >= SURE
    drawn = cv2.dilate(trace.astype(np.uint8), np.ones((SMEARED, SMEARED), np.uint8)) > 0
    if shows_flow(frames, (sector.mask if sure else np.ones_like(sector.mask)) & ~drawn, sure):
        raise NotBMode("colour")
    top, left, bottom, right = sector.box
    if (given or sector.kind != "fan" or sector.confidence < FAN) and scrolls(
        np.stack([grey(frame[top:bottom, left:right]) for frame in frames])
    ):
        raise NotBMode("strip")


def shows_flow(frames: np.ndarray, inside: np.ndarray, sure: bool = True) -> bool:
    """Whether uint8 frames (n, H, W, 3) show colour Doppler within `inside`, bool (H, W).

    Colour counts in patches, not in lines and letters, and only where it stays when the neighbourhood is averaged. A
    tint that the whole B-mode shares is removed first. If `inside` is not `sure` to be tissue, patches that look like
    bars and logos do not count.
    """
    if frames.ndim < 4 or not inside.any():
        return False
    rows, columns = np.nonzero(inside.any(1))[0], np.nonzero(inside.any(0))[0]
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    sizes = [max(pixels, round(part * max(inside.shape)) | 1) for pixels, part in SIZES]
    frames, inside = frames[:, *box], inside[box]
    least, tint = FLOW_SHARE * inside.sum(), _tint(frames[len(frames) // 2], inside)
    for frame in frames:
        patches = _patches(frame, inside, tint, least, sizes)
        if patches.sum() > least and not sure:
            patches &= ~_drawings(patches, frame, frames)
        if patches.sum() > least:
            return True
    return False


def _patches(
    frame: np.ndarray, inside: np.ndarray, tint: np.ndarray | None, least: float, sizes: list[int]
) -> np.ndarray:
    """Pixels of a frame (H, W, 3) that belong to patches of colour: bool (H, W)."""
    nothing = np.zeros_like(inside)
    if not spread(frame).any():
        return nothing
    chroma = _chroma(frame)
    if tint is not None:
        chroma -= tint[grey(frame)]
    saturation = spread(chroma)
    coloured = (saturation > COLOURED) & inside
    if coloured.sum() <= least:
        return nothing
    size, line, wide = sizes
    broad = coloured & ~_strokes(np.maximum(frame.max(-1), saturation), line)
    filled = (_share(broad, size) > DENSE) | (_share(coloured, wide) > FULL)
    reach = 2 if np.median(saturation[inside]) > NOISY else 1  # in a noisy picture the mean needs more pixels
    core = filled & (
        spread(smoothed(chroma, reach)) > np.maximum(SMOOTH, ALIKE * smoothed(saturation, reach))
    )
    return (cv2.dilate(core.astype(np.uint8), np.ones((size, size), np.uint8)) > 0) & coloured


def _strokes(level: np.ndarray, size: int) -> np.ndarray:
    """Bright lines and letters and the pixels next to them, bool (H, W), in an image of grey levels."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    thin = cv2.morphologyEx(level.astype(np.float32), cv2.MORPH_TOPHAT, disc) > STROKE
    return cv2.dilate(thin.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def _share(mask: np.ndarray, size: int) -> np.ndarray:
    return cv2.blur(mask.astype(np.float32), (size, size))


def _chroma(frame: np.ndarray) -> np.ndarray:
    return frame - (frame @ LUMA)[..., None]


def _tint(frame: np.ndarray, inside: np.ndarray) -> np.ndarray | None:
    """The B-mode's own colour at each grey level, float32 (256, 3); None unless nearly all lit pixels have it."""
    level = grey(frame)
    lit = inside & (level > LIT)
    if not lit.any():
        return None
    chroma = _chroma(frame)
    plain = spread(smoothed(chroma))[lit] < np.maximum(PLAIN, 0.1 * level[lit])
    if plain.mean() > PLAIN_SHARE:
        return None
    tint = tint_curve(frame, inside)
    explained = spread(smoothed(chroma - tint[level]))[lit] < LEFT_OVER
    return tint if explained.mean() > EXPLAINED else None


def _change(frames: np.ndarray) -> np.ndarray:
    """Standard deviation over time of uint8 (T, H, W, 3), mean of the channels: (H, W), frame by frame."""
    total, squares = (np.zeros(frames.shape[1:], np.float64) for _ in range(2))
    for frame in frames:
        total += frame
        squares += np.square(frame, dtype=np.float32)
    return np.sqrt(np.maximum(squares / len(frames) - (total / len(frames)) ** 2, 0)).mean(-1)


def _drawings(patches: np.ndarray, frame: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """Those `patches`, bool (H, W), that are drawn on the screen beside the tissue, as bars and logos are.

    They stand still while a clip moves. In a still they have nothing lit around them, and one shade or straight sides.
    """
    level = grey(frame).astype(np.float32)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(patches.astype(np.uint8))
    change = _change(frames) if len(frames) > 2 else None
    moves = change is not None and (change > STATIC).mean() > 0.02
    drawn = np.zeros_like(patches)
    for label in range(1, count):
        patch = labels == label
        if moves:
            assert change is not None
            if np.median(change[patch]) < STATIC:
                drawn |= patch
            continue
        ring = (cv2.dilate(patch.astype(np.uint8), np.ones((13, 13), np.uint8)) > 0) & ~patch
        extent = patch.sum() / (boxes[label, 2] * boxes[label, 3])
        if (level[ring] > LIT).mean() < AROUND and (level[patch].std() < VARIED or extent > EXTENT):
            drawn |= patch
    return drawn


def scrolls(frames: np.ndarray) -> bool:
    """Whether grey frames uint8 (n, H, W), in order, move sideways as a whole or are redrawn in a narrow column.

    M-mode and spectral Doppler displays do so, tissue does not. A single frame never scrolls.
    """
    size = min(256, frames.shape[2]), min(128, frames.shape[1])
    small = [cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.float32) for frame in frames]
    return any(_scroll(small[::step]) for step in (1, SLOW))


def _scroll(frames: list[np.ndarray]) -> bool:
    pairs = [(a, b) for a, b in pairwise(frames) if np.abs(a - b).mean() > 0.2]
    return sum(_sweeps(a, b) or _shifts(a, b) for a, b in pairs) > len(pairs) / 2


def _sweeps(a: np.ndarray, b: np.ndarray) -> bool:
    """Only few columns changed, and these over most of their height."""
    changed = np.abs(a - b) > 4
    columns = changed.mean(0) > 0.1
    if not 0 < columns.mean() < 0.35:
        return False
    redrawn, others = changed[:, columns].mean(), changed[:, ~columns].mean()
    return bool(redrawn > max(SWEPT, 4 * others))


def _shifts(a: np.ndarray, b: np.ndarray) -> bool:
    """The second frame is the first one moved sideways."""
    still, width = np.abs(a - b).mean(), a.shape[1]
    steps = [s for s in range(-width // 4, width // 4 + 1) if abs(s) > 1]
    moved = [
        np.abs(a[:, max(0, -s) : width - max(0, s)] - b[:, max(0, s) : width - max(0, -s)]).mean()
        for s in steps
    ]
    return bool(min(moved) < 0.4 * still)
