"""A drawn echo: moving speckle in a fan with a dark cavity, as uint8 frames, and the clip around them."""

from pathlib import Path

import cv2
import numpy as np

from echogan.clips.clip import ClipFile
from echogan.core.geometry import Fan

FAN = Fan((119.5, 12.0), -37.0, 37.0, 3.0, 150.0)


def drawn_echo(
    fan: Fan = FAN, frames: int = 8, height: int = 180, width: int = 240, seed: int = 0
) -> np.ndarray:
    """uint8 (T, H, W), black outside the fan; the speckle and the cavity move."""
    rng = np.random.default_rng(seed)
    radius, angle = fan.polar(height, width)
    inside, clip = fan.mask(height, width), []
    field = rng.normal(size=(2, height, width))
    for t in range(frames):
        field = np.cos(0.4) * field + np.sin(0.4) * rng.normal(size=field.shape)
        envelope = np.hypot(*(cv2.GaussianBlur(part, (0, 0), 1.2) for part in field))
        level = 120 + 35 * np.log(envelope / envelope.mean() + 1e-3)
        beating = 0.2 + 0.03 * np.sin(t)
        cavity = np.hypot(radius / fan.r_max - 0.55, angle / 90) < beating
        level = np.where(cavity, level * 0.2, level)
        clip.append((inside * np.clip(level, 6, 255)).astype(np.uint8))
    return np.stack(clip)


def clip_of(frames: np.ndarray, fps: float | None = 25.0, **facts: object) -> ClipFile:
    """The clip of frames (T, H, W) or (T, H, W, 3) in memory."""
    height, width = frames.shape[1:3]
    color = frames.ndim == 4
    facts = {"path": Path("drawn"), "kind": "video", "decode": frames.__iter__, **facts}
    return ClipFile(frames=len(frames), height=height, width=width, fps=fps, color=color, **facts)  # pyright: ignore


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two masks."""
    return float((a & b).sum() / (a | b).sum())
