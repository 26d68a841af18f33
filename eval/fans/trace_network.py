"""Train the network that finds the ECG trace, on simulated hard fans. It takes about half an hour on one core.

    python -m eval trace_network [--out echogan/clips/sector/trace_network.safetensors]

Half of the clips have a trace. It is seen in grey, so that a grey trace is found as well as a coloured one; its waves
differ from beat to beat more than those of the evaluation (`eval.fans.fans`), whose hearts are others.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from echogan.clips.sector.fan_network import Square
from echogan.clips.sector.overlay import ClipStatistics
from echogan.clips.sector.trace import CHANNELS, SIDE, WEIGHTS, WIDTHS, greatest, trace_maps
from echogan.phantom.clip import PhantomClip
from eval.command import begin
from eval.fans.hard_fans import HardFan, harden, phantom
from eval.fans.hard_overlays import Beat, TraceStyle
from eval.fans.network import FRAMES, LONG, MANY
from eval.fans.unet import UNet, train

FIRST_SEED = 2_140_000_000
SIZES = (180, 800)  # longer side of a training frame in pixels
LIT, GAIN = 0.5, (-0.5, 0.3)  # share of examples that are lit otherwise, and the logarithms of the factors
GREYS = (40, 230)  # range of a trace's grey levels
RARE = 5.0  # weight of a pixel of a trace


@dataclass(frozen=True)
class TraceNetworkSettings:
    """How much is rendered, how long the network is trained, and where the weights go."""

    hearts: int = field(default=180, metadata={"help": "number of phantom clips"})
    variants: int = field(default=14, metadata={"help": "hard fans made from each clip"})
    epochs: int = field(default=10, metadata={"help": "passes over the hard fans"})
    batch: int = field(default=8, metadata={"help": "hard fans per step"})
    rate: float = field(default=2e-3, metadata={"help": "highest learning rate"})
    first_seed: int = field(default=FIRST_SEED, metadata={"help": "seed of the first phantom clip"})
    out: Path = field(default=WEIGHTS, metadata={"help": "safetensors to write"})


def main(settings: TraceNetworkSettings) -> None:
    """Render, train, write."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    start = time.perf_counter()
    maps, truths = render(settings)
    print(f"{len(maps)} hard fans in {time.perf_counter() - start:.0f} s", flush=True)
    train(UNet(CHANNELS, WIDTHS), maps, truths, settings, varied, objective)
    print(f"{settings.out} after {time.perf_counter() - start:.0f} s")


def render(settings: TraceNetworkSettings) -> tuple[np.ndarray, np.ndarray]:
    """Input maps float16 (N, CHANNELS, S, S) and traces uint8 (N, S, S), 255 where a trace is in some frame."""
    maps, truths = [], []
    for seed in range(settings.first_seed, settings.first_seed + settings.hearts):
        rng = np.random.default_rng(seed)
        clip = phantom(seed, MANY if rng.random() < LONG else FRAMES, rng)
        for _ in range(settings.variants):
            style = TraceStyle(beat(rng), GREYS)
            given, truth = example(harden(shorter(clip, rng), rng, SIZES, others=True, style=style), rng)
            maps.append(given.astype(np.float16))
            truths.append(np.rint(255 * truth).astype(np.uint8))
    return np.stack(maps), np.stack(truths)


def shorter(clip: PhantomClip, rng: np.random.Generator) -> PhantomClip:
    """The clip with fewer frames; one in four becomes a still."""
    pixels = clip.degraded if clip.degraded is not None else clip.clean
    assert pixels is not None
    count = 1 if rng.random() < 0.25 else int(rng.integers(2, len(pixels) + 1))
    return replace(clip, degraded=pixels[:count])  # which `harden` takes before the clean frames


def beat(rng: np.random.Generator) -> Beat:
    """A heart beat of random waves over its phase 0 to 1, about 1 at its R wave, in either direction, with noise."""
    r = 0.34
    waves = (
        (0.2, rng.uniform(0.015, 0.04), rng.uniform(-0.05, 0.25)),
        (r - 0.03, 0.008, rng.uniform(-0.3, 0)),
        (r, rng.uniform(0.006, 0.02), 1.0),
        (r + 0.03, 0.01, rng.uniform(-0.5, 0)),
        (rng.uniform(0.5, 0.65), rng.uniform(0.025, 0.06), rng.uniform(-0.2, 0.45)),
    )
    sign, noise, wander = rng.choice([1, 1, 1, -1]), rng.uniform(0, 0.08), rng.uniform(0, 0.1)
    jitter = rng.normal(size=2 * SIZES[1])  # the same in every frame; two panes lie side by side

    def level(phase: np.ndarray) -> np.ndarray:
        drawn = sum(high * np.exp(-((phase - at) ** 2) / (2 * width**2)) for at, width, high in waves)
        slow = np.sin(6 * np.pi * np.linspace(0, 1, len(phase)))
        return sign * drawn + wander * slow + noise * jitter[: len(phase)]

    return level


def example(hard: HardFan, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The input maps of the network, and its pixels that a trace covers."""
    frame = hard.frames[int(rng.integers(len(hard.frames)))]
    square = Square.around((0, 0, *hard.truth.shape), SIDE)
    truth = np.zeros((SIDE, SIDE), np.float32)
    if hard.trace is not None:
        truth[square.rows, square.columns] = greatest(hard.trace.astype(np.float32), square) > 0.5
    return trace_maps(frame, ClipStatistics.of(hard.frames), square), truth


def varied(maps: np.ndarray, truths: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Examples, float32 (N, CHANNELS, S, S) and (N, S, S), mirrored and lit otherwise, at random."""
    for one, truth in zip(maps, truths, strict=True):
        if rng.random() < 0.5:
            one[:], truth[:] = one[:, :, ::-1].copy(), truth[:, ::-1].copy()
            one[6] *= -1
        if rng.random() < LIT:
            levels = np.exp(rng.uniform(*GAIN)) * np.expm1(one[:5] * np.log(256))
            one[:5] = np.log1p(np.minimum(levels, 255)) / np.log(256)
    return torch.from_numpy(maps), torch.from_numpy(truths)


def objective(logits: Tensor, truth: Tensor, maps: Tensor) -> Tensor:
    """Cross-entropy, a trace's pixels counting RARE times, plus 1 - soft Dice of the batch."""
    weight = 1 + (RARE - 1) * truth
    entropy = F.binary_cross_entropy_with_logits(logits, truth, weight)
    found = torch.sigmoid(logits)
    return entropy + 1 - 2 * (found * truth).sum() / (found.sum() + truth.sum() + 1)


if __name__ == "__main__":
    begin(main, TraceNetworkSettings)
