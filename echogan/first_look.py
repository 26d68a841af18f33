"""A first look at training data, before hours are spent: can a discriminator see the difference, and is it fair?

`python -m echogan train --check` writes check.json and check.png into the run's folder and says whether to start.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from accelerate import Accelerator

from echogan.clips.atomic import output_errors
from echogan.clips.duplicates import Seen, print_of
from echogan.clips.shards import write_whole
from echogan.errors import Cancelled
from echogan.model.cyclegan import CycleGAN
from echogan.training.bank import Bank, render_bank
from echogan.training.config import TrainingConfig
from echogan.training.data import TrainingData, batches, open_data
from echogan.training.separability import separability
from echogan.training.shards import Shards, has_split, open_shards
from echogan.training.state import TrainingState
from echogan.training.trainer import open_accelerator, rendering_device

JUDGE_STEPS = 240
SHOWN = 24  # frames of each side in the contact sheet
TILE = 128
FEW_CLIPS = 100
BLIND, WEAK = 0.6, 0.72
TIMED_STEPS = 3

Say = Callable[[str], None]


@dataclass(frozen=True)
class Side:
    """One domain: its clips and patients (0 for simulated ones), and grey levels inside the sector."""

    clips: int
    patients: int
    mean_grey: float
    sd_grey: float


@dataclass(frozen=True)
class FirstLook:
    """What was found.

    separability  share of unseen frames that a discriminator judged right after a few hundred steps, 0.5 to 1
    duplicates    clips that are on both sides        shared_patients  patients who are on both sides
    seconds_per_step, hours   of training, measured here
    """

    low: Side
    high: Side
    separability: float
    duplicates: int
    shared_patients: int
    seconds_per_step: float
    hours: float
    advice: tuple[str, ...]
    worth_starting: bool

    def text(self) -> str:
        """A few lines to read."""
        sides = "\n".join(
            f"{name}: {'simulated' if not side.patients else f'{side.clips} clips of {side.patients} patients'}, "
            f"grey {side.mean_grey:.0f} +- {side.sd_grey:.0f}"
            for name, side in (("low ", self.low), ("high", self.high))
        )
        return (
            f"{sides}\nA discriminator judged {self.separability:.0%} of frames right.\n"
            f"{self.seconds_per_step:.2f} s per step: about {self.hours:.1f} h in all.\n"
            + "\n".join(self.advice)
        )


def first_look(
    config: TrainingConfig,
    say: Say = print,
    data: TrainingData | None = None,
    cancel: Callable[[], bool] | None = None,
) -> FirstLook:
    """Look at the data of the settings, whose folders hold shards. Raises SettingsError, TrainingError, Cancelled."""
    config.check()
    accelerator = open_accelerator(config)
    device = rendering_device(accelerator)
    data, unseen = data or open_data(config, device), held_back(config, device) if data is None else None
    low, high = (
        render_bank(source, [2 * k + side for k in range(SHOWN)], 1, config.size)
        for side, source in enumerate((data.low, data.high))
    )
    shards = [open_shards(Path(folder)) if folder else None for folder in (config.low, config.high)]
    seconds = time_steps(config, data, accelerator)
    told = separability(_quick(config), JUDGE_STEPS, data, _heard(say, cancel), unseen)
    found = FirstLook(
        low=_side(low, shards[0]), high=_side(high, shards[1]), separability=told,
        duplicates=count_duplicates(*shards), shared_patients=_shared(*shards),
        seconds_per_step=seconds, hours=seconds * config.steps / 3600, advice=(), worth_starting=True,
    )  # fmt: skip
    advice, worth = advise(found)
    found = replace(found, advice=advice, worth_starting=worth)
    write(config.run_path, found, contact_sheet(low, high))
    return found


def held_back(config: TrainingConfig, device: str) -> TrainingData | None:
    """The validation patients of the folders; None where there are no folders, or one has no such patients."""
    folders = [Path(folder) for folder in (config.low, config.high, config.semireal) if folder]
    if not folders or not all(has_split(folder, "val") for folder in folders):
        return None
    return open_data(config, device, "val")


def _quick(config: TrainingConfig) -> TrainingConfig:
    """Whole frames at half size: what a discriminator sees best in little time."""
    return replace(
        config, size=max(64, config.size // 2 // 16 * 16), half_size_steps=0, batch_size=4, tick=20
    )


def _heard(say: Say, cancel: Callable[[], bool] | None) -> Say:
    def heard(text: str) -> None:
        if cancel is not None and cancel():
            raise Cancelled("The first look was stopped.")
        say(text)

    return heard


def time_steps(config: TrainingConfig, data: TrainingData, accelerator: Accelerator) -> float:
    """Seconds of one training step with these settings, the median of a few after the first."""
    few = replace(
        config, steps=TIMED_STEPS + 1, clips_per_round=1, frames_per_clip=1, steps_per_round=8, workers=0
    )
    gan: CycleGAN = TrainingState(few, accelerator).gan
    times = []
    for step, cpu_batch, generator in batches(replace(few, half_size_steps=0), data, 0):
        batch = cpu_batch.to(accelerator.device)
        began = time.perf_counter()
        losses, fakes = gan.generator_losses(batch, generator)
        losses["generators"].backward()
        gan.discriminator_losses(batch, fakes, step)["judges"].backward()
        if accelerator.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return float(np.median(times[1:]))


def count_duplicates(low: Shards | None, high: Shards | None) -> int:
    """Clips of the low side that are on the high side too, under whatever name."""
    if low is None or high is None:
        return 0
    seen = Seen()
    for k, prints in enumerate(_prints(high)):
        seen.add(str(k), prints)
    return sum(seen.find(prints) is not None for prints in _prints(low))


def _prints(shards: Shards) -> Iterator[np.ndarray]:
    for k in range(len(shards)):
        clip = shards.clip(k, 1)
        yield print_of(clip.frames.numpy(), clip.mask.numpy())


def _shared(low: Shards | None, high: Shards | None) -> int:
    return 0 if low is None or high is None else len(low.patients & high.patients)


def _side(bank: Bank, shards: Shards | None) -> Side:
    inside = bank.frames[:, 0][bank.masks].float()
    clips, patients = (0, 0) if shards is None else (len(shards), len(shards.patients))
    return Side(clips, patients, float(inside.mean()), float(inside.std()))


def advise(found: FirstLook) -> tuple[tuple[str, ...], bool]:
    """Sentences, the last of them on whether to start, and whether it is worth it."""
    advice = []
    for name, side in (("low", found.low), ("high", found.high)):
        if 0 < side.clips < FEW_CLIPS:
            advice.append(f"{side.clips} {name} clips are few: the network may learn these hearts by heart.")
    if found.duplicates:
        advice.append(f"{found.duplicates} clips are on both sides: remove them from one.")
    if found.shared_patients:
        advice.append(
            f"{found.shared_patients} patients are on both sides; that is allowed, but their clips are nearly pairs."
        )
    if found.separability < BLIND:
        advice.append(
            "Not worth starting: a discriminator can hardly tell the two sides apart, so a generator would learn to "
            "change nothing. Take clearly poor against very good clips, or add --semireal."
        )
    elif found.separability < WEAK:
        advice.append(
            "Worth a long run only: the difference is faint. Clearer extremes, --semireal, or a first stretch at half "
            "size (--half-size-steps) would help."
        )
    else:
        advice.append("Worth starting: the difference is plain to see.")
    return tuple(advice), found.separability >= BLIND


def contact_sheet(low: Bank, high: Bank) -> np.ndarray:
    """What the discriminators will see, uint8 (h, w): the low frames on the left, the high ones on the right."""
    sides = []
    for bank in (low, high):
        tiles = [
            cv2.resize(frame, (TILE, TILE), interpolation=cv2.INTER_AREA)
            for frame in bank.frames[:, 0].numpy()
        ]
        sides.append(np.vstack([np.hstack(tiles[k : k + 4]) for k in range(0, len(tiles), 4)]))
    sheet = np.hstack([sides[0], np.full((len(sides[0]), 8), 90, np.uint8), sides[1]])
    head = np.zeros((28, sheet.shape[1]), np.uint8)
    for text, x in (("low: to be enhanced", 8), ("high: what to look like", sides[0].shape[1] + 16)):
        cv2.putText(head, text, (x, 19), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 230, 1, cv2.LINE_AA)
    return np.vstack([head, sheet])


def write(folder: Path, found: FirstLook, sheet: np.ndarray) -> None:
    """check.json and check.png in the run's folder, each whole or not at all. Raises OutputError."""
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / "check.json", (json.dumps(asdict(found), indent=1) + "\n").encode())
        write_whole(folder / "check.png", cv2.imencode(".png", sheet)[1].tobytes())
