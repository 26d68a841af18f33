"""Train the network that finds the fan, on simulated hard fans. It takes about a quarter of an hour on one core.

    python -m eval fan_network [--out echogan/clips/sector/fan_network.safetensors]
    python -m eval fan_network --start echogan/clips/sector/fan_network.safetensors --hearts 60 --epochs 6 --rate 7e-4 \
        --first-seed 2110000000

The second command continues the training of given weights with other hearts. The weights in the package were trained
in several such runs, whose settings were not kept. One more run as above lowered the loss on held-out hard fans and
left their IoU unchanged. The seeds differ from those of the calibration and of the evaluation (`eval.fans.fans`).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from echogan.clips.sector.evidence import square_maps
from echogan.clips.sector.fan_network import CHANNELS, WEIGHTS, WIDTHS
from echogan.clips.sector.overlay import ClipStatistics
from eval.command import begin
from eval.fans.hard_fans import HardFan, harden, phantom

FIRST_SEED = 2_100_000_000
SIZES = (128, 420)  # longer side of a training frame in pixels; the network sees it at 128
FRAMES = 6


@dataclass(frozen=True)
class FanNetworkSettings:
    """How much is rendered, how long the network is trained, and where the weights go."""

    hearts: int = field(default=240, metadata={"help": "number of phantom clips"})
    variants: int = field(default=14, metadata={"help": "hard fans made from each clip"})
    epochs: int = field(default=16, metadata={"help": "passes over the hard fans"})
    batch: int = field(default=16, metadata={"help": "hard fans per step"})
    rate: float = field(default=2e-3, metadata={"help": "highest learning rate"})
    first_seed: int = field(default=FIRST_SEED, metadata={"help": "seed of the first phantom clip"})
    start: Path | None = field(
        default=None, metadata={"help": "weights to start from; random ones where not given"}
    )
    out: Path = field(default=WEIGHTS, metadata={"help": "safetensors to write"})


class FanNetwork(nn.Module):
    """The U-Net of echogan.clips.sector.fan_network in torch: maps (N, CHANNELS, S, S) to logits (N, S, S)."""

    def __init__(self) -> None:
        super().__init__()
        before = 4 * CHANNELS
        for level, width in enumerate(WIDTHS):
            self.add_module(f"down{level}a", nn.Conv2d(before, width, 3, padding=1))
            self.add_module(f"down{level}b", nn.Conv2d(width, width, 3, padding=1))
            before = width
        for level in reversed(range(len(WIDTHS) - 1)):
            self.add_module(f"up{level}", nn.Conv2d(before + WIDTHS[level], WIDTHS[level], 3, padding=1))
            before = WIDTHS[level]
        self.add_module("out", nn.Conv2d(before, 4, 3, padding=1))
        for module in self.children():
            assert isinstance(module, nn.Conv2d)
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]

    def forward(self, maps: Tensor) -> Tensor:
        x, skips = F.pixel_unshuffle(maps, 2), []
        for level in range(len(WIDTHS)):
            if level:
                skips.append(x)
                x = F.max_pool2d(x, 2)
            for half in "ab":
                x = F.relu(self.get_submodule(f"down{level}{half}")(x))
        for level in reversed(range(len(WIDTHS) - 1)):
            x = torch.cat([F.interpolate(x, scale_factor=2, mode="nearest"), skips[level]], 1)
            x = F.relu(self.get_submodule(f"up{level}")(x))
        return F.pixel_shuffle(self.get_submodule("out")(x), 2)[:, 0]


def main(settings: FanNetworkSettings) -> None:
    """Render, train, write."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    start = time.perf_counter()
    maps, truths = render(settings)
    print(f"{len(maps)} hard fans in {time.perf_counter() - start:.0f} s", flush=True)
    network = FanNetwork()
    if settings.start is not None:
        network.load_state_dict({name: weight.float() for name, weight in load_file(settings.start).items()})
    train(network, maps, truths, settings)
    print(f"{settings.out} after {time.perf_counter() - start:.0f} s")


def save(network: FanNetwork, out: Path) -> None:
    """Write the weights in half precision."""
    save_file({name: weight.half().contiguous() for name, weight in network.state_dict().items()}, out)


def render(settings: FanNetworkSettings) -> tuple[np.ndarray, np.ndarray]:
    """Input maps float16 (N, CHANNELS, S, S) and true sectors uint8 (N, S, S), 255 inside."""
    maps, truths = [], []
    for seed in range(settings.first_seed, settings.first_seed + settings.hearts):
        rng = np.random.default_rng(seed)
        clip = phantom(seed, FRAMES, rng)
        for _ in range(settings.variants):
            hard = shorter(harden(clip, rng, SIZES, others=True), rng)
            given, truth = example(hard)
            maps.append(given.astype(np.float16))
            truths.append(np.rint(255 * truth).astype(np.uint8))
    return np.stack(maps), np.stack(truths)


def shorter(hard: HardFan, rng: np.random.Generator) -> HardFan:
    """The hard fan with fewer frames; one in four becomes a still."""
    count = 1 if rng.random() < 0.25 else int(rng.integers(2, len(hard.frames) + 1))
    return HardFan(hard.frames[:count], hard.truth, hard.trace, hard.shape)


def example(hard: HardFan) -> tuple[np.ndarray, np.ndarray]:
    """The input maps of the network, and the share of each of its pixels that is imaged tissue."""
    maps, square, _ = square_maps(ClipStatistics.of(hard.frames), (0, 0, *hard.truth.shape))
    truth = np.zeros(maps.shape[1:], np.float32)
    truth[square.rows, square.columns] = square.shrink(hard.truth)
    return maps, truth


def train(network: FanNetwork, maps: np.ndarray, truths: np.ndarray, settings: FanNetworkSettings) -> None:
    """Train with Adam, a warm-up and a cosine learning rate; a batch is mirrored with probability 0.5."""
    steps, step = settings.epochs * (len(maps) // settings.batch), 0
    optimizer = torch.optim.Adam(network.parameters(), settings.rate)
    generator = torch.Generator().manual_seed(1)
    for epoch in range(settings.epochs):
        total, order = 0.0, torch.randperm(len(maps), generator=generator).numpy()
        for first in range(0, len(order) - settings.batch + 1, settings.batch):
            taken = order[first : first + settings.batch]
            given = torch.from_numpy(maps[taken]).float()
            truth = torch.from_numpy(truths[taken]).float() / 255
            if torch.rand(1, generator=generator) < 0.5:
                given, truth = given.flip(-1), truth.flip(-1)
                given[:, 5] *= -1
            for group in optimizer.param_groups:
                group["lr"] = (
                    settings.rate * min(1, step / 100) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
                )
            loss = objective(network(given), truth, given[:, 3])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            total, step = total + loss.item(), step + 1
        save(network, settings.out)
        print(f"epoch {epoch + 1}: loss {total / (len(order) // settings.batch):.4f}", flush=True)


def objective(logits: Tensor, truth: Tensor, usable: Tensor) -> Tensor:
    """Cross-entropy plus half of (1 - soft IoU). Pixels outside the frame do not count."""
    weight = (usable > 0).float()
    entropy = (
        F.binary_cross_entropy_with_logits(logits, truth, reduction="none") * weight
    ).sum() / weight.sum()
    found, truth = torch.sigmoid(logits) * weight, truth * weight
    both = (found * truth).sum((1, 2))
    return entropy + 0.5 * (1 - both / (found.sum((1, 2)) + truth.sum((1, 2)) - both + 1)).mean()


if __name__ == "__main__":
    begin(main, FanNetworkSettings)
