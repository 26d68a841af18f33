"""Fit a fan or a rectangle to a map of where tissue is imaged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from echogan.core.geometry import Fan

SOFT, SHARP = (
    8.0,
    1.5,
)  # cells over which the fan's border goes from 0 to 1: wide for the first fit, narrow for the last
COVER = 0.9  # the same for a mask that holds the share of each cell that is covered
GOOD = 0.93  # overlap from which no further start is tried
RECTANGLE_AHEAD = (
    0.005  # a rectangle wins up to this much below the fan's overlap: a fan with a far apex imitates one
)
WIDEST = 4.0  # the logarithm of an aspect up to which the fit may stray; far outside what `_fit` takes


@dataclass(frozen=True)
class Target:
    """What a shape is fitted to: float32 (h, w) cells with their centres in pixels of the frame, y (h, 1), x (1, w).

    share   probability that each cell is imaged tissue, or the share of it that is
    pitch   pixels of the frame to one cell
    """

    share: np.ndarray
    y: np.ndarray
    x: np.ndarray
    pitch: float


@dataclass(frozen=True)
class Fit:
    """A shape in pixels of the frame: `fan`, or `box` (top, left, bottom, right; ends exclusive).

    iou   overlap of the shape with the target, as intersection over union of two soft masks
    """

    iou: float
    fan: Fan | None = None
    box: tuple[int, int, int, int] | None = None


def fit_shape(target: Target) -> Fit | None:
    """The fan or the rectangle that overlaps best; None if there is nothing to fit."""
    fan, rectangle = fit_fan(target), fit_rectangle(target)
    if fan is None or (rectangle is not None and rectangle.iou > fan.iou - RECTANGLE_AHEAD):
        return rectangle
    return fan


def fit_fan(target: Target) -> Fit | None:
    """The fan that overlaps best; None if there is nothing to fit.

    Lines through the outermost tissue of each row (RANSAC) meet in the apex. Least squares between the target and the
    fan's soft mask then refine the fan, from other starts too if the overlap stays low.
    """
    starts = _starts(target)
    if not starts:
        return None
    best = _climb(target, starts[0])
    if overlap(target.share, _mask(target, best, COVER)) < GOOD:
        others = [best, *(_climb(target, other) for other in starts[1:])]
        best = max(others, key=lambda p: overlap(target.share, _mask(target, p, COVER)))
    return _fit(target, best)


def refit(target: Target, start: Fan, oblong: bool) -> Fit | None:
    """The fan near `start` that overlaps best; its pixels may be `oblong` (a squeezed frame), else they are square."""
    numbers = [*_numbers(start), np.log(start.aspect)]
    return _fit(target, _climb(target, np.array(numbers if oblong else numbers[:6])))


def _fit(target: Target, p: np.ndarray) -> Fit | None:
    """The numbers as a fit; None if they do not describe a fan that opens downwards."""
    x, y, left, right, r_min, r_max = (float(number) for number in p[:6])
    aspect = _aspect(p)
    if not (-89 < left < right - 8 and right < 89 and r_min < 0.8 * r_max and 0.4 < aspect < 2.5):
        return None
    fan = Fan((x, y), left, right, max(0.0, r_min), r_max, aspect)
    return Fit(overlap(target.share, _mask(target, p, COVER)), fan)


def fit_rectangle(target: Target) -> Fit | None:
    """The upright rectangle whose rows and columns are at least half full."""
    height, width = target.share.shape
    box = (0, 0, height, width)
    for _ in range(4):  # the rows decide which columns count, and the other way round
        top, left, bottom, right = box
        rows = np.nonzero(target.share[:, left:right].mean(1) > 0.5)[0]
        columns = np.nonzero(target.share[top:bottom].mean(0) > 0.5)[0]
        if not len(rows) or not len(columns):
            return None
        box = (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
    mask = np.zeros_like(target.share)
    mask[box[0] : box[2], box[1] : box[3]] = 1
    # Where a border row or column is only partly imaged, the border lies within its cell.
    inner = target.share[box[0] : box[2], box[1] : box[3]]
    before = np.array([inner[0].mean(), inner[:, 0].mean(), inner[-1].mean(), inner[:, -1].mean()])
    corner = np.array([target.y[0, 0], target.x[0, 0]]) - target.pitch / 2
    edges = np.array(box) + np.array([1, 1, -1, -1]) * (1 - before)
    pixels = np.rint(edges * target.pitch + np.tile(corner + 0.5, 2)).astype(int)
    top, left, bottom, right = (int(edge) for edge in pixels)
    return Fit(overlap(target.share, mask), box=(max(0, top), max(0, left), bottom, right))


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two soft masks in [0, 1]."""
    both = float((a * b).sum())
    return both / (float(a.sum()) + float(b.sum()) - both + 1e-6)


def fan_share(target: Target, fan: Fan) -> np.ndarray:
    """The share of each cell that a fan covers, float32 (h, w)."""
    return _mask(target, np.array([*_numbers(fan), np.log(fan.aspect)]), COVER)


