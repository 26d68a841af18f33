"""The colour that a whole B-mode shares, and colour that is only noise or dither."""

from __future__ import annotations

import cv2
import numpy as np

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as in clip.grey
NOISY = 8.0  # median grey levels of colour beside the tint: noise, dither or compression
CANCELS = 0.5  # share of the colour that the mean over the neighbourhood keeps, below which it is noise


def spread(colour: np.ndarray) -> np.ndarray:
    """Largest less smallest channel of (..., 3); numpy's own reduction over so short an axis is slow."""
    red, green, blue = colour[..., 0], colour[..., 1], colour[..., 2]
    return np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)


def smoothed(image: np.ndarray, reach: float = 1) -> np.ndarray:
    """The mean over the neighbourhood, in which noise and dither cancel: float32, the same shape."""
    return cv2.GaussianBlur(image, (0, 0), 1.8 * reach)


def is_noisy(frame: np.ndarray, where: np.ndarray) -> bool:
    """Whether the colours of a frame (H, W, 3) cancel in its neighbourhoods, as noise and dither do."""
    colour = frame - (frame @ LUMA)[..., None]
    raw = np.median(spread(colour)[where]) if where.any() else 0
    return bool(raw > NOISY and np.median(spread(smoothed(colour))[where]) < CANCELS * raw)


def tint_curve(frame: np.ndarray, where: np.ndarray) -> np.ndarray:
    """The B-mode's colour at each grey level: R - Y, G - Y, B - Y, float32 (256, 3), from the pixels `where`.

    The median in 16 bands of grey level, joined by straight lines: a few coloured marks do not move it. Of noise and
    dither, whose colours cancel, only the mean over the neighbourhood counts.
    """
    if is_noisy(frame, where):
        level = (frame @ LUMA)[where]
        chroma = smoothed(frame - (frame @ LUMA)[..., None])[where]
    else:
        pixels = frame[where].astype(np.float32)
        level = pixels @ LUMA
        chroma = pixels - level[:, None]
    centres: list[float] = [0.0]
    medians: list[np.ndarray] = [np.zeros(3, np.float32)]
    for low in range(0, 256, 16):
        band = (level >= low) & (level < low + 16)
        if band.sum() > 20:
            centres.append(float(level[band].mean()) + 1e-3)
            medians.append(np.median(chroma[band], axis=0))
    table = np.array(medians)
    return np.stack([np.interp(np.arange(256), centres, table[:, c]) for c in range(3)], axis=1).astype(
        np.float32
    )
