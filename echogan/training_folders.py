"""The folders a training run is given: clips become shards first, so that the trainer itself reads shards alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from echogan.clips.curate import curate
from echogan.clips.curate_settings import CurateSettings
from echogan.errors import TrainingError
from echogan.training.config import TrainingConfig
from echogan.training.shards import INDEX

SIDES = ("low", "high", "semireal")
FRAMES = 4

Progress = Callable[[str, int, int], None]  # what is looked at, files done, files in all


def with_shards(
    config: TrainingConfig, progress: Progress | None = None, cancel: threading.Event | None = None
) -> TrainingConfig:
    """The settings with each folder of clips replaced by the shards made of it, in the run's own data/ folder.

    Folders that hold shards already are taken as they are. A second call goes on where the first was stopped.
    Raises what `curate` raises, and TrainingError where a folder is not there or holds shards of several grades.
    """
    made: dict[str, str] = {}
    for side in SIDES:
        folder = getattr(config, side)
        if not folder:
            continue
        source = Path(folder)
        if not source.is_dir():
            raise TrainingError(f"There is no folder {folder}. Give --{side} a folder of clips or of shards.")
        if (source / INDEX).is_file():
            continue
        if grades := sorted(inner.parent.name for inner in source.glob(f"*/{INDEX}")):
            raise TrainingError(
                f"{folder} holds shards of several grades ({', '.join(grades)}). Give one of them."
            )
        out = config.run_path / "data" / side
        told = None if progress is None else _of_side(progress, side)
        curate(source, out, CurateSettings(frames=FRAMES, size=256), told, cancel)
        made[side] = str(out)
    return replace(config, **made)


def _of_side(progress: Progress, side: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(side, done, total)
