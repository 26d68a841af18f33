"""Evidence for tissue in a clip: the network's map of the sector, without pages, other regions and other panes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from echogan.clips.sector.bounds import Box
from echogan.clips.sector.fan_fit import Target
from echogan.clips.sector.fan_network import Square, network_input, sector_probability
from echogan.clips.sector.overlay import ClipStatistics

DARK = 3.0  # grey levels above the background: a clip that stays below is empty


@dataclass(frozen=True)
class Evidence:
    """Where the network finds imaged tissue, on the cells of its square.

    target   what a shape is fitted to; None if nothing was found
    moving   whether the clip moves
    box      the part of the frame that was looked at: top, left, bottom, right, ends exclusive
    ground   grey level of the empty screen
    panes    sectors side by side, of which the one with the most motion was taken
    agrees   whether a DICOM region holds what was found; the target then ends at it
    cropped  whether only a DICOM region was looked at
    """

    target: Target | None
    moving: bool
    box: Box
    ground: float
    panes: int
    notes: tuple[str, ...]
    agrees: bool = True
    cropped: bool = False


def moves(stats: ClipStatistics) -> bool:
    """Whether more than a running trace or clock moves."""
    std = np.where(stats.coloured, 0, stats.std)
    lit = ~stats.coloured & (stats.mean - _background(stats.mean, ~stats.coloured) > 8)
    frozen = lit.mean() > 0.05 and (std[lit] > 0.8).mean() < 0.15
    return bool((std > 1.5).mean() > 0.02 and not frozen)


def gather(stats: ClipStatistics, box: Box | None = None, pane: Box | None = None) -> Evidence:
    """The map of the sector within `box`, else in the frame or a plotted panel; ends at a `pane` that agrees."""
    cropped, moving = box is not None, moves(stats)
    panel, notes = (None, []) if box is not None else _panel(stats)
    box = box or _box(stats, panel)
    maps, square, ground = square_maps(stats, box)
    if np.expm1(maps[0].max() * np.log(256)) < DARK:
        return Evidence(None, moving, box, ground, 0, tuple(notes), cropped=cropped)
    plain, mirrored = sector_probability(maps), sector_probability(_mirrored(maps))[:, ::-1]
    window = np.s_[square.rows, square.columns]
    share = ((plain + mirrored) / 2)[window]
    target, agrees = Target(share, square.y, square.x, 1 / square.scale), True
    if pane is not None:
        target, agrees = _within(target, pane)
    target, panes = _one_pane(target, maps[2 if moving else 1][window])
    return Evidence(target, moving, box, ground, panes, tuple(notes), agrees, cropped)


def square_maps(stats: ClipStatistics, box: Box) -> tuple[np.ndarray, Square, float]:
    """The network's input for a part of the frame: (maps, their square, grey level of the empty screen)."""
    part = np.s_[box[0] : box[2], box[1] : box[3]]
    square, usable = Square.around(box), ~stats.coloured[part]
    ground = _background(stats.mean[part], usable)
    high, mean = stats.high[part] - ground, stats.mean[part] - ground
    return network_input(high, mean, stats.std[part], usable, square), square, ground


def _box(stats: ClipStatistics, panel: np.ndarray | None) -> Box:
    """The whole frame, or the panel of a page, bool (H, W)."""
    if panel is None:
        return 0, 0, stats.mean.shape[0], stats.mean.shape[1]
    rows, columns = np.nonzero(panel.any(1))[0], np.nonzero(panel.any(0))[0]
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def _mirrored(maps: np.ndarray) -> np.ndarray:
    mirrored = maps[:, :, ::-1].copy()
    mirrored[5] *= -1  # the column's own coordinate
    return mirrored


def _background(mean: np.ndarray, usable: np.ndarray) -> float:
    """The grey level of the empty screen: the most common dark level if one is common, else the darkest."""
    levels = mean[usable] if usable.any() else mean.ravel()
    counts = np.bincount(np.rint(levels).astype(int).ravel(), minlength=256)[:64]
    common = int(counts.argmax())
    return float(common) if counts[common] > 0.05 * levels.size else float(np.percentile(levels, 0.1))


def _panel(stats: ClipStatistics) -> tuple[np.ndarray | None, list[str]]:
    """The dark panel of a page with a white ground: (bool (H, W) or None where there is no page, notes)."""
    white = ((stats.low > 225) & (stats.std < 4)).astype(np.uint8)
    border = np.concatenate([white[0], white[-1], white[:, 0], white[:, -1]])
    if border.mean() < 0.6 or white.mean() < 0.08:
        return None, []
    dark = cv2.morphologyEx(1 - white, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8))  # removes ticks and letters
    count, _, boxes, _ = cv2.connectedComponentsWithStats(dark)
    large = [i for i in range(1, count) if boxes[i, cv2.CC_STAT_AREA] > 0.02 * dark.size]
    if not large:
        return None, []
    taken = max(large, key=lambda i: boxes[i, cv2.CC_STAT_AREA])
    left, top, width, height = boxes[taken, :4]
    panel = np.zeros(dark.shape, bool)
    panel[top + 2 : top + height - 2, left + 2 : left + width - 2] = True
    notes = ["The clip is drawn on a white page; only its dark panel was searched for the fan."]
    if len(large) > 1:
        notes.append(f"The page has {len(large)} panels; the largest one was taken.")
    return panel, notes


def _within(target: Target, pane: Box) -> tuple[Target, bool]:
    """The target inside a DICOM region, and True; the whole target and False if much of it lies outside."""
    top, left, bottom, right = pane
    reach = target.pitch / 2  # a cell on the region's border counts as inside
    inside = (target.y > top - reach) & (target.y < bottom + reach)
    inside = inside & (target.x > left - reach) & (target.x < right + reach)
    if (target.share * inside).sum() < 0.97 * target.share.sum():
        return target, False
    return Target(target.share * inside, target.y, target.x, target.pitch), True


def _one_pane(target: Target, strength: np.ndarray) -> tuple[Target | None, int]:
    """(the patch of the target with the most `strength`, float32 (h, w), and what is near it; how many rival it)."""
    solid = (target.share > 0.5).astype(np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(solid)
    if count < 2:
        return None, 0
    weight = np.bincount(labels.ravel(), strength.ravel() * solid.ravel(), count)
    taken = int(weight.argmax())
    left, right = boxes[:, 0], boxes[:, 0] + boxes[:, 2]
    apart = (left >= right[taken] - 0.1 * boxes[taken, 2]) | (right <= left[taken] + 0.1 * boxes[taken, 2])
    apart[0] = False
    rivals = apart & (weight > 0.35 * weight[taken]) & (boxes[:, cv2.CC_STAT_AREA] > 0.02 * solid.size)
    if not apart.any():
        return target, 1
    others = cv2.dilate((apart[labels]).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    kept = np.where(others & (labels != taken), 0, target.share)
    return Target(kept, target.y, target.x, target.pitch), 1 + int(rivals.sum())
