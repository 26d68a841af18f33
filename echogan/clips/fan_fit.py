"""Fit a fan or a rectangle to the pixels that show tissue."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.optimize import minimize

from echogan.geometry import Fan

COARSE, FINE = 96, 224  # longer side in pixels of the grids on which the fit runs
RIM = 4  # cells on either side of the border that the step across it is measured on
EMPTY_INSIDE = 0.4  # cost of a dark pixel inside the shape, against 1 for a tissue pixel outside it:
# shadows and drop-out leave the fan dark in places, but tissue is never drawn outside it

GOOD = 0.93  # overlap from which no further start is tried


@dataclass(frozen=True)
class Fit:
    """A shape in full-size pixels: `fan`, or `box` (top, left, bottom, right; ends exclusive).

    score   overlap with the support in the Tversky index, 0 to 1: ranks shapes
    iou     plain intersection over union with the support
    """

    score: float
    iou: float
    fan: Fan | None = None
    box: tuple[int, int, int, int] | None = None


def fit_fan(support: np.ndarray, trust: np.ndarray) -> Fit | None:
    """The fan that overlaps best with `support`, bool (H, W); pixels where `trust` is False do not count.

    Lines through the outermost tissue of each row (RANSAC) meet in the apex; a simplex search (Nelder and
    Mead, 1965) then maximises the Tversky index, from other starts too where that does not get far. A coarse
    fit, for `refine` to finish. None where there is nothing to fit.
    """
    grid = _Grid(support, trust, COARSE)
    starts = _starts(grid)
    if not starts:
        return None
    best = grid.climb(starts[0], 1.0, 220)
    if grid.score(best, 1.0) < GOOD:
        best = max(
            [best, *(grid.climb(start, 1.0, 220) for start in starts[1:])], key=lambda p: grid.score(p, 1.0)
        )
    return grid.fit(best, 1.0)


def refine(
    support: np.ndarray, trust: np.ndarray, brightness: np.ndarray, start: Fit, free_aspect: bool = False
) -> Fit:
    """Go on from a fan fit on a fine grid; `free_aspect` lets pixels be oblong (a squeezed frame).

    The borders are drawn to the step in `brightness`, float32 (H, W): compression smears the support outwards
    by up to a block, but the step stays where the fan ends.
    """
    assert start.fan is not None
    fan = start.fan
    p, aspect = np.array([*fan.apex, fan.left_deg, fan.right_deg, fan.r_min, fan.r_max]), 1.0
    if free_aspect:
        *p, aspect = _Grid(support, trust, COARSE).climb(np.append(p, fan.aspect), None, 500)
    fine = _Grid(support, trust, FINE)
    p = fine.climb(np.array(p), float(aspect), 150)
    size = (fine.support.shape[1], fine.support.shape[0])
    return fine.fit(
        fine.climb(p, float(aspect), 250, cv2.resize(brightness, size, interpolation=cv2.INTER_AREA)),
        float(aspect),
    )


def fit_rectangle(support: np.ndarray, trust: np.ndarray) -> Fit | None:
    """The upright rectangle whose rows and columns are at least half full of `support`, bool (H, W)."""
    box = (0, 0, *support.shape)
    for _ in range(4):  # the rows decide which columns count, and the other way round
        top, left, bottom, right = box
        rows = np.nonzero(support[:, left:right].mean(1) > 0.5)[0]
        columns = np.nonzero(support[top:bottom].mean(0) > 0.5)[0]
        if not len(rows) or not len(columns):
            return None
        box = (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
    mask = np.zeros_like(support)
    mask[box[0] : box[2], box[1] : box[3]] = True
    return Fit(
        *_overlap(mask.astype(np.float32), support.astype(np.float32), trust.astype(np.float32)), box=box
    )


def _overlap(mask: np.ndarray, support: np.ndarray, trust: np.ndarray) -> tuple[float, float]:
    """(Tversky index, IoU) of two soft masks in [0, 1]."""
    both = float((mask * support * trust).sum())
    empty, missed = float((mask * trust).sum()) - both, float((support * trust).sum()) - both
    return both / (both + EMPTY_INSIDE * empty + missed + 1e-6), both / (both + empty + missed + 1e-6)


class _Grid:
    """The support on a small grid, and fans scored on it; a fan is six numbers in pixels of the support."""

    def __init__(self, support: np.ndarray, trust: np.ndarray, longer_side: int) -> None:
        height, width = support.shape
        scale = min(1.0, longer_side / max(height, width))
        size = (max(8, round(width * scale)), max(8, round(height * scale)))
        self.support = cv2.resize(support.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        self.trust = cv2.resize(trust.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        self.pitch = max(width / size[0], height / size[1])
        self.x = ((np.arange(size[0], dtype=np.float32) + 0.5) * (width / size[0]) - 0.5)[None]
        self.y = ((np.arange(size[1], dtype=np.float32) + 0.5) * (height / size[1]) - 0.5)[:, None]

    def depth(self, p: np.ndarray, aspect: float) -> np.ndarray:
        """How far each cell lies inside the nearest border of the fan, in cells; negative outside."""
        left, right = np.radians(p[2:4])
        dx, dy = (self.x - p[0]) * aspect, self.y - p[1]
        r = np.hypot(dx, dy)
        depth = np.minimum(dx * np.cos(left) - dy * np.sin(left), dy * np.sin(right) - dx * np.cos(right))
        return np.minimum(depth, np.minimum(r - p[4], p[5] - r)) / self.pitch

    def mask(self, p: np.ndarray, aspect: float) -> np.ndarray:
        """The fan's soft mask: depth clipped to one cell across the border."""
        return np.clip(self.depth(p, aspect) + 0.5, 0, 1)

    def step(self, p: np.ndarray, aspect: float, brightness: np.ndarray) -> float:
        """Mean brightness just inside the fan's border less that just outside."""
        depth = self.depth(p, aspect) / RIM
        inner = np.clip(1 - np.abs(2 * depth - 1), 0, 1) * self.trust
        outer = np.clip(1 - np.abs(2 * depth + 1), 0, 1) * self.trust
        return float(
            (inner * brightness).sum() / (inner.sum() + 1) - (outer * brightness).sum() / (outer.sum() + 1)
        )

    def score(self, p: np.ndarray, aspect: float) -> float:
        if not (-80 < p[2] < p[3] - 8 and p[3] < 80 and -1 < p[4] < 0.8 * p[5] and 0.4 < aspect < 2.5):
            return -1.0
        return _overlap(self.mask(p, aspect), self.support, self.trust)[0]

    def climb(
        self, start: np.ndarray, aspect: float | None, rounds: int, brightness: np.ndarray | None = None
    ) -> np.ndarray:
        """Nelder and Mead from `start`; with aspect None it is the seventh number and searched too.

        With `brightness` the step across the border counts as well, and the search starts with smaller steps.
        """
        length = (0.04 if brightness is None else 0.015) * max(self.support.shape) * self.pitch
        turn = 3 if brightness is None else 1.5
        steps = np.array([length, length, turn, turn, length, length, 0.1])[: len(start)]
        simplex = np.vstack([start, start + np.diag(steps)])
        options = {"initial_simplex": simplex, "maxfev": rounds, "xatol": 0.05, "fatol": 1e-5}

        def loss(p: np.ndarray) -> float:
            ratio = p[6] if aspect is None else aspect
            score = self.score(p[:6], ratio)
            if brightness is None or score < 0:
                return -score
            return -2 * score - self.step(p[:6], ratio, brightness)

        return minimize(loss, start, method="Nelder-Mead", options=options).x

    def fit(self, p: np.ndarray, aspect: float) -> Fit:
        x, y, left, right, r_min, r_max = (float(number) for number in p)
        fan = Fan((x, y), left, right, max(0.0, r_min), r_max, aspect)
        return Fit(*_overlap(self.mask(p, aspect), self.support, self.trust), fan)


