"""Discs painted into a result, or a piece of wall taken out of it: are they flagged? And a disc that is truly there?

Metamorphic tests: no truth of the clip is needed, so they can be done on real clips. The disc is 8 mm wide, of
wall-like speckle, in a dark place; the piece of wall, as wide, is replaced by what the dark places look like.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from echogan.calibration.painted import BLOOD, WALL, speckle
from echogan.clips.clip import ClipFile
from echogan.core.geometry import Sector
from echogan.core.scale import GREY
from echogan.enhance.calibrated import Flagger
from echogan.enhance.chunk import Chunk
from echogan.enhance.enhancer import Enhancer
from echogan.trust.calibration import Calibration
from echogan.trust.maps.smoothing import smooth

FRAMES = 3  # the last one counts; a disc moves with the tissue in those before it
WIDTH_MM, DEPTH_MM = 8.0, 160.0  # of a disc; of a sector whose scale is unknown
DARK, BRIGHT = 0.4, 0.6  # shares of the tissue by its local mean: places for discs, and for pieces of wall
FLAGGED = 0.5  # share of a disc over the amber threshold from which it counts as flagged

Change = Literal["painted, static", "painted, moving", "wall removed"]
CHANGES: tuple[Change, ...] = ("painted, static", "painted, moving", "wall removed")


@dataclass(frozen=True)
class Frames:
    """FRAMES frames of a clip through a network, in its working space.

    chunk    what the enhancer gave
    x, g     float32 (n, h, w) in [0, 1]
    tissue   bool (h, w)
    radius   of a disc, in pixels
    """

    chunk: Chunk
    x: np.ndarray
    g: np.ndarray
    tissue: np.ndarray
    radius: float


@dataclass(frozen=True)
class Seen:
    """What became of one disc: the share of it that is flagged in the right colour, and the change elsewhere.

    covered     share of the disc over amber
    elsewhere   share of the other tissue over amber, less the share without the disc, where the result is the same
    """

    covered: float
    elsewhere: float


def through(enhancer: Enhancer, frames: np.ndarray, sector: Sector, mm: float | None) -> Frames:
    """Frames uint8 (FRAMES, H, W) through an enhancer; `mm` is the side of a pixel, None where unknown."""
    count, height, width = frames.shape
    source = ClipFile(Path("frames"), "video", count, height, width, 30.0, False, lambda: iter(frames))
    (chunk,) = enhancer.stream(source, sector)
    space = chunk.prepared.space
    side = DEPTH_MM / space.size[0] if mm is None else mm * space.box_size[0] / space.size[0]
    return Frames(chunk, unit(chunk.x), unit(chunk.g), space.tissue, WIDTH_MM / 2 / side)


def probabilities(found: Frames, g: np.ndarray, calibration: Calibration) -> tuple[np.ndarray, np.ndarray]:
    """Of removed and of invented in the last frame, float32 (h, w) each, had the network given g."""
    removed, invented = Flagger(calibration, found.tissue)(found.x[-1:], g[-1:])
    return removed[0], invented[0]


def look(found: Frames, change: Change, count: int, calibration: Calibration, seed: int) -> list[Seen]:
    """What becomes of discs at `count` places, one at a time."""
    rng = np.random.default_rng(seed)
    side = 0 if change == "wall removed" else 1
    before = probabilities(found, found.g, calibration)[side] >= calibration.amber
    seen = []
    for place in places(found, count, rng, bright=change == "wall removed"):
        discs = disc_frames(found, place, moving=change == "painted, moving")
        g = repainted(found, discs, rng, bright=change != "wall removed")
        after = probabilities(found, g, calibration)[side] >= calibration.amber
        # What the fusion sees is smooth, so its flags reach a little beyond the disc.
        apart = found.tissue & ~dilated(discs[-1], 2 * found.radius)
        seen.append(
            Seen(float(after[discs[-1]].mean()), float(after[apart].mean()) - float(before[apart].mean()))
        )
    return seen


def truly_there(
    enhancer: Enhancer,
    frames: np.ndarray,
    sector: Sector,
    mm: float | None,
    count: int,
    calibration: Calibration,
    seed: int,
) -> list[Seen]:
    """What becomes of discs that are painted into the input, uint8 (FRAMES, H, W), before it is enhanced.

    A network that sees a disc changes the rest of the picture a little too, and the flags follow. `elsewhere` is what
    the map does by itself: the rest of the picture is that without the disc.
    """
    rng = np.random.default_rng(seed)
    plain = through(enhancer, frames, sector, mm)
    before = np.maximum(*probabilities(plain, plain.g, calibration)) >= calibration.amber
    space, seen = plain.chunk.prepared.space, []
    for place in places(plain, count, rng, bright=False):
        disc = disc_frames(plain, place, moving=False)[-1]
        texture = speckle(plain.x[-1], plain.tissue, rng, WALL)
        change = np.where(disc, texture - plain.x, 0).astype(np.float32)
        changed = frames.astype(np.float32)
        changed[:, *space.box] += GREY * space.leave(2 * change)
        found = through(enhancer, np.clip(np.rint(changed), 0, 255).astype(np.uint8), sector, mm)
        after = np.maximum(*probabilities(found, found.g, calibration)) >= calibration.amber
        near = dilated(disc, 2 * plain.radius)
        mixed = replace(plain, x=np.where(near, found.x, plain.x), g=np.where(near, found.g, plain.g))
        alone = np.maximum(*probabilities(mixed, mixed.g, calibration)) >= calibration.amber
        apart = plain.tissue & ~near
        seen.append(Seen(float(after[disc].mean()), float(alone[apart].mean()) - float(before[apart].mean())))
    return seen


def places(found: Frames, count: int, rng: np.random.Generator, bright: bool) -> list[tuple[int, int]]:
    """Centres (row, column) in the dark or in the bright places of the last result, well inside the tissue."""
    level = smooth(found.g[-1:], found.tissue)[0]
    inside = cv2.distanceTransform(found.tissue.astype(np.uint8), cv2.DIST_L2, 5) > 2 * found.radius
    low, high = np.quantile(level[found.tissue], (DARK, BRIGHT))
    rows, columns = np.nonzero(inside & (level > high if bright else level < low))
    chosen = rng.permutation(len(rows))[:count]
    return [(int(rows[k]), int(columns[k])) for k in chosen]


def disc_frames(found: Frames, place: tuple[int, int], moving: bool) -> np.ndarray:
    """The disc in each frame, bool (n, h, w): at one place, or carried along by the optical flow of the input."""
    rows, columns = np.mgrid[: found.x.shape[1], : found.x.shape[2]]
    discs = []
    for frame in range(len(found.x)):
        row, column = place
        if moving and frame + 1 < len(found.x):
            down, right = displacement(found.x[-1], found.x[frame], place, found.radius)
            row, column = row + down, column + right
        discs.append((rows - row) ** 2 + (columns - column) ** 2 <= found.radius**2)
    return np.stack(discs) & found.tissue


def displacement(
    last: np.ndarray, other: np.ndarray, place: tuple[int, int], radius: float
) -> tuple[float, float]:
    """How far (rows, columns) the tissue around a place of the last frame lies from it in another one."""
    images = [np.rint(255 * np.clip(one, 0, 1)).astype(np.uint8) for one in (last, other)]
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    field = flow.calc(images[0], images[1], None)  # pyright: ignore[reportCallIssue, reportArgumentType]
    reach = max(1, round(radius))
    window = np.s_[
        max(0, place[0] - reach) : place[0] + reach + 1, max(0, place[1] - reach) : place[1] + reach + 1
    ]
    right, down = field[window].mean((0, 1))
    return float(down), float(right)


def repainted(found: Frames, discs: np.ndarray, rng: np.random.Generator, bright: bool) -> np.ndarray:
    """The result with the discs painted like wall, or like blood."""
    paint = speckle(found.g[-1], found.tissue, rng, WALL if bright else BLOOD)
    return np.where(discs, paint, found.g).astype(np.float32)


def dilated(mask: np.ndarray, reach: float) -> np.ndarray:
    """A mask (h, w) with so many pixels around it."""
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5) <= reach


def unit(frames: np.ndarray) -> np.ndarray:
    """[-1, 1] to [0, 1]."""
    return (frames + 1) / 2
