"""CAMUS stills as tensors, their augmentation, and the training loop of segmenter and classifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from echogan.core.scale import GREY
from echogan.training.segmenter.data import Frames, place
from eval.camus.stills import Still


def tensors(images: Sequence[Still], size: int) -> Frames:
    """All stills with the longer side at `size`: images (n, 1, size, size) in [-1, 1], CAMUS labels as classes."""
    shown = torch.stack([tensor(to_square(s.image, size)[0]) for s in images])
    labels = [torch.from_numpy(to_square(s.labels, size, nearest=True)[0]).long() for s in images]
    return Frames(shown, torch.stack(labels))


def to_square(image: np.ndarray, size: int, nearest: bool = False) -> tuple[np.ndarray, tuple[int, int]]:
    """The image with its longer side at `size`, padded with black to a square, and its size (h, w) in the square."""
    scale = size / max(image.shape)
    height, width = (round(side * scale) for side in image.shape)
    way = cv2.INTER_NEAREST if nearest else cv2.INTER_AREA
    square = np.zeros((size, size), image.dtype)
    square[:height, :width] = cv2.resize(image, (width, height), interpolation=way)
    return square, (height, width)


def tensor(image: np.ndarray) -> Tensor:
    """uint8 (h, w) to float32 (1, h, w) in [-1, 1]."""
    return torch.from_numpy(image).float()[None] / GREY - 1


def light(images: Tensor, chance: torch.Generator) -> Tensor:
    """Random gain and gamma for each image, in the range of good stills."""
    gain, power = (
        torch.exp(0.4 * torch.rand(len(images), 1, 1, 1, generator=chance) - 0.2) for _ in range(2)
    )
    return (((images + 1) / 2).clamp_min(0) ** power * gain).clamp(0, 1) * 2 - 1


class FitSettings(Protocol):
    """The settings of `fit`."""

    @property
    def steps(self) -> int: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def seed(self) -> int: ...


def fit(
    network: nn.Module,
    data: Frames,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    settings: FitSettings,
    say: Callable[[str], None],
) -> None:
    """Train with AdamW and a cosine learning rate that falls to 0. Each step has new affine and grey augmentation."""
    chance = torch.Generator().manual_seed(settings.seed)
    adam = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=1e-2)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(adam, settings.steps)
    for step in range(settings.steps):
        pick = torch.randint(len(data.images), (settings.batch_size,), generator=chance)
        batch = place(Frames(data.images[pick], data.classes[pick]), chance)
        adam.zero_grad(set_to_none=True)
        loss = loss_of(network(light(batch.images, chance)), batch.classes)
        loss.backward()
        adam.step()
        fall.step()
        if (step + 1) % 100 == 0:
            say(f"step {step + 1}/{settings.steps}, loss {loss.item():.3f}")