def _starts(grid: _Grid) -> list[np.ndarray]:
    """First guesses: the fan between the two edge lines, and fans about the support's bounding box."""
    solid = grid.support > 0.5
    if solid.sum() < 30:
        return []
    rows, columns = np.nonzero(solid.any(1))[0], np.nonzero(solid.any(0))[0]
    ys, xs = grid.y[rows, 0], grid.x[0, columns]
    depth, width = float(np.ptp(ys)), float(np.ptp(xs))
    starts = []
    for half in (30.0, 42.0):
        r_max = max(depth, width / 2 / np.sin(np.radians(half)))
        starts.append(np.array([xs.mean(), ys[-1] - r_max, -half, half, r_max - depth, r_max]))
    between = _between_edges(solid, grid)
    return [between, *starts] if between is not None else starts


def _between_edges(solid: np.ndarray, grid: _Grid) -> np.ndarray | None:
    """The fan between the edge lines, as six numbers; None where no two lines cross."""
    rows = np.nonzero(solid.any(1))[0]
    first, last = solid[rows].argmax(1), solid.shape[1] - 1 - solid[rows, ::-1].argmax(1)
    y = grid.y[rows, 0]
    left = _edge_line(grid.x[0, first], y, -1, first > 0, grid.pitch)
    right = _edge_line(grid.x[0, last], y, 1, last < solid.shape[1] - 1, grid.pitch)
    if left is None or right is None or right[1] - left[1] < 0.2:
        return None
    apex_y = (right[0] - left[0]) / (left[1] - right[1])
    apex_x = left[0] + left[1] * apex_y
    r = np.hypot(grid.x - apex_x, grid.y - apex_y)[solid]
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
