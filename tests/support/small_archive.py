"""An archive of small clips with some bad files among them, and a small model on disk to enhance them with."""

from pathlib import Path

import numpy as np
import torch
from fake_checkpoint import clip_of, fan_sector, speckle

from echogan.clips.files import write_clip
from echogan.model.checkpoints.checkpoint import CheckpointConfig, save_checkpoint
from echogan.model.networks.generators import GeneratorConfig, build_generator

FAN = "60,2,-38,38,3,86"
FLAGS = ("--sector", FAN, "--device", "cpu", "--working-size", "64")
BAD = ("b/cut.gif", "notes.txt")


def small_archive(folder: Path, clips: int, frames: int = 3) -> Path:
    """So many clips in folders, and the files of BAD."""
    mask = fan_sector().mask
    for number in range(clips):
        path = folder / ("a", "b", "b/c")[number % 3] / f"{number:03}.gif"
        path.parent.mkdir(parents=True, exist_ok=True)
        shown = np.where(mask, speckle(frames, seed=number), 0).astype(np.uint8)
        write_clip(path, shown, clip_of(shown))
    (folder / "notes.txt").write_text("seen on Monday")
    (folder / "b").mkdir(exist_ok=True)
    (folder / "b" / "cut.gif").write_bytes((folder / "a" / "000.gif").read_bytes()[:900])
    return folder


def small_checkpoint(folder: Path, seed: int = 0) -> Path:
    """A model of few weights, untrained."""
    torch.manual_seed(seed)
    config = CheckpointConfig(name="small", generator=GeneratorConfig(channels=4, blocks=1), working_size=64)
    networks = [build_generator(config.generator) for _ in range(2)]
    save_checkpoint(folder, config, networks[0], networks[1])
    return folder
