"""The averaged generators of a run as a checkpoint that the enhancer can load, and the licence it may carry."""

from __future__ import annotations

import json
from pathlib import Path

from torch import nn

from echogan.model.checkpoints.checkpoint import save_checkpoint
from echogan.model.checkpoints.checkpoint_config import CheckpointConfig
from echogan.model.checkpoints.checkpoint_files import CONFIG_FILE
from echogan.training.config import TrainingConfig, decisive
from echogan.training.data.loader import TrainingData
from echogan.training.initial_weights import weights_folder
from echogan.training.state import TrainingState

SIMULATED, UNKNOWN = "MIT", "not stated"


def keep(
    path: Path, state: TrainingState, config: TrainingConfig, data: TrainingData, measured: dict[str, float]
) -> None:
    """Write the averaged generators. Raises InvalidCheckpoint and OutputError."""
    about = CheckpointConfig(
        name=config.name,
        generator=config.generator,
        working_size=config.size,
        canonical_grey=config.canonical_grey,
        dark_level=config.dark_level,
        trained_on=data.facts(),
        training={**decisive(config), "finished_steps": state.step, "held_out": measured},
        license=licence(config, data),
    )
    save_checkpoint(path, about, _plain(state.ema_high), _plain(state.ema_low))


def licence(config: TrainingConfig, data: TrainingData) -> str:
    """The licence in the settings; else that of the weights the run started from, if it added only simulated clips.

    The program cannot know the licence of weights trained on other clips.
    """
    if config.license:
        return config.license
    if '"shards"' in json.dumps(data.facts()):
        return UNKNOWN
    if not config.start_from:
        return SIMULATED
    try:
        about = json.loads((weights_folder(config.start_from) / CONFIG_FILE).read_text())
        recorded = '"shards"' in json.dumps(
            about["trained_on"]
        )  # earlier versions called such weights MIT too
        return UNKNOWN if recorded and about["license"] == SIMULATED else str(about["license"])
    except (OSError, ValueError, KeyError, TypeError):
        return UNKNOWN


def _plain(average: nn.Module) -> nn.Module:
    """The generator inside torch's averaged model."""
    return average.module  # type: ignore[return-value]
