"""Training batches: clips of different hearts, rendered in rounds ahead of the steps that use them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from echogan.core.errors import TrainingError
from echogan.model.cyclegan import Batch
from echogan.phantom.artefacts.vendor_look import VendorLookSettings
from echogan.training.config import TrainingConfig
from echogan.training.data.display_look import Shown
from echogan.training.data.frame_pool import Drawn, FramePool, render_pool
from echogan.training.data.mixture import mixed
from echogan.training.data.shards import Shards, has_split, open_shards
from echogan.training.data.sources import Look, PhantomSource, SemiRealSource, ShardSource, Source

HELD_OUT_SEED = 1_000_000_000  # clips from here on are never trained on
HEARTS = HELD_OUT_SEED // 2
SIMULATED_ONLY = (
    "No good clips with a fan are kept for validation (val): simulated hearts alone choose the best checkpoint, "
    "and the held-out measures are of them."
)
ENOUGH_FRAMES = 24  # 0.4 to 1 s: most frames then have neighbours of their own
FEW_FRAMES = (
    f"With fewer than {ENOUGH_FRAMES} --frames-per-clip most frames lie near a clip's end, where neighbours are "
    "repeated."
)


@dataclass(frozen=True)
class TrainingData:
    """The two domains, and pairs of clips never trained on, which choose the best checkpoint.

    `notes` are messages on what a user may not expect.
    """

    low: Source
    high: Source
    held_out: Source
    notes: tuple[str, ...] = ()

    def facts(self) -> dict[str, Any]:
        """The data of both domains, for the checkpoint's config."""
        return {"low": self.low.facts(), "high": self.high.facts()}


def open_data(config: TrainingConfig, device: str = "cpu", split: str = "train") -> TrainingData:
    """The sources that the settings ask for, from one split of the folders' patients.

    Raises TrainingError if a folder holds nothing of use.
    """
    phantom = 1.0 if not (config.low or config.high or config.semireal) else config.phantom_share
    own = 1.0 - phantom
    w = config.loss
    paired = any(weight > 0 for weight in (w.paired, w.target_structure, w.lesion, w.between))
    if paired and not phantom and not config.semireal:
        raise TrainingError(
            "Recorded poor clips have no truth to pair with: add pairs with --phantom-share 0.5 or --semireal, or "
            "train without the loss terms of pairs: paired, target-structure, lesion and between at 0."
        )
    semireal = open_shards(Path(config.semireal), split, with_fan=True) if config.semireal else None

    def simulated(look: Look, lesions: float) -> PhantomSource:
        where = config.loss.lesion > 0
        return PhantomSource(look, device, lesion_share=lesions, known_only=config.known_only, lesions=where)

    in_low, in_high = lesion_shares(config)
    low: list[tuple[Source, float]] = [(simulated("pair" if paired else "degraded", in_low), phantom)]
    ordinary = config.ordinary_share
    high: list[tuple[Source, float]] = [
        (simulated("clear", in_high), phantom * (1 - ordinary)),
        (simulated("ordinary", in_high), phantom * ordinary),
    ]
    share = config.semireal_share if config.low else 1.0
    if semireal is not None:
        low.append((SemiRealSource(semireal, paired=paired, known_only=config.known_only), own * share))
    if config.low:
        low.append((ShardSource(open_shards(Path(config.low), split)), own * (1 - share if semireal else 1)))
    if config.high:
        shards = open_shards(Path(config.high), split)
        if semireal is not None:
            check_apart(shards, semireal)
        high.append((ShardSource(shards), own))
    for side, parts in (("low", low), ("high", high)):
        if not any(weight for _, weight in parts):
            raise TrainingError(
                f"There are no {side} clips: give --{side} a folder too, or simulated ones with --phantom-share 0.5."
            )
    held_out = held_out_source(config, phantom, device)
    notes = (SIMULATED_ONLY,) if own and isinstance(held_out, PhantomSource) else ()
    if config.generator.frames > 1 and config.frames_per_clip < ENOUGH_FRAMES:
        notes += (FEW_FRAMES,)
    looks = VendorLookSettings(reject_chance=config.reject_share, reject=(0.0, config.reject))
    low_shown, high_shown, held_out_shown = (
        Shown(source, config.look_share, config.canonical_grey, config.dark_level, looks)
        for source in (mixed(low), mixed(high), held_out)
    )
    return TrainingData(low_shown, high_shown, held_out_shown, notes)


def lesion_shares(config: TrainingConfig) -> tuple[float, float]:
    """The shares of poor and of good simulated clips with a lesion.

    A network trained on domains with different shares learns to erase or invent lesions (Cohen et al. 2018, MICCAI,
    "Distribution matching losses can hallucinate features in medical image translation"). This is for measuring that.
    """
    other = config.lesion_share_high
    return config.lesion_share, config.lesion_share if other < 0 else other


def check_apart(high: Shards, semireal: Shards) -> None:
    """Raise TrainingError if good clips may be of patients whose clips are made poor: they would be pairs."""
    if not high.comparable(semireal):
        raise TrainingError(
            "Whether --high and --semireal share patients cannot be told: each was curated with a salt of its own. "
            "Curate both with one --salt FILE, or give both as clips."
        )
    if high.patients & semireal.patients:
        raise TrainingError(
            "Some patients are in both --high and --semireal, which would pair the two domains. Give folders of "
            "different patients."
        )


