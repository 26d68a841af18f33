"""Checks that protect what a run has saved, and torch's errors as messages for the user."""

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

OTHER_PHANTOM = (
    "The run began with an earlier version of the phantom. It goes on with simulated clips of the same kind, but not "
    "with the very same ones."
)


@contextmanager
def in_words() -> Iterator[None]:
    """Turn torch's errors for full memory, or for a worker that was ended, into TrainingError."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError):
        raise TrainingError(
            "The memory did not suffice. Start a new run with a smaller --size, --batch-size or --generator.channels."
        ) from None
    except RuntimeError as error:
        if not str(error).startswith("DataLoader worker (pid"):  # else the program has a fault
            raise
        raise TrainingError(
            "A process that renders clips was ended by the system, probably because memory was full. --resume goes on; "
            "with --workers 0 there is one process less."
        ) from None


def check_goes_on(config: TrainingConfig, facts: dict[str, Any], data: TrainingData) -> tuple[str, ...]:
    """Raise TrainingError if a saved state has more steps than asked for, or was trained on other clips.

    Simulated clips of an earlier phantom are of the same kind: the run goes on, and a note says so.
    """
    if facts["step"] > config.steps:
        raise TrainingError(
            f"The run '{config.name}' has done {facts['step']} steps, more than --steps {config.steps}. Ask for more."
        )
    now = json.loads(json.dumps(data.facts()))
    before = facts.get("data", trained_on(RunFolder(config.run_path).checkpoint, now))
    if without_phantom_version(before) != without_phantom_version(now):
        raise TrainingError(
            f"The clips of the run '{config.name}' are not those it began with. Give it those again, or start a new "
            f"run with --start-from {config.run_path}."
        )
    return (OTHER_PHANTOM,) if before != now else ()


def without_phantom_version(facts: Any) -> Any:
    """The facts of a run's data, but for the version of the phantom that simulated clips came from."""
    if isinstance(facts, dict):
        return {name: without_phantom_version(value) for name, value in facts.items() if name != "phantom"}
    return [without_phantom_version(value) for value in facts] if isinstance(facts, list) else facts


def trained_on(checkpoint: Path, otherwise: Any) -> Any:
    """The clips that a checkpoint says it was trained on, which older states lack; `otherwise` if it cannot be read."""
    try:
        return json.loads((checkpoint / CONFIG_FILE).read_text())["trained_on"]
    except (OSError, ValueError, KeyError, TypeError):
        return otherwise


def check_finite(state: TrainingState) -> None:
    """Raise TrainingError if an update made a weight non-finite: the losses were computed before the update."""
    weights = [*state.gan.generator_parameters(), *state.gan.discriminator_parameters()]
    if not all(torch.isfinite(weight).all() for weight in weights):
        raise diverged(state.step)


def diverged(step: int) -> TrainingError:
    """The error that ends a run that has diverged."""
    return TrainingError(
        f"The losses are no longer finite at step {step}. The last saved state is untouched; start a new run with a "
        "lower --learning-rate."
    )
