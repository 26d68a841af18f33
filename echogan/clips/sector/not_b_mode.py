"""Detect what is not B-mode: colour Doppler by its colours, M-mode and spectral Doppler by their scrolling."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from echogan.clips.clip import grey
from echogan.clips.sector.overlay import tint_curve

SATURATED = 50.0  # grey levels between the largest and smallest channel
FLOW_SHARE = 0.004  # share of the sector in one frame, without lines and letters
PLAIN_SHARE = 0.3  # share of the lit pixels without colour from which the B-mode has no tint
LIT = 40


def shows_flow(frames: np.ndarray, inside: np.ndarray) -> bool:
    """Whether uint8 frames (n, H, W, 3) show colour Doppler within `inside`, bool (H, W).

    Saturated colour counts in patches, not in lines: an ECG trace or a caliper is not flow. A tint that the
    whole B-mode shares is removed first.
    """
    if frames.ndim < 4 or not inside.any():
        return False
    tint = _tint(frames[len(frames) // 2], inside)
    size = max(3, round(0.012 * max(inside.shape)) | 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    area = inside.sum()
    for frame in frames:
        coloured = (_chroma_spread(frame, tint) > SATURATED) & inside
        if coloured.sum() <= FLOW_SHARE * area:
            continue
        patches = cv2.morphologyEx(coloured.astype(np.uint8), cv2.MORPH_OPEN, disc)
        if patches.sum() > FLOW_SHARE * area:
            return True
    return False


def _chroma_spread(frame: np.ndarray, tint: np.ndarray | None) -> np.ndarray:
    """Largest less smallest channel, float32 (H, W), after the tint (256, 3) is removed."""
    colour = frame.astype(np.float32)
    if tint is not None:
        colour = colour - tint[grey(frame)]
    red, green, blue = colour[..., 0], colour[..., 1], colour[..., 2]
    return np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)


def _tint(frame: np.ndarray, inside: np.ndarray) -> np.ndarray | None:
    """The B-mode's own colour at each grey level; None if much of it is plain grey, or all of it dark."""
    lit = inside & (grey(frame) > LIT)
    if not lit.any() or (_chroma_spread(frame, None)[lit] < 20).mean() > PLAIN_SHARE:
        return None
    return tint_curve(frame, inside)


def scrolls(frames: np.ndarray) -> bool:
    """Whether grey frames uint8 (n, H, W), in order, move sideways as a whole or are redrawn in a narrow column.

    M-mode and spectral Doppler displays do so, tissue does not. A single frame never scrolls.
    """
    small = [
        cv2.resize(frame, (256, 128), interpolation=cv2.INTER_AREA).astype(np.float32) for frame in frames
    ]
    pairs = [(a, b) for a, b in pairwise(small) if np.abs(a - b).mean() > 0.2]
    return sum(_sweeps(a, b) or _shifts(a, b) for a, b in pairs) > len(pairs) / 2


def _sweeps(a: np.ndarray, b: np.ndarray) -> bool:
    """Only few columns changed, and these over most of their height."""
    changed = np.abs(a - b) > 4
    columns = changed.mean(0) > 0.1
    return bool(
        0 < columns.mean() < 0.35 and changed[:, columns].mean() > 4 * max(changed[:, ~columns].mean(), 1e-3)
    )


def _shifts(a: np.ndarray, b: np.ndarray) -> bool:
    """The second frame is the first one moved sideways."""
    still = np.abs(a - b).mean()
    steps = [s for s in range(-64, 65) if abs(s) > 1]
    moved = [
        np.abs(a[:, max(0, -s) : 256 - max(0, s)] - b[:, max(0, s) : 256 - max(0, -s)]).mean() for s in steps
    ]
    return bool(min(moved) < 0.4 * still)
