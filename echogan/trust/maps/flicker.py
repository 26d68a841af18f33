"""What flickers in the result and not in the input."""

from __future__ import annotations

import cv2
import numpy as np

from echogan.trust.maps.smoothing import smooth

REACH = 2  # frames to each side: a window of five
LEAST = 3  # frames that a standard deviation needs


def flicker_excess(
    x: np.ndarray, g: np.ndarray, tissue: np.ndarray, before: int = REACH, after: int = REACH
) -> np.ndarray:
    """std_t S(g) - std_t S(x), in [-0.5, 0.5], zero outside the tissue: float32 (n, h, w).

    Over each frame with those `before` and `after` it, or those of them that the clip has, warped to it by the optical
    flow of x (DIS, Kroeger et al. 2016): flow of g would follow the flicker itself. Pixels that fail the
    forward-backward check (Sundaram et al. 2010) are left out; zero where fewer than three frames are left. A
    persistent invention is missed.

    x, g     float32 (n, h, w) in [0, 1], frames in order: the input and the result
    tissue   bool (h, w)
    """
    images = np.rint(np.where(tissue, np.clip(x, 0, 1), 0) * 255).astype(np.uint8)
    smoothed = smooth(x, tissue), smooth(g, tissue)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    excess = np.zeros(x.shape, np.float32)
    for t in range(len(x)):
        window = range(max(0, t - before), min(len(x), t + after + 1))
        if len(window) < LEAST:
            continue
        warped = [_to_middle(flow, images, smoothed, tissue, t, s) for s in window]
        values, valid = (np.stack(part) for part in zip(*warped, strict=True))
        deviation = _deviation(values, valid[:, None])
        excess[t] = np.where(tissue, deviation[1] - deviation[0], 0)
    return excess


def _to_middle(
    flow: cv2.DISOpticalFlow,
    images: np.ndarray,
    smoothed: tuple[np.ndarray, np.ndarray],
    tissue: np.ndarray,
    middle: int,
    other: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Frame `other` of both clips as seen from frame `middle`: (2, h, w), and where that is reliable: bool (h, w)."""
    if other == middle:
        return np.stack([clip[middle] for clip in smoothed]), tissue
    # Each flow starts from nothing: the object would go on from what it is given.
    there = flow.calc(images[middle], images[other], None)  # pyright: ignore[reportCallIssue, reportArgumentType]
    back = flow.calc(images[other], images[middle], None)  # pyright: ignore[reportCallIssue, reportArgumentType]
    columns, rows = np.meshgrid(*(np.arange(size, dtype=np.float32) for size in tissue.shape[::-1]))

    def warp(image: np.ndarray) -> np.ndarray:
        return cv2.remap(image, columns + there[..., 0], rows + there[..., 1], cv2.INTER_LINEAR)

    returned = warp(back)
    error = ((there + returned) ** 2).sum(-1)
    length = (there**2).sum(-1) + (returned**2).sum(-1)
    inside = warp(tissue.astype(np.float32)) > 0.999
    return np.stack([warp(clip[other]) for clip in smoothed]), inside & (error <= 0.01 * length + 0.5)


def _deviation(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """The standard deviation over the first axis of the valid values; zero where fewer than LEAST are."""
    count = valid.sum(0)
    some = np.maximum(count, 1)
    mean = np.where(valid, values, 0).sum(0) / some
    variance = np.where(valid, (values - mean) ** 2, 0).sum(0) / some
    return np.where(count >= LEAST, np.sqrt(variance), 0)
