"""What is told of a model: where it comes from, its hash, size and licence, whether it is calibrated, its card."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from echogan.core.errors import CheckpointError
from echogan.model.checkpoints.checkpoint import bundled_checkpoints, describe_checkpoint
from echogan.model.checkpoints.checkpoint_config import CheckpointConfig
from echogan.model.checkpoints.checkpoint_files import CARD_FILE, WEIGHTS_FILE
from echogan.model.checkpoints.hub_cache import cached_checkpoints
from echogan.trust.calibration import read_calibration
from echogan.trust.fusion import fusion_sha256
from echogan.ui import access
from echogan.ui.enhance.model_choice import ModelChoices

Kind = Literal["bundled", "added", "cached"]
LONGEST_CARD = 100_000  # characters


@dataclass(frozen=True)
class ModelFacts:
    """A model that can be chosen.

    name         as it is given where a model is asked for
    kind         bundled with the program, added (a run of the Train tab, or named to `python -m echogan mcp`), or
                 cached from the Hub
    size         bytes of the weights
    calibrated   whether results are flagged where they were probably changed wrongly
    trained_on   what it has seen, in a few words
    """

    name: str
    kind: Kind
    sha256: str
    size: int
    parameters: int
    working_size: int
    license: str
    calibrated: bool
    trained_on: str
    folder: Path

    def told(self) -> dict[str, Any]:
        """The facts as the API tells them, without the folder on this machine."""
        return {name: value for name, value in asdict(self).items() if name != "folder"}

    def card(self) -> str:
        """The model card as Markdown, without its header; "" where there is none."""
        try:
            text = (self.folder / CARD_FILE).read_text(encoding="utf-8", errors="replace")[:LONGEST_CARD]
        except OSError:
            return ""
        return (
            text.split("---\n", 2)[2].strip()
            if text.startswith("---\n") and text.count("---\n") > 1
            else text
        )


def list_models(models: ModelChoices) -> list[ModelFacts]:
    """Every model at hand that is offered: bundled ones, those of runs, and those in the cache of the Hub, which on a
    shared server are those that its host names.

    What cannot be read is not listed: the cache holds repositories of other programs, too.
    """
    return [facts for name, kind, folder in _folders(models) if (facts := facts_of(name, kind, folder))]


def _folders(models: ModelChoices) -> Iterator[tuple[str, Kind, Path]]:
    for folder in bundled_checkpoints():
        if models.is_offered(folder.name):
            yield folder.name, "bundled", folder
    for name, folder in models.offered().items():
        yield name, "added", folder
    # What others have fetched is nobody's business on a shared server, unless its host names it to everybody.
    for cached in cached_checkpoints() if access.own_machine() or access.offered_models() else ():
        if models.is_offered(cached.name):
            yield cached.name, "cached", cached.folder


def facts_of(name: str, kind: Kind, folder: Path) -> ModelFacts | None:
    """What is told of the model in `folder`; None where it cannot be read."""
    try:
        info = describe_checkpoint(folder)
        config = info.config
        found = read_calibration(folder, info.sha256, fusion_sha256(), config.applied)
        return ModelFacts(
            name=name,
            kind=kind,
            sha256=info.sha256,
            size=(folder / WEIGHTS_FILE).stat().st_size,
            parameters=info.parameters,
            working_size=config.working_size,
            license=config.license,
            calibrated=found is not None,
            trained_on=trained_on(config),
            folder=folder,
        )
    except (CheckpointError, OSError):
        return None


def trained_on(config: CheckpointConfig) -> str:
    """What the networks have seen, in a few words, as far as config.json says it."""
    text = json.dumps(config.trained_on)
    simulated, recorded = '"phantom"' in text, '"shards"' in text
    if simulated and recorded:
        return "simulated and recorded clips"
    return "recorded clips" if recorded else "simulated clips" if simulated else "not stated"
