"""Training frames of phantom clips of different hearts, rendered in rounds ahead of the steps using them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from echogan.model.cyclegan import Batch
from echogan.training.config import TrainingConfig

if TYPE_CHECKING:
    from echogan.phantom.render import PhantomSettings

Kind = Literal["clean", "degraded"]
HELD_OUT_SEED = 1_000_000_000  # clips from here on are never trained on
HEARTS = HELD_OUT_SEED // 2


class ClipSource(Protocol):
    """What renders clips; must be picklable, for the workers."""

    def __call__(self, seed: int, frames: int, want: tuple[Kind, ...]) -> tuple[dict[Kind, Tensor], Tensor]:
        """The wanted of "clean" and "degraded", uint8 (frames, h, w) each, and the sector, bool (h, w)."""
        ...

    def facts(self) -> dict[str, Any]:
        """What the clips are, for the checkpoint's config."""
        ...


@dataclass(frozen=True)
class PhantomSource:
    """Clips of the project's phantom, all views, rendered on `device` and handed over on the CPU.

    `foreshortened` is the share of apical views cut short, in clips that are wanted only degraded: where clean and
    degraded are compared, they show one heart, and poor geometry is nothing for a network to mend.
    """

    device: str = "cpu"
    foreshortened: float = 0.2

    def __call__(self, seed: int, frames: int, want: tuple[Kind, ...]) -> tuple[dict[Kind, Tensor], Tensor]:
        """See ClipSource."""
        from echogan.phantom.render import phantom_clip

        clip = phantom_clip(seed, self.settings(want), frames, self.device, want)
        return {name: getattr(clip, name).cpu() for name in want}, clip.sector_mask.cpu()

    def settings(self, want: tuple[Kind, ...]) -> PhantomSettings:
        """What a clip is drawn from where these of its kinds are wanted."""
        from echogan.phantom.anatomy.sizes import HeartSettings
        from echogan.phantom.render import PhantomSettings

        alone = "clean" not in want
        return PhantomSettings(HeartSettings(foreshortening_chance=self.foreshortened if alone else 0.0))

    def facts(self) -> dict[str, Any]:
        """The phantom's version, the share of each view, and how many poor apical views are cut short."""
        from echogan.phantom import PHANTOM_VERSION
        from echogan.phantom.anatomy.heart import VIEWS
        from echogan.phantom.render import PhantomSettings

        shares = PhantomSettings().view_shares
        return {
            "phantom": PHANTOM_VERSION,
            "views": dict(zip(VIEWS, shares, strict=True)),
            "foreshortened_poor": self.foreshortened,
        }


@dataclass(frozen=True)
class Bank:
    """One domain: frames uint8 (clips, frames, size, size), each clip's sector bool (clips, size, size)."""

    frames: Tensor
    masks: Tensor

    def draw(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """`count` frames drawn with replacement, (count, 1, size, size) in [-1, 1], and their masks."""
        clip = torch.randint(self.frames.shape[0], (count,), generator=generator)
        frame = torch.randint(self.frames.shape[1], (count,), generator=generator)
        return to_float(self.frames[clip, frame]), self.masks[clip].unsqueeze(1).float()


def to_float(frames: Tensor) -> Tensor:
    """uint8 (N, h, w) to float32 (N, 1, h, w) in [-1, 1]."""
    return frames.unsqueeze(1).float() / 127.5 - 1


def to_size(frames: Tensor, size: int) -> Tensor:
    """uint8 or bool (..., h, w) to (..., size, size) by area averages; a mask keeps pixels wholly inside."""
    if frames.shape[-2:] == (size, size):
        return frames
    flat = frames.reshape(-1, 1, *frames.shape[-2:]).float()
    small = F.interpolate(flat, (size, size), mode="area" if size < frames.shape[-1] else "bilinear")
    kept = small > 0.999 if frames.dtype == torch.bool else small.round().clamp(0, 255)
    return kept.to(frames.dtype).reshape(*frames.shape[:-2], size, size)


def render_bank(source: ClipSource, seeds: list[int], kind: Kind, frames: int, size: int) -> Bank:
    """One clip per seed, "clean" or "degraded"."""
    clips = [source(seed, frames, (kind,)) for seed in seeds]
    images = torch.stack([to_size(pictures[kind], size) for pictures, _ in clips])
    return Bank(images, torch.stack([to_size(mask.bool(), size) for _, mask in clips]))


class Rounds(Dataset[tuple[Bank, Bank]]):
    """Round r: the degraded and the clean bank of its steps, of hearts that no other round or domain has.

    Poor frames come of even seeds, good ones of odd seeds: unpaired. `rank` of `world` processes takes every
    world-th round's hearts.
    """

    def __init__(self, config: TrainingConfig, source: ClipSource, rank: int = 0, world: int = 1) -> None:
        self.config, self.source, self.rank, self.world = config, source, rank, world

    def __getitem__(self, index: int) -> tuple[Bank, Bank]:
        c = self.config
        low, high = (
            render_bank(self.source, self.seeds(index, side), kind, c.frames_per_clip, c.size)
            for side, kind in enumerate(("degraded", "clean"))
        )
        return low, high

    def seeds(self, index: int, side: int) -> list[int]:
        """The clips' seeds of one round; side 0 is poor, 1 good. All below HELD_OUT_SEED."""
        first = (index * self.world + self.rank) * self.config.clips_per_round + self.config.seed * 7_000_003
        return [2 * ((first + k) % HEARTS) + side for k in range(self.config.clips_per_round)]


def _prepare_worker(worker: int) -> None:
    """One thread each; and signals to the whole group are the training process's to answer: it lets workers go."""
    torch.set_num_threads(1)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def banks(rounds: Rounds, first: int, last: int) -> Iterator[tuple[Bank, Bank]]:
    """The banks of rounds first..last-1, in order, rendered ahead by `workers` processes."""
    workers = rounds.config.workers
    ahead: dict[str, Any] = {}
    if workers:
        ahead = {"multiprocessing_context": "spawn", "prefetch_factor": 2, "worker_init_fn": _prepare_worker}
    own = torch.Generator()  # else the loader would draw from the global one
    sampler = range(first, last)
    return iter(DataLoader(rounds, None, sampler=sampler, num_workers=workers, generator=own, **ahead))


def step_generator(seed: int, step: int, rank: int = 0) -> torch.Generator:
    """All that is random in one step of one process: no state to save, so a resumed run is exact."""
    mixed = (seed * 1_000_003 + rank) * 2_000_003 + step
    return torch.Generator().manual_seed(mixed * 0x9E3779B97F4A7C15 % 2**63)


def batches(
    config: TrainingConfig, source: ClipSource, first_step: int, rank: int = 0, world: int = 1
) -> Iterator[tuple[int, Batch, torch.Generator]]:
    """(step, batch, generator) from `first_step` on; each a function of (seed, step, rank) and nothing else.

    The generator has been used for the draw, and serves the rest of the step.
    """
    per_round = config.steps_per_round
    first, last = first_step // per_round, -(-config.steps // per_round)
    rounds = Rounds(config, source, rank, world)
    for index, (low, high) in enumerate(banks(rounds, first, last), first):
        for step in range(max(first_step, index * per_round), min(config.steps, (index + 1) * per_round)):
            generator = step_generator(config.seed, step, rank)
            (x, x_mask), (y, y_mask) = (bank.draw(config.batch_size, generator) for bank in (low, high))
            yield step, Batch(x, y, x_mask, y_mask), generator
