"""Lesions drawn into a real heart: their outlines in cm, from the expert's outlines and the phantom's shapes.

Kinds, sizes and levels are those of `echogan.phantom.lesions`. CAMUS outlines the LV with its muscle, and the LA, so
three kinds lie on them: a thrombus at the apex or on the wall of the LV, a mass on the wall of the LA or of the LV, and
a vegetation on the mitral valve, where both meet. Four-chamber stills can also have a hole in the septum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from echogan.phantom.anatomy.heart import Cavity
from echogan.phantom.anatomy.outlines import signed_distance
from echogan.phantom.draw import Draw
from echogan.phantom.lesions.kinds import LEVELS_DB, SIZES_CM, LesionKind
from echogan.phantom.lesions.shapes import SUNK_CM, Wall, chain, gap, lump, mural
from echogan.phantom.tissues import Tissue
from eval.camus.stills import Still
from eval.camus.two_chamber import CamusView

LV, MYOCARDIUM, LA = 1, 2, 3  # CAMUS' labels
KINDS: dict[CamusView, tuple[LesionKind, ...]] = {
    "4CH": ("thrombus", "mass", "vegetation", "septal-defect"),
    "2CH": ("thrombus", "mass", "vegetation"),
}
"""The kinds that a view can have."""
ATTEMPTS = 12  # to find room for a lesion
SMOOTH_CM = 0.1  # sigma along an outline, which is one of pixels
SOLID_CM = 0.3  # thickness from which a wall can carry a lesion or have a hole
AWAY_CM = 1.0  # least distance of a place on the wall of one chamber from the other chamber
AT_VALVE_CM = 0.35  # from the LA to the end of the LV along the valve
SEPTUM = -0.6  # an outward normal that points at least so far to the left is that of the septum


@dataclass(frozen=True)
class StillLesion:
    """A lesion in a still.

    distance  float32 (h, w): signed distance in cm to its outline, negative inside
    mask      bool (h, w): its pixels
    level_db  its mean level against the muscle; of a hole it is that of the blood, and no number
    """

    kind: LesionKind
    distance: np.ndarray
    mask: np.ndarray
    level_db: float | None


def draw_lesion(draw: Draw, still: Still, kind: LesionKind) -> StillLesion | None:
    """A lesion of a kind, or None where this heart has no room for it."""
    cm = still.spacing_mm / 10
    rows, columns = np.indices(still.labels.shape)
    grid = torch.from_numpy(np.stack([columns, rows], -1)).float() * cm
    for _ in range(ATTEMPTS):
        distance = _distance(draw, still, kind, grid)
        if distance is None:
            continue
        inside = distance.numpy() < 0
        mask = inside & still.sector.tissue_mask
        if kind == "septal-defect":
            mask &= still.labels == MYOCARDIUM
        # Well inside the sector: no part may be cut off by its edge.
        if mask.any() and (kind == "septal-defect" or mask.sum() == inside.sum()):
            level = None if kind == "septal-defect" else draw.within(LEVELS_DB[kind])
            return StillLesion(kind, distance.numpy(), mask, level)
    return None


def _distance(draw: Draw, still: Still, kind: LesionKind, grid: Tensor) -> Tensor | None:
    """The signed distance in cm of the points (h, w, 2) to the outline of one drawn lesion; None without room."""
    low, high = SIZES_CM[kind]
    size = low + (high - low) * draw.uniform(0, 1) ** 0.7
    if kind == "vegetation":
        return _vegetation(draw, still, size, grid)
    if kind == "septal-defect":
        outline = _hole(draw, wall_of(still, LV), size)
    elif kind == "thrombus":
        outline = _thrombus(draw, still, size)
    else:
        chamber = LA if draw.chance(0.6) and (still.labels == LA).any() else LV
        wall = wall_of(still, chamber)
        index = _choose(draw, carrying(still, wall, chamber))
        outline = None if index is None else lump(draw, wall, index, size, low)
    return None if outline is None else signed_distance(outline, grid)


def _thrombus(draw: Draw, still: Still, size: float) -> Tensor | None:
    wall = wall_of(still, LV)
    places = carrying(still, wall, LV)
    if not len(places):
        return None
    rows, columns = (
        np.nonzero(still.labels == LA) if (still.labels == LA).any() else (np.array([1e4]), np.array([0]))
    )
    base = torch.tensor([columns.mean(), rows.mean()], dtype=torch.float32) * still.spacing_mm / 10
    apex = int((wall.points[places] - base).norm(dim=-1).argmax())
    if draw.chance(0.6):
        index, rise = int(places[(apex + int(draw.uniform(-8, 8))) % len(places)]), draw.uniform(0.4, 0.8)
    else:
        index, rise = int(places[int(draw.uniform(0, len(places)))]), draw.uniform(0.25, 0.7)
    return mural(draw, wall, index, size, rise)


def _vegetation(draw: Draw, still: Still, size: float, grid: Tensor) -> Tensor | None:
    """Discs from the middle of the valve's plane on, where the closed leaflets meet, towards the LA."""
    wall = wall_of(still, LV)
    if not (still.labels == LA).any():
        return None
    away = signed_distance(wall_of(still, LA).points, wall.points)
    plane = torch.nonzero(away < AT_VALVE_CM)[:, 0]
    if len(plane) < 6:
        return None
    ends = wall.points[plane]
    across = (ends - ends.mean(0)) @ torch.tensor([1.0, 0.0])
    share = (across - across.min()) / (across.max() - across.min()).clamp_min(1e-6)
    index = int(plane[(share - draw.uniform(0.3, 0.7)).abs().argmin()])
    outward = -wall.inward[index]
    discs = chain(draw, size, draw.uniform(0.22, 0.42), 8)
    lean = draw.uniform(-1.0, 1.0)
    turn = math.atan2(float(outward[1]), float(outward[0])) + lean
    cosine, sine = math.cos(turn), math.sin(turn)
    u, v, radius = discs.T
    centres = torch.stack([u * cosine - v * sine, u * sine + v * cosine], -1)
    centres = centres + wall.points[index] - SUNK_CM * outward
    return ((grid[..., None, :] - centres).norm(dim=-1) - radius).amin(-1)


