"""What the trust maps say of one frame, and which of its walls the input hides and the result clears."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

from echogan.core.geometry import Fan, Sector
from echogan.enhance.card_maker import working_fan
from echogan.enhance.chunk import Chunk
from echogan.enhance.enhancer import Enhancer
from echogan.enhance.hidden_walls import HiddenWalls
from echogan.enhance.segmentation import Segmentation
from echogan.model.networks.segmenter import Structure, Wall
from echogan.phantom.clip import PhantomClip
from echogan.phantom.tissues import FLUID, WALLS
from echogan.training.segmenter.data import IGNORED, SHOWN, wall_classes
from echogan.trust.error_finder import bundled_finder
from echogan.trust.map_styles import unit
from echogan.trust.maps.shadow import Beams, shadow_level, shadowed
from echogan.trust.maps.smoothing import smooth
from eval.camus.stills import Still
from eval.measures.baselines import chunks

MAP = "hidden walls"
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Scored:
    """One frame of a result; all arrays are (h, w).

    group      the simulated heart, or the patient
    x, g       float32 in [0, 1]: input and result
    scores     name -> float32, higher where a wall is more probably hidden
    hidden     bool: walls that the input does not show; None where nobody knows
    cleared    bool: walls that the result shows as dark as a cavity; of the hidden ones where these are known
    faithful   bool: all other tissue that counts
    """

    group: str
    x: np.ndarray
    g: np.ndarray
    scores: dict[str, np.ndarray]
    hidden: np.ndarray | None
    cleared: np.ndarray
    faithful: np.ndarray
    tissue: np.ndarray

    def walls(self, kind: str) -> np.ndarray | None:
        """The walls that are "hidden" or "cleared"."""
        return self.hidden if kind == "hidden" else self.cleared


def score_clip(enhancer: Enhancer, clip: PhantomClip, number: int) -> Scored:
    """The middle frame of a simulated clip."""
    assert clip.degraded is not None
    assert clip.labels is not None
    assert clip.support is not None
    mask, (apex_x, apex_y, *rest) = clip.sector_mask.numpy(), clip.fan
    sector = Sector("fan", mask, np.zeros_like(mask), 1.0, Fan((apex_x, apex_y), *rest))
    middle = len(clip.degraded) // 2
    chunk, index = _frame(enhancer, clip.degraded.numpy(), sector, middle)

    def enter(image: np.ndarray) -> np.ndarray:
        space = chunk.prepared.space
        return cv2.resize(image[space.box], space.size[::-1], interpolation=cv2.INTER_NEAREST)

    labels, support = clip.labels[middle], clip.support[middle]
    classes = enter(wall_classes(labels, support).numpy().astype(np.uint8))
    shown = enter(support.numpy()) >= 255 * SHOWN
    names = enter(labels.numpy())
    tissue = chunk.prepared.space.tissue
    hidden = (classes == Wall.HIDDEN) & tissue
    dark = _dark(chunk, index, np.isin(names, FLUID) & shown, np.isin(names, WALLS) & shown)
    faithful = (classes != IGNORED) & ~hidden & tissue
    return _scored(chunk, index, str(number), dark, hidden & dark, faithful, hidden)


def score_still(enhancer: Enhancer, still: Still) -> Scored | None:
    """A still with the expert's outlines; None where the result's myocardium is no brighter than its cavity."""
    chunk, index = _frame(enhancer, still.image[None], still.sector, 0)
    space = chunk.prepared.space
    names = cv2.resize(still.labels[space.box], space.size[::-1], interpolation=cv2.INTER_NEAREST)
    cavity, wall = names == Structure.LV, names == Structure.MYOCARDIUM
    dark = _dark(chunk, index, cavity, wall)
    if not dark.any():
        return None
    return _scored(chunk, index, still.patient, dark, wall & dark & space.tissue, ~wall & space.tissue)


def _frame(enhancer: Enhancer, frames: np.ndarray, sector: Sector, wanted: int) -> tuple[Chunk, int]:
    """The chunk that holds a frame, and the frame's place in it."""
    for chunk in chunks(enhancer, frames, sector):
        if wanted < chunk.start + len(chunk.x):
            return chunk, wanted - chunk.start
    raise AssertionError("the frame is one of these")


def _dark(chunk: Chunk, index: int, cavity: np.ndarray, wall: np.ndarray) -> np.ndarray:
    """Where the smoothed result is nearer to the median level of the cavity than to that of the wall; bool (h, w).

    Nowhere where one of them is missing, or the wall is no brighter.
    """
    tissue = chunk.prepared.space.tissue
    level = smooth(unit(chunk.g[index : index + 1]), tissue)[0]
    cavity, wall = cavity & tissue, wall & tissue
    if not cavity.any() or not wall.any():
        return np.zeros_like(tissue)
    low, high = np.median(level[cavity]), np.median(level[wall])
    return (level < (low + high) / 2) & tissue & (high > low)


def _scored(
    chunk: Chunk,
    index: int,
    group: str,
    dark: np.ndarray,
    cleared: np.ndarray,
    faithful: np.ndarray,
    hidden: np.ndarray | None = None,
) -> Scored:
    prepared, tissue = chunk.prepared, chunk.prepared.space.tissue
    one = slice(index, index + 1)
    x, g = unit(chunk.x[one]), unit(chunk.g[one])
    canonical = np.ascontiguousarray(prepared.plain_curve.to_canonical(chunk.x[one]), np.float32)
    beams = Beams(tissue, working_fan(prepared))
    space = prepared.space
    myocardium = Segmentation(space.size, space.mask, tissue, CPU)(canonical).myocardium
    found, (removed, _) = HiddenWalls(tissue, CPU)(canonical, g, myocardium)[0], bundled_finder(tissue)(x, g)
    scores = {
        MAP: found,
        "dark myocardium": cv2.resize(myocardium[0], space.size[::-1]) * dark,
        "removed": removed[0],
        "hidden or removed": np.maximum(found, removed[0]),
        "shadow": shadowed(x, tissue, beams, shadow_level(x[0], tissue))[0].astype(np.float32),
    }
    return Scored(group, x[0], g[0], scores, hidden, cleared, faithful, tissue)
