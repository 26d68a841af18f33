"""The run folder: all files of a training run, each written whole or not at all.

runs/<name>/
    config.json          the settings
    metrics.jsonl        a line per tick and per evaluation
    previews/            step_000250.npz: held-out frames, uint8
    state.safetensors    all that an exact resume needs, with its JSON in the header, so that one rename swaps both
    checkpoint/          the averaged generators as of the last save
    checkpoint_best/     the averaged generators with the best score on held-out clips
    status.json          the state (running, stopped, finished or failed), and the step
    stop                 create this file to end the run after its current step
    .uploads/            clips that were uploaded for the run, until its shards are made
    data/                shards made for the run
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from echogan.core.atomic import remove_unfinished, replacing
from echogan.core.errors import TrainingError
from echogan.training.old_names import current_name, current_names


class RunFolder:
    """Paths, and reading and writing, of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config, self.metrics = path / "config.json", path / "metrics.jsonl"
        self.state, self.stop = path / "state.safetensors", path / "stop"
        self.status = path / "status.json"
        self._lock: FileLock | None = None
        self.previews, self.uploads, self.data = path / "previews", path / ".uploads", path / "data"
        self.checkpoint, self.best = path / "checkpoint", path / "checkpoint_best"

    def begin(self, config: dict[str, Any]) -> None:
        """Make the folder of a new run. Raises TrainingError if it holds a run already."""
        self.refuse_begun()
        self.write_config(config)
        self.claim()

    def refuse_begun(self) -> None:
        """Raise TrainingError if there is a run in the folder."""
        if self.config.exists():
            raise TrainingError(
                f"{self.path} holds a run already. Add --resume to go on with it, or give another --name."
            )

    def claim(self) -> None:
        """Keep every other process from training this run until `release`, or until ours ends, however it ends.

        What a killed process was in the middle of writing goes. Raises TrainingError where another one trains now.
        """
        if self._lock is not None:
            return
        lock = system_lock(self.path / ".lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise TrainingError(
                f"The run in {self.path} is being trained by another process. Stop that one first, or wait for "
                "its end."
            ) from None
        except (OSError, NotImplementedError):
            return  # a file system without locks: two processes on one run are the user's to avoid
        self._lock = lock
        remove_unfinished(self.path, self.previews)

    def release(self) -> None:
        """Let others train this run."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def write_config(self, config: dict[str, Any]) -> None:
        """Write config.json. Raises TrainingError if the folder cannot be made."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrainingError(
                f"The run folder {self.path} cannot be made ({error.strerror}). Give another --folder."
            ) from None
        self._write(self.config, json.dumps(config, indent=1) + "\n")

    def read_config(self) -> dict[str, Any]:
        """The settings the run was started with. Raises TrainingError if there is no run."""
        try:
            return current_names(json.loads(self.config.read_text()))
        except FileNotFoundError:
            raise TrainingError(f"No run in {self.path} to resume. Start it without --resume.") from None
        except (ValueError, AttributeError):
            raise TrainingError(f"{self.config} is damaged. Start a new run under another --name.") from None

    def log(self, line: dict[str, Any]) -> None:
        """Append a line to metrics.jsonl."""
        with self._writing(), self.metrics.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def tell(self, state: str, step: int, steps: int, message: str = "") -> None:
        """Replace status.json."""
        facts = {"state": state, "step": step, "steps": steps, "pid": os.getpid(), "message": message}
        self._write(self.status, json.dumps(facts) + "\n")

    def rewind(self, step: int) -> None:
        """Remove the metrics and previews after `step`: a resumed run writes them again."""
        lines = self.metrics.read_text().splitlines(keepends=True) if self.metrics.exists() else []
        self._write(self.metrics, "".join(line for line in lines if _step_of(line) <= step))
        for preview in self.previews.glob("step_*.npz"):
            if int(preview.stem.removeprefix("step_")) > step:
                preview.unlink()

    def preview(self, step: int, frames: dict[str, np.ndarray]) -> None:
        """Write previews/step_*.npz: name -> uint8 (n, h, w)."""
        with self._writing():
            self.previews.mkdir(exist_ok=True)
            with replacing(self.previews / f"step_{step:06d}.npz") as part, part.open("wb") as file:
                np.savez_compressed(file, **frames)  # type: ignore[arg-type]

    def save_state(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Replace the saved state. `facts` is JSON. Raises TrainingError; the state before stays."""
        own = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        with self._writing(), replacing(self.state, sync=True) as part:
            save_file(own, part, {"facts": json.dumps(facts)})

    def load_state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """The saved tensors, on the CPU, and the facts. Raises TrainingError if they are damaged."""
        try:
            with safe_open(self.state, "pt") as file:
                tensors = {current_name(name): file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
                return tensors, current_names(json.loads(file.metadata()["facts"]))
        except (SafetensorError, ValueError, KeyError, TypeError):
            raise TrainingError(f"{self.state} is damaged. Start a new run, with another --name.") from None

    def _write(self, path: Path, text: str) -> None:
        with self._writing(), replacing(path) as part:
            part.write_text(text)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn a full disk, or any other error of writing in the block, into TrainingError."""
        try:
            yield
        except (OSError, SafetensorError) as error:
            reason = getattr(error, "strerror", None) or error
            raise TrainingError(
                f"The run folder {self.path} cannot be written ({reason}). Free some space or mend its "
                "permissions; --resume then goes on from the last saved state."
            ) from None


def system_lock(path: Path) -> FileLock:
    """A lock of the whole process, which the system ends with it, however it ends.

    Not the mere presence of a file, with which newer filelocks make do on a file system without locks: it would
    outlive a killed process. A box that has only PyTorch may have a filelock from before that option.
    """
    known = inspect.signature(FileLock.__init__).parameters
    options: dict[str, Any] = {"fallback_to_soft": False} if "fallback_to_soft" in known else {}
    return FileLock(path, thread_local=False, **options)


def _step_of(line: str) -> float:
    """The step of a line of metrics; a line cut short by a crash counts as one to drop."""
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError):
        return float("inf")