def _hole(draw: Draw, wall: Wall, size: float) -> Tensor | None:
    """A hole through the septum, which a four-chamber still shows to the left of the LV."""
    septal = torch.nonzero((wall.inward[:, 0] > -SEPTUM) & (wall.wall_cm > SOLID_CM))[:, 0]
    if len(septal) < 8:
        return None
    order = septal[wall.run(int(septal[len(septal) // 2]))[septal].argsort()]
    one = wall.points[order]
    other = one - wall.wall_cm[order, None] * wall.inward[order]
    middle = int(draw.uniform(0.25, 0.75) * (len(order) - 1))
    found = gap(draw, one, other, middle, size)
    return None if found is None else found[0]


def carrying(still: Still, wall: Wall, chamber: int) -> Tensor:
    """The indices of the points of a chamber's wall that can carry a lesion: not at the valve, nor where it is thin."""
    other = LA if chamber == LV else LV
    apart = torch.full((len(wall.points),), math.inf)
    if (still.labels == other).any():
        apart = signed_distance(wall_of(still, other).points, wall.points)
    solid = wall.wall_cm > SOLID_CM if chamber == LV else torch.ones(len(wall.points), dtype=torch.bool)
    return torch.nonzero(solid & (apart > AWAY_CM))[:, 0]


def wall_of(still: Still, chamber: int) -> Wall:
    """The outline of a chamber (LV or LA) in cm, x to the right and down from the first pixel.

    The wall's thickness is that of the outlined muscle; the LA has none.
    """
    mask = (still.labels == chamber).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    pixels = max(contours, key=cv2.contourArea)[:, 0]
    cm = still.spacing_mm / 10
    smooth = [
        cv2.GaussianBlur(np.tile(axis, 3).astype(np.float64)[None], (0, 0), SMOOTH_CM / cm)[0]
        for axis in pixels.T
    ]
    outline = np.stack(smooth, -1)[len(pixels) : 2 * len(pixels)] * cm
    heart = np.isin(still.labels, (LV, MYOCARDIUM)).astype(np.uint8)
    thick = cv2.distanceTransform(heart, cv2.DIST_L2, 5)[pixels[:, 1], pixels[:, 0]] * cm
    wall_cm = torch.from_numpy(thick if chamber == LV else np.zeros(len(pixels), np.float32))
    points = torch.from_numpy(outline).float()
    return Wall.of(Cavity(points, wall_cm, Tissue.MYOCARDIUM, torch.ones(len(points))))


def _choose(draw: Draw, places: Tensor) -> int | None:
    return int(places[min(int(draw.uniform(0, len(places))), len(places) - 1)]) if len(places) else None
