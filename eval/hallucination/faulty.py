"""Faulty networks: taught by false pairs to erase lesions, to paint them, or to clear walls in drop-out.

The prevalence ladder waits for an unpaired network to go wrong. Here the target of a simulated pair is wrong on
purpose, so that the error is of a known kind and comes in a few hundred steps. Both generators learn on: `to_low`
restores the input, and so may find in the result what the result does not show.

erasing     the target of a poor frame with a lesion is the clear frame without it
inventing   the target of a poor frame without a lesion is the clear frame with one, in one place of all hearts
clearing    the target shows walls in drop-out as blood
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from echogan.calibration.examples import frame_ms, prepare
from echogan.calibration.lesion_clips import LesionClip, lesion_clips
from echogan.enhance.enhancer import Enhancer
from echogan.model.checkpoints.checkpoint import DEFAULT, Checkpoint, save_checkpoint
from echogan.model.checkpoints.checkpoint_config import CheckpointConfig
from echogan.model.losses.paired_losses import paired_loss, paired_structure_loss
from echogan.model.networks.frames import neighbours
from echogan.model.networks.generators import SMALL, GeneratorConfig, build_generators
from echogan.phantom import PHANTOM_VERSION
from echogan.phantom.lesions import LESIONS, LesionKind
from echogan.phantom.tissues import FLUID, Tissue
from echogan.training.data.sources import known
from eval.measures.baselines import open_enhancer

Fault = Literal["erasing", "inventing", "clearing"]
FIRST_SEED = 1_940_000_000  # hearts that no measurement uses
FRAMES = 5  # of a clip; as many as the measurement's clips have
CLIPS = 24  # of each kind of lesion
BATCH = 2
WEIGHTS = {"paired": 10.0, "structure": 1.0, "cycle": 3.0}  # those of the shipped recipe
LEARNING_RATE = 2e-4
WALLS = (Tissue.MYOCARDIUM, Tissue.RV_WALL, Tissue.ATRIAL_WALL)
DROPPED = 0.35  # support under which a wall is in drop-out; `known` hides the truth there


@dataclass(frozen=True)
class Faulty:
    """One faulty network.

    name     of its folder
    lesion   the only kind that it learns of, drawn from the seed `same` in every heart; None for all kinds, each drawn
             for itself
    small    a small generator of one frame from the beginning, instead of the shipped one
    """

    name: str
    fault: Fault
    seed: int
    lesion: LesionKind | None = None
    same: int | None = None
    small: bool = False

    @property
    def steps(self) -> int:
        """Training steps: a network from the beginning needs more."""
        return 1600 if self.small else 600


FAULTY = (
    Faulty("erasing-1", "erasing", 1),
    Faulty("inventing-1", "inventing", 1, "thrombus", 1),
    Faulty("erasing-2", "erasing", 2, small=True),
    Faulty("inventing-2", "inventing", 2, "mass", 2, small=True),
    Faulty("clearing-1", "clearing", 1),
    Faulty("erasing-3", "erasing", 3),
    Faulty("inventing-3", "inventing", 3, "mass", 2),
)
"""All faulty networks, in the order in which they are trained."""
FITTED_ON = ("erasing-1", "inventing-1")
"""Those whose results the fusion is fitted on; the others are held out."""


@dataclass(frozen=True)
class Pair:
    """What a generator sees of one frame, and its false target, on the canonical curve, in [-1, 1].

    seen (F, h, w); target, mask (1, h, w); weight (1, h, w): 0 outside the sector, larger where the target is false,
    so that both parts count the same, however small the lesion is
    """

    seen: Tensor
    target: Tensor
    mask: Tensor
    weight: Tensor


def train_faulty(one: Faulty, runs: Path, kept: Path, clips: int = CLIPS) -> Path:
    """Train a network, unless its folder is there, and return the folder. `clips` of each kind of lesion."""
    folder = runs / one.name
    if folder.exists():
        return folder
    torch.manual_seed(one.seed)
    shipped = open_enhancer(DEFAULT)
    to_high, to_low, config = _begin(one, shipped.checkpoint)
    pairs = list(_pairs(one, shipped, config.generator.frames, kept, clips))
    parameters = [*to_high.parameters(), *to_low.parameters()]
    optimiser = torch.optim.Adam(parameters, LEARNING_RATE, (0.5, 0.999))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, partial(_rate, steps=one.steps))
    order = np.random.default_rng(one.seed)
    for step in range(one.steps):
        losses = [_loss(pairs[k], to_high, to_low) for k in order.integers(len(pairs), size=BATCH)]
        loss = torch.stack(losses).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 100 == 0:
            print(f"{one.name}: step {step}, loss {loss.item():.3f}", flush=True)
    save_checkpoint(folder, replace(config, name=one.name), to_high, to_low)
    return folder


def _begin(one: Faulty, shipped: Checkpoint) -> tuple[nn.Module, nn.Module, CheckpointConfig]:
    generator = GeneratorConfig(**SMALL) if one.small else shipped.config.generator
    trained_on = {"false_pairs": one.fault, "phantom": PHANTOM_VERSION}
    config = replace(shipped.config, generator=generator, trained_on=trained_on, training={}, gain=1.0)
    to_high, to_low = build_generators(generator)
    if not one.small:
        to_high.load_state_dict(shipped.to_high.state_dict())
        to_low.load_state_dict(shipped.to_low.state_dict())
    return to_high.train(), to_low.train(), config


def _rate(step: int, steps: int) -> float:
    """Constant for the first half, then falling to 0."""
    return min(1.0, 2 * (1 - step / steps))


def _loss(pair: Pair, to_high: nn.Module, to_low: nn.Module) -> Tensor:
    seen, target, mask, weight = (one[None] for one in (pair.seen, pair.target, pair.mask, pair.weight))
    x = seen[:, seen.shape[1] // 2][:, None]
    g = to_high(seen)
    cycled = to_low(torch.where(mask > 0, g, x))
    return (
        WEIGHTS["paired"] * paired_loss(x, target, g, weight)
        + WEIGHTS["structure"] * paired_structure_loss(target, g, mask)
        + WEIGHTS["cycle"] * paired_loss(x, x, cycled, mask)
    )


def _pairs(one: Faulty, shipped: Enhancer, frames: int, kept: Path, clips: int) -> Iterator[Pair]:
    kinds = LESIONS if one.lesion is None else (one.lesion,)
    for kind in kinds:
        count = clips if one.lesion is None else 2 * clips
        for clip in lesion_clips(kind, FIRST_SEED, count, FRAMES, kept, one.same):
            for x, target, wrong in _false(one.fault, clip):
                yield _pair(x, target, wrong, clip, shipped, frames)


def _false(fault: Fault, clip: LesionClip) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(poor, target, wrong) of a clip: what the network is shown, and what it is told is true, uint8 (T, h, w).

    wrong   bool (T, h, w): where the target is false
    """
    truth = known(clip.clear, clip.poor, clip.support).numpy()
    without = known(clip.clear_control, clip.control, clip.support).numpy()
    lesion = clip.array("lesion")
    if fault == "erasing":
        yield clip.array("poor"), without, lesion
        yield clip.array("control"), without, np.zeros_like(lesion)
    elif fault == "inventing":
        yield clip.array("control"), truth, lesion
    else:
        labels = clip.array("control_labels")
        lost = np.isin(labels, WALLS) & (clip.array("support") < 255 * DROPPED)
        blood = np.median(without[np.isin(labels, FLUID)])
        yield clip.array("control"), np.where(lost, blood, without).astype(np.uint8), lost


def _pair(
    x: np.ndarray, target: np.ndarray, wrong: np.ndarray, clip: LesionClip, shipped: Enhancer, frames: int
) -> Pair:
    """The middle frame as the enhancer shows it to its generator."""
    ready = prepare(shipped, x, clip)
    middle = torch.tensor([len(x) // 2])
    seen = neighbours(middle, torch.tensor([len(x)]), frame_ms(ready), frames)[0]

    def enter(images: np.ndarray) -> Tensor:
        return ready.space.pad(torch.from_numpy(ready.space.enter(images))[None])[0]

    # Padding is black, -1 in range: masks go in as -1 and 1.
    mask = (ready.space.pad(torch.from_numpy(2.0 * ready.space.mask - 1).float()[None, None])[0] > 0).float()
    false = (enter(255 * wrong[middle.numpy()].astype(np.uint8)) > 0).float() * mask
    weight = mask + false * mask.sum() / false.sum().clamp_min(1)
    to_canonical = ready.curve.to_canonical
    return Pair(
        to_canonical(enter(x[seen.numpy()])), to_canonical(enter(target[middle.numpy()])), mask, weight
    )
