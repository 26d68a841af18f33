"""A small CycleGAN that does something, and a batch with all that a batch can carry."""

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from echogan.model.cyclegan import Batch, CycleGAN, LossWeights
from echogan.model.networks.discriminators import DiscriminatorConfig
from echogan.model.networks.generators import GeneratorConfig

TERMS = [
    "adversarial",
    "cycle",
    "identity",
    "structure",
    "illumination",
    "anatomy",
    "labels",
    "temporal",
    "flicker",
    "paired",
    "target_structure",
]
OFF = dict.fromkeys(TERMS, 0.0)
ALL = dict.fromkeys(TERMS, 1.0) | {"gradient_penalty": 1.0, "cutmix": 1.0, "cutmix_warmup": 1}


class Segmenter(nn.Module):
    """Four classes from brightness and its surroundings."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 8, 5, padding=2), nn.Dropout(0.5), nn.Conv2d(8, 4, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


def gan(kind: Any = "patch", seed: int = 0, bf16: bool = False, **weights: Any) -> CycleGAN:
    """A small one whose generators do something."""
    torch.manual_seed(seed)
    segmenter = Segmenter() if weights.get("anatomy") else None
    discriminator = DiscriminatorConfig(4, kind=kind)
    made = CycleGAN(
        GeneratorConfig(channels=8, blocks=1), discriminator, LossWeights(**weights), bf16, segmenter
    )
    for generator in (made.to_high, made.to_low):
        nn.init.normal_(generator.heads.weight, 0, 0.3)
    return made


def numbers(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def whole_batch() -> Batch:
    """Two frames per domain with all that a batch can carry; the sectors are rectangles."""
    low, high, later, truth = torch.rand(4, 2, 1, 64, 64, generator=numbers(3)) * 2 - 1
    mask = torch.zeros(2, 1, 64, 64)
    mask[..., 8:56, 16:48] = 1
    labels = torch.tensor([[1.0, 0, math.nan, 1, 0], [0, math.nan, 1, 0, 1]])
    return Batch(low, high, mask, mask.flip(-2).roll(4, -1), later, truth, labels, labels.flip(0))


def bare(batch: Batch) -> Batch:
    """With the frames and masks alone."""
    return replace(batch, low_next=None, low_target=None, low_labels=None, high_labels=None)
