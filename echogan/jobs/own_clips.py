"""Curate a training run's own clips into shards first, because the trainer reads only shards."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from textwrap import indent

from echogan.core.errors import TrainingError
from echogan.core.scale import WORKING_SIZE
from echogan.curation.curate import curate
from echogan.curation.journal import SETTINGS, OtherShards
from echogan.curation.settings import CurateSettings
from echogan.training.config import TrainingConfig
from echogan.training.data.shards import INDEX
from echogan.training.run_folder import RunFolder

SIDES = ("low", "high", "semireal")
FRAMES = 4  # of a clip

Progress = Callable[[str, int, int], None]  # side, files done, all files


def with_shards(
    config: TrainingConfig,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> TrainingConfig:
    """The settings with each folder of clips replaced by the shards made of it, in the run's own data/ folder.

    Folders of shards are used as they are. All sides share one salt, so that a patient on two of them is recognised.
    A second call continues where the first was stopped. A run that has begun keeps its shards, whatever happens to
    the clips. Uploaded clips are removed once all shards are made. `say` gets what was kept and what was left out.
    Raises what `curate` raises, and TrainingError if a folder is missing or holds shards of several grades.
    """
    run = RunFolder(config.run_path)
    given = {side: Path(folder) for side in SIDES if (folder := getattr(config, side))}
    clips = {side: folder for side, folder in given.items() if not (folder / INDEX).is_file()}
    begun = run.config.exists()  # its shards must not change any more
    for side, folder in clips.items():
        out = run.data / side
        sent = was_sent(folder, run)  # and perhaps removed since its shards were made
        if (out / INDEX).is_file() and (begun or (sent and not folder.is_dir())):
            say(
                f"{side}: the run continues with its shards; {'its clips were' if sent else folder} not read."
            )
            continue
        check_clips(side, folder)
        told = None if progress is None else _of_side(progress, side)
        try:
            report = curate(folder, out, curate_settings(config, run, out), told, cancel)
        except OtherShards as error:
            raise TrainingError(
                f"{error} A run cannot change its clips: give this one another --name."
            ) from None
        say(f"{side}:\n{indent(report.text(), '  ')}")
    if any(was_sent(folder, run) for folder in clips.values()):
        shutil.rmtree(run.uploads, ignore_errors=True)
    return replace(config, **{side: str(run.data / side) for side in clips})


def curate_settings(config: TrainingConfig, run: RunFolder, out: Path) -> CurateSettings:
    """How a side is curated. Raises TrainingError if it was begun with frames of another size."""
    run.data.mkdir(parents=True, exist_ok=True)
    size = max(WORKING_SIZE, config.size)
    with suppress(OSError, ValueError, KeyError):  # not there, or damaged, which curate tells
        before = json.loads((out / SETTINGS).read_text())["size"]
        if before != size:
            raise TrainingError(
                f"{out} holds shards of {before} pixels, and --size {config.size} wants {size}. Give the run another "
                "--name."
            )
    return CurateSettings(frames=FRAMES, size=size, salt=run.data / ".salt")


def was_sent(folder: Path, run: RunFolder) -> bool:
    """Whether a folder holds clips that were uploaded for the run, which the run then removes."""
    return folder.resolve().parent == run.uploads.resolve()


def check_clips(side: str, folder: Path) -> None:
    """Raise TrainingError if there is no such folder, or if it holds shards of several grades."""
    if not folder.is_dir():
        raise TrainingError(f"There is no folder {folder}. Give --{side} a folder of clips or of shards.")
    if grades := sorted(inner.parent.name for inner in folder.glob(f"*/{INDEX}")):
        raise TrainingError(
            f"{folder} holds shards of several grades ({', '.join(grades)}). Give one of them."
        )


def _of_side(progress: Progress, side: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(side, done, total)
