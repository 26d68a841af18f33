"""CAMUS stills as squares that a segmentation network is trained on: scaled, labelled, and lit anew."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

from echogan.training.segment_data import Frames
from eval.camus_stills import Still


def squares(images: Sequence[Still], size: int) -> Frames:
    """All stills with the longer side at `size`: images (n, 1, size, size) in [-1, 1], CAMUS' labels as classes."""
    shown = torch.stack([tensor(to_square(s.image, size)[0]) for s in images])
    labels = [torch.from_numpy(to_square(s.labels, size, nearest=True)[0]).long() for s in images]
    return Frames(shown, torch.stack(labels))


def to_square(image: np.ndarray, size: int, nearest: bool = False) -> tuple[np.ndarray, tuple[int, int]]:
    """The image with its longer side at `size`, on black below or to the right, and the size (h, w) it has there."""
    scale = size / max(image.shape)
    height, width = (round(side * scale) for side in image.shape)
    way = cv2.INTER_NEAREST if nearest else cv2.INTER_AREA
    square = np.zeros((size, size), image.dtype)
    square[:height, :width] = cv2.resize(image, (width, height), interpolation=way)
    return square, (height, width)


def tensor(image: np.ndarray) -> Tensor:
    """uint8 (h, w) to float32 (1, h, w) in [-1, 1]."""
    return torch.from_numpy(image).float()[None] / 127.5 - 1


def light(images: Tensor, chance: torch.Generator) -> Tensor:
    """Another gain and power, as between patients graded good; nothing that looks like a poor window."""
    gain, power = (
        torch.exp(0.4 * torch.rand(len(images), 1, 1, 1, generator=chance) - 0.2) for _ in range(2)
    )
    return (((images + 1) / 2).clamp_min(0) ** power * gain).clamp(0, 1) * 2 - 1
