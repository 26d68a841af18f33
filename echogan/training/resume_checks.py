"""What keeps a run from spoiling what it has saved, and torch's own errors as sentences."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from echogan.core.errors import TrainingError
from echogan.model.checkpoints.checkpoint_files import CONFIG_FILE
from echogan.training.config import TrainingConfig
from echogan.training.data.loader import TrainingData
from echogan.training.run_folder import RunFolder
from echogan.training.state import TrainingState


@contextmanager
def in_words() -> Iterator[None]:
    """Turn what torch says when the memory is full, or when a worker was ended, into TrainingError."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError):
        raise TrainingError(
            "The memory did not suffice. Start anew with a smaller --size, --batch-size or --generator.channels."
        ) from None
    except RuntimeError as error:
        if not str(error).startswith("DataLoader worker (pid"):  # else a fault of the program within it
            raise
        raise TrainingError(
            "A process that renders clips was ended by the system, probably for want of memory. --resume goes on; "
            "with --workers 0 there is one process less."
        ) from None


def check_goes_on(config: TrainingConfig, facts: dict[str, Any], data: TrainingData) -> None:
    """Raise TrainingError where a saved state has more steps than are asked for, or has seen other clips."""
    if facts["step"] > config.steps:
        raise TrainingError(
            f"The run '{config.name}' has done {facts['step']} steps, more than --steps {config.steps}. Ask for more."
        )
    now = json.loads(json.dumps(data.facts()))
    if facts.get("data", trained_on(RunFolder(config.run_path).checkpoint, now)) != now:
        raise TrainingError(
            f"The clips of the run '{config.name}' are not those it began with. Give it those again, or start a new "
            f"run with --start-from {config.run_path}."
        )


def trained_on(checkpoint: Path, otherwise: Any) -> Any:
    """What a checkpoint says of its clips: states of before did not; `otherwise` where it cannot be read."""
    try:
        return json.loads((checkpoint / CONFIG_FILE).read_text())["trained_on"]
    except (OSError, ValueError, KeyError, TypeError):
        return otherwise


def check_finite(state: TrainingState) -> None:
    """Raise TrainingError where an update has spoilt a weight: the losses were computed before it."""
    weights = [*state.gan.generator_parameters(), *state.gan.discriminator_parameters()]
    if not all(torch.isfinite(weight).all() for weight in weights):
        raise diverged(state.step)


def diverged(step: int) -> TrainingError:
    """What a run that has diverged ends with."""
    return TrainingError(
        f"The losses are no longer finite at step {step}. The last saved state is untouched; start a new run with a "
        "lower --learning-rate."
    )
