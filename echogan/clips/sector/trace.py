"""Find the ECG trace over the tissue: a thin level baseline, and the strokes that are connected to it."""

from __future__ import annotations

import cv2
import numpy as np

from echogan.clips.clip import grey
from echogan.clips.sector.overlay import FEW

BASELINE_CONTRAST = 30.0  # grey levels that a baseline is brighter than what lies above and below it
CONTRAST = 18.0  # the same for the trace's other strokes, against both sides, across or down
BORDER = 6.0  # the same for pixels beside a stroke, from which they are part of it
LEVEL_RUN = 0.03  # share of the frame's width that a piece of the baseline runs level
BASELINE = 0.14  # share of the frame's width that one row's pieces cover more than those of the rows around
BASELINE_STILL = 0.28  # the same if constancy over time cannot separate a trace from a line in the speckle
AS_BRIGHT = 0.6  # grey of the trace's strokes, as a share of its baseline's: over tissue a trace is no darker
RISES, FALLS = 0.15, 0.06  # shares of the frame's height that the trace reaches above and below its baseline
SPIKES = 0.008  # share of the band's width that strokes cover in a row of it: an R wave is a pixel or two in a beat
OFTEN = 0.6  # share of the frames from which a stroke counts as still
MOVING = 0.04  # share of the frame's width over which strokes must come and go for the trace to move


def find_trace(frames: np.ndarray) -> np.ndarray:
    """Pixels that a trace covers: bool (H, W), from uint8 frames (T, H, W) or (T, H, W, 3).

    Strokes connected to the baseline that stand still are the trace. If they come and go, everything they cover counts,
    and the gaps between: the trace passes there in frames that were not sampled.
    """
    height, width = frames.shape[1:3]
    reach = max(2, round(0.012 * min(height, width)))
    row = _baseline(frames, reach)
    trace = np.zeros((height, width), bool)
    if row is None:
        return trace
    first = max(0, row - round(RISES * height))
    rows = np.s_[first : row + round(FALLS * height)]
    share = np.mean([_connected(frame, rows, row - first, reach) for frame in frames], axis=0)
    often, ever = share >= OFTEN, share > 0
    top, bottom = _band((often if often.sum() > ever.sum() / 2 else ever).mean(1), row - first)
    trace[first + top : first + bottom] = often[top:bottom]
    passing = ever[top:bottom] & ~often[top:bottom]
    columns = cv2.blur(passing.any(0).astype(np.float32)[None], (4 * reach + 1, 1))[0] > 0.5
    if columns.sum() > MOVING * width:
        trace[first + top : first + bottom] |= _swept(ever[top:bottom], 4 * reach + 1)
    return trace


def _swept(strokes: np.ndarray, gap: int) -> np.ndarray:
    """The area that moving strokes, bool (h, W), sweep over: gaps of up to `gap` columns are filled."""
    framed = cv2.copyMakeBorder(strokes.astype(np.uint8), 1, 1, gap, gap, cv2.BORDER_CONSTANT, value=0)
    closed = cv2.morphologyEx(framed, cv2.MORPH_CLOSE, np.ones((1, gap), np.uint8))
    return closed[1:-1, gap:-gap] > 0


def _baseline(frames: np.ndarray, reach: int) -> int | None:
    """The row in which thin level pieces cover much more of the width than in the rows around; None without one."""
    height, width = frames.shape[1:3]
    covered = np.zeros(height)
    for frame in frames:
        flat = _above(grey(frame), reach, 0) > BASELINE_CONTRAST
        count, labels, boxes, _ = cv2.connectedComponentsWithStats(
            cv2.morphologyEx(flat.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((1, 3), np.uint8))
        )
        level = (boxes[:, 2] >= LEVEL_RUN * width) & (boxes[:, 3] <= 2 * reach + 2) & (np.arange(count) > 0)
        covered += cv2.dilate(level[labels].astype(np.uint8), np.ones((3, 1), np.uint8)).mean(1)
    covered /= len(frames)
    covered[: 2 * reach] = covered[-2 * reach :] = 0  # a line around the picture
    near = height // 8
    usual = np.array([np.median(covered[max(0, i - near) : i + near]) for i in range(height)])
    row = int((covered - usual).argmax())
    wanted = BASELINE if len(frames) >= FEW else BASELINE_STILL
    return row if covered[row] - usual[row] > wanted else None


def _above(level: np.ndarray, reach: int, axis: int) -> np.ndarray:
    """Grey levels by which pixels are brighter than both of those `reach` away along an axis: int16 (H, W)."""
    padding = ((reach, reach), (0, 0)) if axis == 0 else ((0, 0), (reach, reach))
    padded = np.pad(level.astype(np.int16), padding, mode="edge")
    size = level.shape[axis]
    before, after = padded.take(range(size), axis), padded.take(range(2 * reach, 2 * reach + size), axis)
    return level - np.maximum(before, after)


def _connected(frame: np.ndarray, rows: slice, row: int, reach: int) -> np.ndarray:
    """Strokes in the frame's `rows` that are connected to the baseline's `row` among them: bool (h, W)."""
    level = grey(frame)[rows]
    down = _above(level, reach, 0)
    drawn = level[max(0, row - 1) : row + 2][down[max(0, row - 1) : row + 2] > BASELINE_CONTRAST]
    if not len(drawn):
        return np.zeros(level.shape, bool)
    # The two sides of an R wave stand as close together as `reach`: a shorter one separates them.
    across = np.maximum(_above(level, reach, 1), _above(level, max(1, reach // 2), 1))
    lines = np.maximum(down, across)
    strokes = lines > CONTRAST
    strokes &= level > AS_BRIGHT * np.median(drawn)
    labels = cv2.connectedComponents(strokes.astype(np.uint8), connectivity=8)[1]
    touching = np.unique(labels[max(0, row - 2) : row + 3])
    traced = (strokes & np.isin(labels, touching[touching > 0])).astype(np.uint8)
    # A stroke's soft border, and what compression smears around it, is brighter than the tissue; speckle stays out.
    return (cv2.dilate(traced, np.ones((3, 3), np.uint8)) > 0) & ((traced > 0) | (lines > BORDER))


def _band(covered: np.ndarray, row: int) -> tuple[int, int]:
    """(top, bottom) rows, the end exclusive, around a baseline that strokes cover without a gap; `covered` (h,)."""
    filled = cv2.dilate((covered > SPIKES).astype(np.uint8)[:, None], np.ones((3, 1), np.uint8))[:, 0] > 0
    top = bottom = row
    while top > 0 and filled[top - 1]:
        top -= 1
    while bottom < len(filled) and filled[bottom]:
        bottom += 1
    return top, max(bottom, row + 1)
