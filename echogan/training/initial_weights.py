"""Start a new run from the networks of another run, or from a checkpoint, which has no discriminators."""

from __future__ import annotations

from pathlib import Path

from echogan.core.errors import TrainingError
from echogan.model.checkpoints.checkpoint import BUNDLED, read_checkpoint
from echogan.model.checkpoints.checkpoint_files import WEIGHTS_FILE
from echogan.training.config import TrainingConfig
from echogan.training.run_folder import RunFolder
from echogan.training.state import TrainingState


def start(state: TrainingState, config: TrainingConfig) -> None:
    """Give a new run the networks that `config.start_from` names.

    Raises TrainingError if there are none, if they are built differently, or if the discriminators are new and would
    not learn alone first; CheckpointNotFound and InvalidCheckpoint for a damaged checkpoint.
    """
    run = RunFolder(Path(config.start_from))
    if run.state.exists():
        return state.start_from(run, new_discriminators=config.discriminators_first > 0)
    folder = weights_folder(config.start_from)
    if not (folder / WEIGHTS_FILE).exists():
        raise TrainingError(
            f"There is no saved run in {run.path}, nor a checkpoint. Give the folder of a run, or a checkpoint's "
            "folder or name, to --start-from."
        )
    checkpoint = read_checkpoint(folder, source=config.start_from)
    if config.loss.adversarial and not config.discriminators_first:
        raise TrainingError(
            f"The checkpoint {config.start_from} has no discriminators, and untrained ones would make the "
            "generators forget what they have learnt. Give --discriminators-first 400 as well."
        )
    state.start_from_checkpoint(checkpoint)


def weights_folder(start_from: str) -> Path:
    """The folder with config.json and model.safetensors that a run starts from; it may not exist."""
    given = Path(start_from)
    if RunFolder(given).state.exists():
        return RunFolder(given).checkpoint
    bundled = BUNDLED / given
    return bundled if given.parent == Path() and (bundled.is_dir() or not given.is_dir()) else given
