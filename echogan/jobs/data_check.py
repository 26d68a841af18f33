"""Check training data before a long run: can a discriminator tell poor from good, and is the comparison fair?

`python -m echogan train --check` writes check.json and check.png into the run's folder and says whether to start.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from torchvision.transforms.v2.functional import resize
from torchvision.utils import make_grid

from echogan.core.atomic import output_errors, write_whole
from echogan.core.errors import Cancelled
from echogan.curation.duplicates import Seen, print_of
from echogan.curation.settings import SPLITS
from echogan.jobs.data_check_advice import DataCheck, Side, advise
from echogan.model.cyclegan import CycleGAN
from echogan.training.config import TrainingConfig
from echogan.training.data.frame_pool import FramePool, render_pool
from echogan.training.data.loader import TrainingData, batches, open_data
from echogan.training.data.shards import Shards, has_split, open_shards
from echogan.training.separability import separability
from echogan.training.state import TrainingState
from echogan.training.trainer import open_accelerator, rendering_device

DISCRIMINATOR_STEPS = 240
SHOWN = 24  # frames of each side in the contact sheet
TILE = 128
TIMED_STEPS, TIMED_CLIPS = 3, 2

Say = Callable[[str], None]


def check_data(
    config: TrainingConfig,
    say: Say = print,
    data: TrainingData | None = None,
    cancel: Callable[[], bool] | None = None,
) -> DataCheck:
    """Check the data that the settings name, folders of shards. Raises SettingsError, TrainingError, Cancelled."""
    config.check()
    accelerator = open_accelerator(config)
    device = rendering_device(accelerator)
    own = [Path(folder) for folder in (config.low, config.high, config.semireal) if folder]
    data, unseen = data or open_data(config, device), held_back(config, own, device) if data is None else None
    low, high = (
        render_pool(source, [2 * k + side for k in range(SHOWN)], 1, config.size)
        for side, source in enumerate((data.low, data.high))
    )
    shards = [open_shards(Path(folder)) if folder else None for folder in (config.low, config.high)]
    seconds = seconds_per_step(config, *time_steps(config, data, accelerator), os.cpu_count() or 1)
    told = separability(_quick(config), DISCRIMINATOR_STEPS, data, _heard(say, cancel), unseen)
    low_clips, high_clips, made_poor = (
        every_split(folder) for folder in (config.low, config.high, config.semireal)
    )
    found = DataCheck(
        low=_side(low, shards[0]), high=_side(high, shards[1]), separability=told,
        unseen=unseen is not None or not own, duplicates=count_duplicates([*low_clips, *made_poor], high_clips),
        shared_patients=_shared(*shards), size=config.size, seconds_per_step=seconds,
        hours=seconds * config.steps / 3600, advice=(), worth_starting=True,
    )  # fmt: skip
    advice, worth = advise(found)
    found = replace(found, advice=advice, worth_starting=worth)
    write(config.run_path, found, contact_sheet(low, high))
    return found


def held_back(config: TrainingConfig, folders: list[Path], device: str) -> TrainingData | None:
    """The validation patients of the folders; None if there are no folders, or if one has no such patients."""
    if not folders or not all(has_split(folder, "val") for folder in folders):
        return None
    return open_data(config, device, "val")


def every_split(folder: str) -> list[Shards]:
    """All clips of a folder, those kept for validation and testing included; none if there is no folder."""
    return [open_shards(Path(folder), split) for split in SPLITS if folder and has_split(Path(folder), split)]


def _quick(config: TrainingConfig) -> TrainingConfig:
    """Whole frames at half size: the most that a discriminator can see in little time."""
    return replace(
        config,
        size=max(64, config.size // 2 // 16 * 16),
        half_size_steps=0,
        batch_size=4,
        tick=20,
        discriminators_first=0,
    )


def _heard(say: Say, cancel: Callable[[], bool] | None) -> Say:
    def heard(text: str) -> None:
        if cancel is not None and cancel():
            raise Cancelled("The data check was stopped.")
        say(text)

    return heard


def time_steps(config: TrainingConfig, data: TrainingData, accelerator: Accelerator) -> tuple[float, float]:
    """Seconds to compute a step, the median of a few after the first, and seconds to render a clip."""
    few = replace(config, steps=TIMED_STEPS + 1, clips_per_round=TIMED_CLIPS, steps_per_round=8, workers=0)
    gan: CycleGAN = TrainingState(few, accelerator).gan
    times, began = [], time.perf_counter()
    render = 0.0
    for step, cpu_batch, generator in batches(replace(few, half_size_steps=0), data, 0):
        render = render or time.perf_counter() - began
        batch, began = cpu_batch.to(accelerator.device), time.perf_counter()
        losses, fakes = gan.generator_losses(batch, generator)
        losses["generators"].backward()
        if fakes is not None:
            gan.discriminator_losses(batch, fakes, step)["discriminators"].backward()
        if accelerator.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return float(np.median(times[1:])), render / TIMED_CLIPS


def seconds_per_step(config: TrainingConfig, compute: float, render: float, cores: int) -> float:
    """The run's average: a step at half size computes a quarter, and workers render ahead on spare cores."""
    compute *= 1 - 0.75 * min(config.half_size_steps, config.steps) / config.steps
    render *= config.clips_per_round / config.steps_per_round
    ahead = min(config.workers, cores - 1)
    return max(compute, render / ahead) if ahead > 0 else compute + render


def count_duplicates(some: list[Shards], others: list[Shards]) -> int:
    """Clips of the first that are in the others too, under any name."""
    seen = Seen()
    for k, prints in enumerate(chain.from_iterable(map(_prints, others))):
        seen.add(str(k), prints)
    return sum(seen.find(prints) is not None for prints in chain.from_iterable(map(_prints, some)))


def _prints(shards: Shards) -> Iterator[np.ndarray]:
    for k in range(len(shards)):
        clip = shards.clip(k, 1)
        yield print_of(clip.frames.numpy(), clip.mask.numpy())


def _shared(low: Shards | None, high: Shards | None) -> int | None:
    if low is None or high is None:
        return 0
    return len(low.patients & high.patients) if low.comparable(high) else None


def _side(pool: FramePool, shards: Shards | None) -> Side:
    inside = pool.frames[:, 0][pool.masks].float()
    grey = float(inside.mean()), float(inside.std())
    if shards is None:
        return Side(0, 0, 0, 0, *grey)
    frames = shards.clip(0, 10**6).frames
    return Side(len(shards), len(shards.patients), len(frames), frames.shape[1], *grey)


def contact_sheet(low: FramePool, high: FramePool) -> np.ndarray:
    """What the discriminators will see, uint8 (h, w): the low frames on the left, the high ones on the right."""
    sides = [
        make_grid(resize(pool.frames[:, :1], [TILE, TILE]), nrow=4, padding=0)[0].numpy()
        for pool in (low, high)
    ]
    sheet = np.hstack([sides[0], np.full((len(sides[0]), 8), 90, np.uint8), sides[1]])
    head = np.zeros((28, sheet.shape[1]), np.uint8)
    for text, x in (("low: to be enhanced", 8), ("high: what to look like", sides[0].shape[1] + 16)):
        cv2.putText(head, text, (x, 19), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 230, 1, cv2.LINE_AA)
    return np.vstack([head, sheet])


def write(folder: Path, found: DataCheck, sheet: np.ndarray) -> None:
    """Write check.json and check.png into the run's folder, each whole or not at all. Raises OutputError."""
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / "check.json", (json.dumps(asdict(found), indent=1) + "\n").encode())
        write_whole(folder / "check.png", cv2.imencode(".png", sheet)[1].tobytes())
