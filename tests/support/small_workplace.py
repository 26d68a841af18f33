"""A workplace with a quick model, files as Gradio would have received them, and waiting for what goes on behind."""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_checkpoint import Scale, checkpoint, fan_sector, speckle

from echogan.clips.clip import ClipFile
from echogan.clips.files import write_clip
from echogan.model.checkpoints.checkpoint import Checkpoint
from echogan.ui.enhance.clip_entry import Visit
from echogan.ui.enhance.model_choice import ModelChoices
from echogan.ui.enhance.workplace import Workplace
from echogan.ui.session import Sessions

torch.set_num_threads(1)


class QuickModels(ModelChoices):
    """Models that scale the image: "halve", and "dim" on demand; anything else is looked for as usual."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.before_load: Callable[[], None] = lambda: None

    def names(self) -> list[str]:
        return ["halve", "dim"]

    def at_hand(self, name: str) -> bool:
        return name in self.names()

    def check(self, name: str | None) -> None:
        if name not in self.names():
            super().check(name)

    def load(self, name: str | None) -> Checkpoint:
        from dataclasses import replace

        self.check(name)
        self.before_load()
        self.loads.append(str(name))
        made = checkpoint(Scale(0.5 if name == "halve" else 0.8), Scale(1.1))
        return replace(
            made, name=str(name), source=str(name), sha256=hashlib.sha256(str(name).encode()).hexdigest()
        )


@contextmanager
def small_workplace(
    folder: Path, monkeypatch: pytest.MonkeyPatch, keep_seconds: float = 3600, grace: float = 120
) -> Iterator[Workplace]:
    """A workplace whose files lie below `folder`."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    place = Workplace(Sessions(keep_seconds), QuickModels(), grace)
    try:
        yield place
    finally:
        place.close()


def gif(path: Path, frames: int = 10, seed: int = 0) -> Path:
    """A moving fan as a GIF."""
    shown = np.where(fan_sector().mask, speckle(frames, seed=seed), 0).astype(np.uint8)
    like = ClipFile(path.with_name("source"), "video", frames, 96, 120, 25.0, False, lambda: iter(shown))
    write_clip(path, shown, like)
    return path


def sent(path: Path, folder: Path, name: str | None = None) -> tuple[str, str]:
    """The file as Gradio keeps an upload: (path, name)."""
    data = path.read_bytes()
    place = folder / hashlib.sha256(data).hexdigest()
    place.mkdir(parents=True, exist_ok=True)
    target = place / (name or path.name).rpartition("/")[2]
    target.write_bytes(data)
    return str(target), name or path.name


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait until something is so, and return it; fail where it is not so in time."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.01)
    return found


def line(place: Workplace, visit: Visit, clip: str) -> dict[str, Any]:
    """A clip's line in the list."""
    return next(one for one in place.clips(visit) if one["id"] == clip)


def in_state(place: Workplace, visit: Visit, clip: str, *states: str) -> dict[str, Any]:
    """A clip's line, once it is in one of these states."""
    return until(lambda: found if (found := line(place, visit, clip))["state"] in states else None)
