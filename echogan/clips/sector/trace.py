"""Find the ECG trace over the tissue: a small network marks it in one frame and in the clip's statistics over time."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from echogan.clips.clip import grey
from echogan.clips.sector.fan_network import Square
from echogan.clips.sector.overlay import ClipStatistics
from echogan.clips.sector.unet import probability

SIDE = 256  # pixels of the square that the frame is shrunk into
CHANNELS = 7  # a frame and its lines, the highest over time and its lines, the spread over time, row, column
WIDTHS = (8, 16, 24, 32, 32)  # channels at 128, 64, 32, 16 and 8 pixels
WEIGHTS = Path(__file__).with_name("trace_network.safetensors")
LINE = 0.012  # share of the frame's shorter side within which a line is darker at both sides
SURE = 0.2  # probability from which a pixel of the square counts as trace
BORDER = 6.0  # grey levels above both sides from which a pixel is part of a line
SAMPLED = 10  # frames from which a clip may have others between them
PASSES = 0.04  # share of the frame's width between two strokes at one height that a moving trace passes over
ACROSS = 0.2  # share of the frame's columns in which a trace has strokes: letters and ticks have not


def find_trace(frames: np.ndarray, stats: ClipStatistics) -> np.ndarray:
    """Pixels that a trace covers in some frame, with the borders of its strokes: bool (H, W).

    Of SAMPLED frames and more, others may lie between them, in which a trace that moves passes between its strokes.

    frames  uint8 (n, H, W) or (n, H, W, 3), of which the statistics are
    """
    square = Square.around((0, 0, *stats.mean.shape), SIDE)
    maps = trace_maps(frames[len(frames) // 2], stats, square)
    found = probability(maps, WIDTHS, WEIGHTS)[square.rows, square.columns] > SURE
    if found.any(0).mean() < ACROSS:
        return np.zeros(stats.mean.shape, bool)
    near = cv2.dilate(found.astype(np.uint8), np.ones((3, 3), np.uint8))
    # A thin stroke must not fall between the pixels of a small frame.
    how = cv2.INTER_NEAREST if square.scale <= 1 else cv2.INTER_AREA
    near = cv2.resize(near, stats.mean.shape[::-1], interpolation=how) > 0
    strokes = near & _drawn(frames, np.flatnonzero(near.any(1)))
    if len(frames) < SAMPLED:
        return strokes
    return _swept(strokes, 2 * max(1, round(PASSES / 2 * strokes.shape[1])))


def _drawn(frames: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Lines of any frame, and the pixels around them, between the first and the last of some rows: bool (H, W)."""
    shape, reach = frames.shape[1:3], _reach(frames.shape[1:3])
    part = slice(max(0, rows[0] - reach), rows[-1] + 1 + reach)
    drawn = np.zeros(shape, bool)
    for frame in frames:
        drawn[part] |= _lines(grey(frame[part]).astype(np.float32), reach) > BORDER
    return cv2.dilate(drawn.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0


def trace_maps(frame: np.ndarray, stats: ClipStatistics, square: Square) -> np.ndarray:
    """What the network sees: float32 (CHANNELS, SIDE, SIDE), about 0 to 1, columns from -1; 0 around the frame."""
    level, reach = grey(frame).astype(np.float32), _reach(stats.mean.shape)
    maps = np.zeros((CHANNELS, SIDE, SIDE), np.float32)
    window = maps[:, square.rows, square.columns]
    seen = (
        square.shrink(level),
        greatest(_lines(level, reach), square),
        square.shrink(stats.high),
        greatest(_lines(stats.high, reach), square),
        square.shrink(stats.std),
    )
    for channel, image in zip(window, seen, strict=False):
        channel[:] = np.log1p(np.maximum(image, 0)) / np.log(256)
    window[5] = np.linspace(0, 1, window.shape[1], dtype=np.float32)[:, None]
    window[6] = np.linspace(-1, 1, window.shape[2], dtype=np.float32)[None]
    return maps


def greatest(image: np.ndarray, square: Square) -> np.ndarray:
    """About the greatest value of an image (H, W) in each pixel of the square: a thin line keeps its level."""
    size = max(1, round(1 / square.scale))
    return square.shrink(cv2.dilate(image, np.ones((size, size), np.uint8)))


def _reach(shape: tuple[int, ...]) -> int:
    """How far from a line both its sides are darker, in pixels of a frame of this shape."""
    return max(2, round(LINE * min(shape)))


def _lines(level: np.ndarray, reach: int) -> np.ndarray:
    """Grey levels by which pixels are brighter than both sides, `reach` away across or down: float32 (h, w)."""
    padded = cv2.copyMakeBorder(level, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    height, width = level.shape
    rows, columns = np.s_[reach : reach + height], np.s_[reach : reach + width]
    down = np.maximum(padded[:height, columns], padded[2 * reach :, columns])
    across = np.maximum(padded[rows, :width], padded[rows, 2 * reach :])
    return level - np.minimum(down, across)


def _swept(strokes: np.ndarray, gap: int) -> np.ndarray:
    """Strokes bool (H, W) with gaps along the rows of up to `gap` columns, an even number, filled."""
    framed = cv2.copyMakeBorder(strokes.astype(np.uint8), 0, 0, gap, gap, cv2.BORDER_CONSTANT, value=0)
    closed = cv2.morphologyEx(framed, cv2.MORPH_CLOSE, np.ones((1, gap + 1), np.uint8))
    return closed[:, gap:-gap] > 0
