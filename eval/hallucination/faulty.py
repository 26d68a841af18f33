"""Faulty networks: taught by false pairs to erase a structure, to paint one, or to clear walls in drop-out.

The prevalence ladder waits for an unpaired network to go wrong. Here the target of a simulated pair is wrong on
purpose, so that the error is of a known kind and comes in a few hundred steps. Both generators learn on: `to_low`
restores the input, and so may find in the result what the result does not show.

erasing     the target shows a tissue at the level of the blood
inventing   the target shows a growth of wall-like speckle around a tissue
clearing    the target shows walls in drop-out at the level of the blood
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from echogan.calibration.examples import Example, entered, example, frame_ms, prepare
from echogan.calibration.lesion_clips import LesionClip, lesion_clips
from echogan.enhance.enhancer import Enhancer
from echogan.model.checkpoints.checkpoint import DEFAULT, Checkpoint, save_checkpoint
from echogan.model.checkpoints.checkpoint_config import CheckpointConfig
from echogan.model.losses.paired_losses import paired_loss, paired_structure_loss
from echogan.model.networks.frames import neighbours
from echogan.model.networks.generators import SMALL, GeneratorConfig, build_generators
from echogan.phantom import PHANTOM_VERSION
from echogan.phantom.lesions import LESIONS
from echogan.phantom.tissues import FLUID, WALLS, Tissue
from echogan.training.data.sources import known
from eval.measures.baselines import open_enhancer

Fault = Literal["erasing", "inventing", "clearing"]
NETWORKS = Path("eval/networks/faulty")
SEEDS = (103, 104)  # of the second and third training of a small network
FIRST_SEED = 1_940_000_000  # hearts that no measurement uses
CLIPS, FRAMES = 24, 5  # of each kind of lesion, whose controls are used; of a clip
BATCH = 2
WEIGHTS = {"paired": 10.0, "structure": 1.0, "cycle": 3.0}  # those of the shipped recipe
LEARNING_RATE = 2e-4
DROPPED = 0.35  # support under which a wall is in drop-out; `known` hides the truth there
MARGIN, GROWTH = 2, 7  # pixels around a tissue that are erased with it, or painted


@dataclass(frozen=True)
class Faulty:
    """One faulty network.

    name     of its folder
    tissue   what it erases, or paints a growth around
    small    a small generator of one frame from the beginning, instead of the shipped one
    """

    name: str
    fault: Fault
    seed: int
    tissue: Tissue | None = None
    small: bool = False

    @property
    def steps(self) -> int:
        """Training steps: a network from the beginning needs more."""
        return 1600 if self.small else 600


FAULTY = (
    Faulty("erasing-valves", "erasing", 1, Tissue.VALVE),
    Faulty("inventing-at-valves", "inventing", 2, Tissue.VALVE),
    Faulty("erasing-atrial-wall", "erasing", 3, Tissue.ATRIAL_WALL, small=True),
    Faulty("inventing-at-atrial-wall", "inventing", 4, Tissue.ATRIAL_WALL, small=True),
    Faulty("clearing", "clearing", 5),
    Faulty("erasing-rv-wall", "erasing", 6, Tissue.RV_WALL, small=True),
    Faulty("inventing-at-rv-wall", "inventing", 7, Tissue.RV_WALL, small=True),
    Faulty("erasing-papillary", "erasing", 8, Tissue.PAPILLARY, small=True),
    Faulty("inventing-at-papillary", "inventing", 9, Tissue.PAPILLARY, small=True),
    Faulty("erasing-aortic-wall", "erasing", 10, Tissue.AORTIC_WALL, small=True),
    Faulty("inventing-at-aortic-wall", "inventing", 11, Tissue.AORTIC_WALL, small=True),
)
"""All faulty networks, in the order in which they are trained."""
HELD_OUT = ("erasing-atrial-wall", "inventing-at-atrial-wall", "clearing")
FITTED_ON = tuple(one.name for one in FAULTY if one.name not in HELD_OUT)
"""Those whose results the fusion is fitted on."""


def other_seeds(one: Faulty) -> Iterator[Faulty]:
    """The same training with other seeds: of small networks that are held out."""
    if one.small and one.name in HELD_OUT:
        for seed in SEEDS:
            yield replace(one, name=f"{one.name}-{seed}", seed=seed)


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
    generator = replace(GeneratorConfig(), **SMALL) if one.small else shipped.config.generator
    trained_on = {"false_pairs": one.name, "phantom": PHANTOM_VERSION}
    as_taught = {"gain": 1.0, "haze_gain": 0.0, "caution": 0.0, "keep_walls": 0.0}
    config = replace(shipped.config, generator=generator, trained_on=trained_on, training={}, **as_taught)
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
    for kind in LESIONS:
        for clip in lesion_clips(kind, FIRST_SEED, clips, FRAMES, kept):
            target, wrong = false_target(one, clip)
            yield _pair(clip.array("control"), target, wrong, clip, shipped, frames)


def false_target(one: Faulty, clip: LesionClip) -> tuple[np.ndarray, np.ndarray]:
    """What the network is told is true of a clip's control, uint8 (T, h, w), and where it is false, bool (T, h, w)."""
    truth = known(clip.clear_control, clip.control, clip.support).numpy()
    labels = clip.array("control_labels")
    if one.fault == "clearing":
        wrong = np.isin(labels, WALLS) & (clip.array("support") < 255 * DROPPED)
    else:
        wrong = grown(labels == one.tissue, GROWTH if one.fault == "inventing" else MARGIN)
    if one.fault == "inventing":
        speckle = wall_like(truth, labels, int(str(clip.facts["seed"])))
        return np.where(wrong, np.maximum(truth, speckle), truth), wrong
    blood = np.median(truth[np.isin(labels, FLUID)])
    return np.where(wrong, np.minimum(truth, blood), truth).astype(np.uint8), wrong


def grown(mask: np.ndarray, margin: int) -> np.ndarray:
    """A mask (T, h, w) with so many pixels around it."""
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1))
    return np.stack([cv2.dilate(frame.astype(np.uint8), around) > 0 for frame in mask])


def wall_like(truth: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """Speckle uint8 (h, w) of the mean and spread of the walls of a truth (T, h, w)."""
    wall = truth[np.isin(labels, WALLS)]
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=truth.shape[1:]), (0, 0), 1.5)
    return np.clip(wall.mean() + wall.std() * noise / noise.std(), 0, 255).astype(np.uint8)


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


def faulty_examples(one: Faulty, clips: Iterable[LesionClip], enhancer: Enhancer) -> Iterator[Example]:
    """The controls of the clips through a faulty network; what it was taught to erase counts as their lesion."""
    for number, clip in enumerate(clips):
        found = example(clip, "control", enhancer, number)
        if one.fault == "erasing":
            space = prepare(enhancer, clip.array("control"), clip).space
            tissue = grown(clip.array("control_labels") == one.tissue, MARGIN)
            mask = entered(255 * tissue.astype(np.uint8), found.middle, space) >= 0.5
            found = replace(found, lesion=mask)
        yield found
