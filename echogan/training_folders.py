"""The folders a training run is given: clips become shards first, so that the trainer itself reads shards alone."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from echogan.clips.curate import curate
from echogan.clips.curate_journal import SALT
from echogan.clips.curate_settings import CurateSettings
from echogan.errors import TrainingError
from echogan.training.config import TrainingConfig
from echogan.training.run_folder import RunFolder
from echogan.training.shards import INDEX

SIDES = ("low", "high", "semireal")
FRAMES, SIZE = 4, 256

Progress = Callable[[str, int, int], None]  # what is looked at, files done, files in all


def with_shards(
    config: TrainingConfig,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> TrainingConfig:
    """The settings with each folder of clips replaced by the shards made of it, in the run's own data/ folder.

    Folders that hold shards already are taken as they are. All sides share one salt, so that a patient on two of
    them is known again. A second call goes on where the first was stopped; a run that has begun keeps its shards,
    whatever has become of the clips. Clips that were sent for the run go once all shards are made. `say` is told
    what was kept and what was left out. Raises what `curate` raises, and TrainingError where a folder is not there
    or holds shards of several grades.
    """
    run = RunFolder(config.run_path)
    given = {side: Path(folder) for side in SIDES if (folder := getattr(config, side))}
    clips = {side: folder for side, folder in given.items() if not (folder / INDEX).is_file()}
    begun = config.resume and run.config.exists()
    for side, folder in clips.items():
        out = run.data / side
        # Shards of a run that has begun stay: others would make it another run. Clips sent for it may be gone.
        if (out / INDEX).is_file() and (begun or (not folder.is_dir() and folder.parent == run.uploads)):
            continue
        check_clips(side, folder)
        run.data.mkdir(parents=True, exist_ok=True)
        settings = CurateSettings(frames=FRAMES, size=max(SIZE, config.size), salt=run.data / SALT)
        told = None if progress is None else _of_side(progress, side)
        say(f"{side}: {curate(folder, out, settings, told, cancel).text()}")
    if clips:
        shutil.rmtree(run.uploads, ignore_errors=True)
    return replace(config, **{side: str(run.data / side) for side in clips})


def check_clips(side: str, folder: Path) -> None:
    """Raise TrainingError where there is no such folder, or where it holds shards of several grades."""
    if not folder.is_dir():
        raise TrainingError(f"There is no folder {folder}. Give --{side} a folder of clips or of shards.")
    if grades := sorted(inner.parent.name for inner in folder.glob(f"*/{INDEX}")):
        raise TrainingError(
            f"{folder} holds shards of several grades ({', '.join(grades)}). Give one of them."
        )


def _of_side(progress: Progress, side: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(side, done, total)