def held_out_source(config: TrainingConfig, phantom: float, device: str) -> Source:
    """Pairs with a truth: from the phantom, and from real validation clips made poor."""
    parts: list[tuple[Source, float]] = [(PhantomSource("pair", device), phantom)]
    for folder in (config.semireal, config.high):
        if folder and has_split(Path(folder), "val"):
            kept = open_shards(Path(folder), "val", with_fan=True)
            parts.append((SemiRealSource(kept, paired=True, augmented=False), 1 - phantom))
            break
    else:
        parts = [(PhantomSource("pair", device), 1.0)]
    return mixed(parts)


class Rounds(Dataset["tuple[FramePool, FramePool] | TrainingError"]):
    """Round r: the low and the high pool of its steps, of hearts that no other round or domain has.

    Low frames come of even seeds, high ones of odd seeds: unpaired. `rank` of `world` processes takes every
    world-th round's hearts.
    """

    def __init__(self, config: TrainingConfig, data: TrainingData, rank: int = 0, world: int = 1) -> None:
        self.config, self.data, self.rank, self.world = config, data, rank, world

    def __getitem__(self, index: int) -> tuple[FramePool, FramePool] | TrainingError:
        """Both pools; or the error as a value, because an exception from a worker arrives wrapped in a traceback."""
        c = self.config
        try:
            low, high = (
                render_pool(source, self.seeds(index, side), c.frames_per_clip, c.size)
                for side, source in enumerate((self.data.low, self.data.high))
            )
        except TrainingError as error:
            return error
        return low, high

    def seeds(self, index: int, side: int) -> list[int]:
        """The clips' seeds of one round; side 0 is low, 1 high. All below HELD_OUT_SEED."""
        first = (index * self.world + self.rank) * self.config.clips_per_round + self.config.seed * 7_000_003
        return [2 * ((first + k) % HEARTS) + side for k in range(self.config.clips_per_round)]


def _prepare_worker(worker: int) -> None:
    """One thread each; signals to the process group are ignored, because the training process ends its workers."""
    torch.set_num_threads(1)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def frame_pools(rounds: Rounds, first: int, last: int) -> Iterator[tuple[FramePool, FramePool]]:
    """The pools of rounds first..last-1, in order, rendered ahead by `workers` processes."""
    workers = rounds.config.workers
    ahead: dict[str, Any] = {}
    if workers:
        ahead = {"multiprocessing_context": "spawn", "prefetch_factor": 2, "worker_init_fn": _prepare_worker}
    own = torch.Generator()  # else the loader would draw from the global one
    sampler = range(first, last)
    for found in DataLoader(rounds, None, sampler=sampler, num_workers=workers, generator=own, **ahead):
        if isinstance(found, TrainingError):
            raise found
        yield found


def step_generator(seed: int, step: int, rank: int = 0) -> torch.Generator:
    """The random numbers of one step of one process. There is no state to save, so a resumed run is exact."""
    mixed_up = (seed * 1_000_003 + rank) * 2_000_003 + step
    return torch.Generator().manual_seed(mixed_up * 0x9E3779B97F4A7C15 % 2**63)


def batches(
    config: TrainingConfig, data: TrainingData, first_step: int, rank: int = 0, world: int = 1
) -> Iterator[tuple[int, Batch, torch.Generator]]:
    """(step, batch, generator) from `first_step` on; each depends only on (seed, step, rank).

    The generator has drawn the batch and serves the rest of the step. The first `half_size_steps` steps see the
    frames at half size.
    """
    per_round = config.steps_per_round
    first, last = first_step // per_round, -(-config.steps // per_round)
    rounds, seen = Rounds(config, data, rank, world), config.generator.frames
    for index, (low, high) in enumerate(frame_pools(rounds, first, last), first):
        for step in range(max(first_step, index * per_round), min(config.steps, (index + 1) * per_round)):
            generator = step_generator(config.seed, step, rank)
            batch = as_batch(*(pool.draw(config.batch_size, generator, seen) for pool in (low, high)))
            yield step, halved(batch) if step < config.half_size_steps else batch, generator


def as_batch(x: Drawn, y: Drawn) -> Batch:
    """The frames drawn from both domains, as a batch for the networks."""
    return Batch(
        low=x.frames, high=y.frames, low_mask=x.mask, high_mask=y.mask,
        low_next=x.after, low_target=x.truth, low_paired=x.paired, low_labels=x.labels, high_labels=y.labels,
        low_lesions=x.lesions, low_stack=x.stack, high_stack=y.stack, low_next_stack=x.after_stack,
    )  # fmt: skip


def halved(batch: Batch) -> Batch:
    """The batch at half its size: frames averaged, masks where all four pixels are inside."""

    def half(x: Tensor | None) -> Tensor | None:
        return None if x is None else F.avg_pool2d(x, 2)

    def inner(mask: Tensor) -> Tensor:
        return -F.max_pool2d(-mask, 2)

    return replace(
        batch,
        low=F.avg_pool2d(batch.low, 2), high=F.avg_pool2d(batch.high, 2),
        low_mask=inner(batch.low_mask), high_mask=inner(batch.high_mask),
        low_next=half(batch.low_next), low_target=half(batch.low_target),
        low_stack=half(batch.low_stack), high_stack=half(batch.high_stack),
        low_next_stack=half(batch.low_next_stack),
        low_lesions=None if batch.low_lesions is None else batch.low_lesions[..., ::2, ::2],
    )  # fmt: skip
