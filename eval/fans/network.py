"""Train the network that finds the fan, on simulated hard fans. It takes about an hour and a half on one core.

    python -m eval fan_network [--out echogan/clips/sector/fan_network.safetensors]
    python -m eval fan_network --start echogan/clips/sector/fan_network.safetensors --first-seed 2120000000

The second command continues the training of given weights with other hearts. The weights in the package were trained
in several runs; the settings of the last ones stand in `docs/results.md`. The seeds differ from those of the
calibration and of the evaluation (`eval.fans.fans`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from echogan.clips.sector.evidence import square_maps
from echogan.clips.sector.fan_network import CHANNELS, WEIGHTS, WIDTHS
from echogan.clips.sector.overlay import ClipStatistics
from eval.command import begin
from eval.fans.hard_fans import HardFan, harden, phantom
from eval.fans.unet import UNet, train

FIRST_SEED = 2_100_000_000
SIZES = (150, 600)  # longer side of a training frame in pixels
FRAMES, MANY, LONG = 6, 20, 0.4  # frames of a phantom clip, of a long one, and the share of long ones
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


def main(settings: FanNetworkSettings) -> None:
    """Render, train, write."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    start = time.perf_counter()
    maps, truths = render(settings)
    print(f"{len(maps)} hard fans in {time.perf_counter() - start:.0f} s", flush=True)
    network = UNet(CHANNELS, WIDTHS)
    if settings.start is not None:
        network.load_state_dict({name: weight.float() for name, weight in load_file(settings.start).items()})
    train(network, maps, truths, settings, varied, objective)
    print(f"{settings.out} after {time.perf_counter() - start:.0f} s")


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


def objective(logits: Tensor, truth: Tensor, maps: Tensor) -> Tensor:
    """Cross-entropy plus half of (1 - soft IoU). Pixels outside the frame do not count."""
    weight = (maps[:, 3] > 0).float()
    entropy = (
        F.binary_cross_entropy_with_logits(logits, truth, reduction="none") * weight
    ).sum() / weight.sum()
    found, truth = torch.sigmoid(logits) * weight, truth * weight
    both = (found * truth).sum((1, 2))
    return entropy + 0.5 * (1 - both / (found.sum((1, 2)) + truth.sum((1, 2)) - both + 1)).mean()


if __name__ == "__main__":
    begin(main, FanNetworkSettings)
