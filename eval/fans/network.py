"""Train the network that finds the fan, on simulated hard fans. It takes about an hour and a half on one core.

    python -m eval fan_network [--out echogan/clips/sector/fan_network.safetensors]
    python -m eval fan_network --start echogan/clips/sector/fan_network.safetensors --first-seed 2120000000

The second command continues the training of given weights with other hearts. The weights in the package were trained
in several runs; the settings of the last ones stand in `docs/results.md`. The seeds differ from those of the
calibration and of the evaluation (`eval.fans.fans`).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from echogan.clips.sector.evidence import square_maps
from echogan.clips.sector.fan_network import CHANNELS, WEIGHTS, WIDTHS
from echogan.clips.sector.overlay import ClipStatistics
from eval.command import begin
from eval.fans.hard_fans import HardFan, harden, phantom

FIRST_SEED = 2_100_000_000
SIZES = (150, 600)  # longer side of a training frame in pixels
FRAMES, MANY, LONG = 6, 20, 0.4  # frames of a phantom clip, of a long one, and the share of long ones
AVERAGED = 200  # steps over which the weights that are written are averaged
CUT, DEEPEST_CUT = 0.3, 0.15  # share of examples of which one side is cut off, and how much of it at most
CLOSER, CLOSEST = 0.4, 1.25  # share of examples that are cropped and enlarged, and how much at most
LIT, GAIN = 0.5, (-0.7, 0.4)  # share of examples that are lit otherwise, and the logarithms of the factors


@dataclass(frozen=True)
class FanNetworkSettings:
    """How much is rendered, how long the network is trained, and where the weights go."""

    hearts: int = field(default=320, metadata={"help": "number of phantom clips"})
    variants: int = field(default=24, metadata={"help": "hard fans made from each clip"})
    epochs: int = field(default=20, metadata={"help": "passes over the hard fans"})
    batch: int = field(default=16, metadata={"help": "hard fans per step"})
    rate: float = field(default=1e-3, metadata={"help": "highest learning rate"})
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


def save(network: nn.Module, out: Path) -> None:
    """Write the weights in half precision."""
    save_file({name: weight.half().contiguous() for name, weight in network.state_dict().items()}, out)


def render(settings: FanNetworkSettings) -> tuple[np.ndarray, np.ndarray]:
    """Input maps float16 (N, CHANNELS, S, S) and true sectors uint8 (N, S, S), 255 inside."""
    maps, truths = [], []
    for seed in range(settings.first_seed, settings.first_seed + settings.hearts):
        rng = np.random.default_rng(seed)
        clip = phantom(seed, MANY if rng.random() < LONG else FRAMES, rng)
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
    """Train with Adam, a warm-up and a cosine learning rate; write a running mean of the weights after each epoch."""
    steps, step = settings.epochs * (len(maps) // settings.batch), 0
    optimizer = torch.optim.Adam(network.parameters(), settings.rate)
    rng = np.random.default_rng(settings.first_seed)
    mean = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(1 - 1 / AVERAGED))
    for epoch in range(settings.epochs):
        total, order = 0.0, rng.permutation(len(maps))
        for first in range(0, len(order) - settings.batch + 1, settings.batch):
            taken = order[first : first + settings.batch]
            given, truth = varied(maps[taken].astype(np.float32), truths[taken].astype(np.float32) / 255, rng)
            for group in optimizer.param_groups:
                group["lr"] = (
                    settings.rate * min(1, step / 100) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
                )
            loss = objective(network(given), truth, given[:, 3])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            mean.update_parameters(network)
            total, step = total + loss.item(), step + 1
        save(mean.module, settings.out)
        print(f"epoch {epoch + 1}: loss {total / (len(order) // settings.batch):.4f}", flush=True)


def varied(maps: np.ndarray, truths: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Examples, float32 (N, CHANNELS, S, S) and (N, S, S), closer, mirrored, lit otherwise, cut at one side, at random.

    What is cut off is a part of the picture that cannot be used, as where another region covers it.
    """
    for example, truth in zip(maps, truths, strict=True):
        if rng.random() < CLOSER:
            show_closer(example, truth, rng)
        if rng.random() < 0.5:
            example[:], truth[:] = example[:, :, ::-1].copy(), truth[:, ::-1].copy()
            example[5] *= -1
        if rng.random() < LIT:
            levels = np.exp(rng.uniform(*GAIN)) * np.expm1(example[:3] * np.log(256))
            example[:3] = np.log1p(np.minimum(levels, 255)) / np.log(256)
        if rng.random() < CUT:
            depth = int(rng.uniform(0, DEEPEST_CUT) * example.shape[-1])
            side = (np.s_[:, :depth], np.s_[:, truth.shape[1] - depth :], np.s_[:depth])[rng.integers(3)]
            example[(slice(4), *np.index_exp[side])], truth[side] = 0, 0
    return torch.from_numpy(maps), torch.from_numpy(truths)


def show_closer(example: np.ndarray, truth: np.ndarray, rng: np.random.Generator) -> None:
    """Replace a frame in its square by a part of it, as if the export had been cropped to that."""
    rows, columns = (np.flatnonzero((example[5] != 0).any(axis)) for axis in (1, 0))
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    tall, wide = truth[window].shape
    scale = rng.uniform(1, CLOSEST)
    part = (round(tall / scale), round(wide / scale))
    top, left = (int(rng.integers(whole - kept + 1)) for whole, kept in zip((tall, wide), part, strict=True))
    for image in (*example[:4], truth):
        shown = image[window][top : top + part[0], left : left + part[1]]
        image[window] = cv2.resize(shown, (wide, tall), interpolation=cv2.INTER_LINEAR)


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