def _numbers(fan: Fan) -> tuple[float, ...]:
    return (*fan.apex, fan.left_deg, fan.right_deg, fan.r_min, fan.r_max)


def _aspect(p: np.ndarray) -> float:
    """The aspect of six numbers, whose pixels are square, or of seven."""
    return float(np.exp(np.clip(p[6], -WIDEST, WIDEST))) if len(p) > 6 else 1.0


def _mask(target: Target, p: np.ndarray, softness: float) -> np.ndarray:
    """The soft mask of a fan: six numbers, or seven with the logarithm of its aspect."""
    left, right = np.radians(p[2:4]).astype(np.float32)
    dx, dy = (
        (target.x - np.float32(p[0])) * np.float32(_aspect(p)),
        target.y - np.float32(p[1]),
    )
    r = np.hypot(dx, dy)
    depth = np.minimum(dx * np.cos(left) - dy * np.sin(left), dy * np.sin(right) - dx * np.cos(right))
    depth = np.minimum(depth, np.minimum(r - np.float32(p[4]), np.float32(p[5]) - r))
    return 1 / (1 + np.exp(np.clip(-4 / (softness * target.pitch) * depth, -30, 30)))


def _climb(target: Target, start: np.ndarray) -> np.ndarray:
    """Least squares (Levenberg and Marquardt) between the fan's mask and the target, soft first, then sharp."""
    unit = np.array([target.pitch, target.pitch, 1, 1, target.pitch, target.pitch, 0.02])[: len(start)]
    q = start / unit
    for softness in (SOFT, SHARP):
        q = least_squares(
            lambda q, softness=softness: (_mask(target, q * unit, softness) - target.share).ravel(),
            q,
            method="lm",
            diff_step=1e-3,
            max_nfev=60,
            xtol=1e-4,
            ftol=1e-4,
        ).x
    return q * unit


def _starts(target: Target) -> list[np.ndarray]:
    """First guesses: the fan between the two edge lines, and fans about the target's bounding box."""
    solid = target.share > 0.5
    if solid.sum() < 30:
        return []
    rows, columns = np.nonzero(solid.any(1))[0], np.nonzero(solid.any(0))[0]
    ys, xs = target.y[rows, 0], target.x[0, columns]
    depth, width = float(np.ptp(ys)), float(np.ptp(xs))
    starts = []
    for half in (30.0, 42.0):
        r_max = max(depth, width / 2 / np.sin(np.radians(half)))
        starts.append(np.array([xs.mean(), ys[-1] - r_max, -half, half, r_max - depth, r_max]))
    between = _between_edges(solid, target)
    return [between, *starts] if between is not None else starts


def _between_edges(solid: np.ndarray, target: Target) -> np.ndarray | None:
    """The fan between the edge lines, as six numbers; None if no two lines cross."""
    rows = np.nonzero(solid.any(1))[0]
    first, last = solid[rows].argmax(1), solid.shape[1] - 1 - solid[rows, ::-1].argmax(1)
    y = target.y[rows, 0]
    left = _edge_line(target.x[0, first], y, -1, first > 0, target.pitch)
    right = _edge_line(target.x[0, last], y, 1, last < solid.shape[1] - 1, target.pitch)
    if left is None or right is None or right[1] - left[1] < 0.2:
        return None
    apex_y = (right[0] - left[0]) / (left[1] - right[1])
    apex_x = left[0] + left[1] * apex_y
    r = np.hypot(target.x - apex_x, target.y - apex_y)[solid]
    angles = np.degrees(np.arctan([left[1], right[1]]))
    return np.array([apex_x, apex_y, *angles, np.percentile(r, 0.5), np.percentile(r, 99.5)])


def _edge_line(
    x: np.ndarray, y: np.ndarray, side: int, free: np.ndarray, pitch: float
) -> tuple[float, float] | None:
    """(a, b) of the line x = a + b y along the outermost tissue, left (side -1) or right (side 1).

    RANSAC (Fischler and Bolles, 1981) in which points *outside* the line count against it: drop-out pulls
    tissue inwards, nothing pushes it outwards. Points on the frame's border are not `free` and do not count.
    """
    x, y = x[free].astype(float), y[free].astype(float)
    if len(y) < 8:
        return None
    pairs = np.random.default_rng(0).integers(0, len(y), (400, 2))
    pairs = pairs[np.abs(y[pairs[:, 0]] - y[pairs[:, 1]]) > 0.15 * np.ptp(y)]
    i, j = pairs.T
    b = (x[i] - x[j]) / (y[i] - y[j])
    keep = (side * b > -0.3) & (np.abs(b) < 3)
    if not keep.any():
        return None
    i, b = i[keep], b[keep]
    a = x[i] - b * y[i]
    distance = side * (x[None] - a[:, None] - b[:, None] * y[None])
    votes = (np.abs(distance) < pitch).sum(1) - 0.7 * (distance > 2 * pitch).sum(1)
    best = int(votes.argmax())
    return float(a[best]), float(b[best])
