"""A checkpoint whose generators do something known, and a moving clip in memory to run it on."""

from pathlib import Path

import numpy as np
import torch

from echogan.clips.clip import ClipFile
from echogan.core.geometry import Fan, Sector
from echogan.model.checkpoints.checkpoint import Checkpoint, CheckpointConfig


class Scale(torch.nn.Module):
    """x -> factor * x + offset."""

    def __init__(self, factor: float, offset: float = 0.0):
        super().__init__()
        self.factor, self.offset = factor, offset

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factor + self.offset


def checkpoint(to_high: torch.nn.Module, to_low: torch.nn.Module | None = None) -> Checkpoint:
    """A checkpoint of these generators; to_low is the identity where not given."""
    return Checkpoint(
        name="fake",
        source="fake",
        revision=None,
        sha256="ab" * 32,
        config=CheckpointConfig(name="fake"),
        to_high=to_high.eval(),
        to_low=(to_low or torch.nn.Identity()).eval(),
    )


def clip_of(frames: np.ndarray, fps: float | None = 25.0, path: Path = Path("clip.avi")) -> ClipFile:
    """A ClipFile of frames uint8 (T, H, W) or (T, H, W, 3) in memory."""
    count, height, width = frames.shape[:3]
    return ClipFile(path, "video", count, height, width, fps, frames.ndim == 4, lambda: iter(frames))


def speckle(frames: int, height: int = 96, width: int = 120, seed: int = 0) -> np.ndarray:
    """Smooth moving texture on all pixels, 20 to 230: uint8 (T, H, W)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    phases = rng.uniform(0, 6, (frames, 1, 1))
    waves = np.sin(x / 5 + phases) * np.cos(y / 7 - phases) + rng.normal(0, 0.15, (frames, height, width))
    return np.clip(125 + 60 * waves, 20, 230).astype(np.uint8)


def fan_sector(height: int = 96, width: int = 120) -> Sector:
    """A fan in the middle of the frame, with a small overlay box inside it."""
    fan = Fan((width / 2, 2.0), -38.0, 38.0, 3.0, height - 10.0)
    inside = fan.mask(height, width)
    overlay = np.zeros_like(inside)
    overlay[40:46, 55:70] = True
    overlay &= inside
    return Sector("fan", inside & ~overlay, overlay, 0.95, fan)


def whole_sector(height: int, width: int) -> Sector:
    """Everything is tissue."""
    return Sector("whole", np.ones((height, width), bool), np.zeros((height, width), bool), 1.0)
