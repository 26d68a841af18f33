"""The small U-Net of `echogan.clips.sector.unet` in torch, and its training."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

AVERAGED = 200  # steps over which the weights that are written are averaged

Vary = Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[Tensor, Tensor]]
Objective = Callable[[Tensor, Tensor, Tensor], Tensor]


class TrainingSettings(Protocol):
    """How long a network is trained, and where its weights go."""

    @property
    def epochs(self) -> int: ...
    @property
    def batch(self) -> int: ...
    @property
    def rate(self) -> float: ...
    @property
    def first_seed(self) -> int: ...
    @property
    def out(self) -> Path: ...


class UNet(nn.Module):
    """Maps (N, channels, S, S) to logits (N, S, S); `widths` are the channels from half the side S downwards."""

    def __init__(self, channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.levels = len(widths)
        before = 4 * channels
        for level, width in enumerate(widths):
            self.add_module(f"down{level}a", nn.Conv2d(before, width, 3, padding=1))
            self.add_module(f"down{level}b", nn.Conv2d(width, width, 3, padding=1))
            before = width
        for level in reversed(range(len(widths) - 1)):
            self.add_module(f"up{level}", nn.Conv2d(before + widths[level], widths[level], 3, padding=1))
            before = widths[level]
        self.add_module("out", nn.Conv2d(before, 4, 3, padding=1))
        for module in self.children():
            assert isinstance(module, nn.Conv2d)
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]

    def forward(self, maps: Tensor) -> Tensor:
        x, skips = F.pixel_unshuffle(maps, 2), []
        for level in range(self.levels):
            if level:
                skips.append(x)
                x = F.max_pool2d(x, 2)
            for half in "ab":
                x = F.relu(self.get_submodule(f"down{level}{half}")(x))
        for level in reversed(range(self.levels - 1)):
            x = torch.cat([F.interpolate(x, scale_factor=2, mode="nearest"), skips[level]], 1)
            x = F.relu(self.get_submodule(f"up{level}")(x))
        return F.pixel_shuffle(self.get_submodule("out")(x), 2)[:, 0]


def save(network: nn.Module, out: Path) -> None:
    """Write the weights in half precision."""
    save_file({name: weight.half().contiguous() for name, weight in network.state_dict().items()}, out)


def train(
    network: UNet,
    maps: np.ndarray,
    truths: np.ndarray,
    settings: TrainingSettings,
    vary: Vary,
    objective: Objective,
) -> None:
    """Train with Adam, a warm-up and a cosine learning rate; write a running mean of the weights after each epoch.

    maps       float16 (N, channels, S, S)
    truths     uint8 (N, S, S), 255 for what is looked for
    objective  the loss of logits, truths from 0 to 1 (N, S, S), and maps
    """
    steps, step = settings.epochs * (len(maps) // settings.batch), 0
    optimizer = torch.optim.Adam(network.parameters(), settings.rate)
    rng = np.random.default_rng(settings.first_seed)
    mean = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(1 - 1 / AVERAGED))
    for epoch in range(settings.epochs):
        total, order = 0.0, rng.permutation(len(maps))
        for first in range(0, len(order) - settings.batch + 1, settings.batch):
            taken = order[first : first + settings.batch]
            given, truth = vary(maps[taken].astype(np.float32), truths[taken].astype(np.float32) / 255, rng)
            for group in optimizer.param_groups:
                group["lr"] = (
                    settings.rate * min(1, step / 100) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
                )
            loss = objective(network(given), truth, given)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            mean.update_parameters(network)
            total, step = total + loss.item(), step + 1
        save(mean.module, settings.out)
        print(f"epoch {epoch + 1}: loss {total / (len(order) // settings.batch):.4f}", flush=True)
