"""Which generators a visitor may use: bundled ones, those of runs, and repositories of the Hub by name."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

from echogan.core.errors import CheckpointNotFound
from echogan.model.checkpoints.checkpoint import Checkpoint, bundled_checkpoints, read_checkpoint
from echogan.model.checkpoints.hub import load_repository
from echogan.ui import access

LONGEST_NAME = 200  # characters; what is longer names nothing
LOADED = 2  # checkpoints kept in memory
NONE_BUNDLED = (
    "No model is bundled with this copy of EchoGANhance. Train one with python -m echogan train, or type the name of "
    "one on the Hugging Face Hub, as user/model@revision."
)


class ModelChoices:
    """Loads checkpoints once and keeps the last few. Thread-safe."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Checkpoint] = OrderedDict()
        self._offered: dict[str, Path] = {}
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """What the host offers, or all bundled checkpoints, and those of runs offered since the server started."""
        return [*(access.offered_models() or (path.name for path in bundled_checkpoints())), *self._offered]

    @property
    def first(self) -> str | None:
        """The model that is chosen when the page opens; None where there is none."""
        return next(iter(self.names()), None)

    def offered(self) -> dict[str, Path]:
        """The folders of the checkpoints offered since the server started, by the choice's name."""
        with self._lock:
            return dict(self._offered)

    def offer(self, run: str, folder: Path) -> str:
        """Make a run's checkpoint a choice, as it is now; the choice's name. Raises CheckpointError."""
        name = f"run: {run}"  # no bundled folder and no repository is called so
        checkpoint = read_checkpoint(folder, source=name)
        with self._lock:
            self._offered[name] = folder
            self._keep(name, checkpoint)
        return name

    def withdraw(self, run: str) -> None:
        """Offer a run's checkpoint no longer: the run is deleted."""
        with self._lock:
            self._offered.pop(f"run: {run}", None)
            self._kept.pop(f"run: {run}", None)

    def check(self, name: str | None) -> None:
        """Raise CheckpointNotFound for what is no model's name; a repository is not looked for."""
        self._find(name)

    def load(self, name: str | None) -> Checkpoint:
        """A bundled checkpoint or user/model[@revision]; never a folder of this machine. Raises CheckpointError."""
        name, bundled = self._find(name)
        if name not in bundled:
            return load_repository(name)
        with self._lock:
            if name not in self._kept:
                self._keep(name, read_checkpoint(bundled[name], source=name))
            self._kept.move_to_end(name)
            return self._kept[name]

    def at_hand(self, name: str) -> bool:
        """Whether a model lies on this machine's disk as a model of the page, so that `load` asks nobody."""
        return (name or "").strip() in self._at_hand()

    def fetch(self, name: str) -> Checkpoint:
        """Have a repository's checkpoint in the cache, valid: what is known of it. It may take minutes.

        Raises CheckpointError.
        """
        return load_repository(self._find(name)[0]).without_weights()

    def load_fetched(self, fetched: Checkpoint) -> Checkpoint:
        """The checkpoint of `fetch`, from the cache alone. Raises CheckpointError."""
        repository = fetched.source.partition("@")[0]
        found = load_repository(f"{repository}@{fetched.revision}", offline=True)
        return replace(found, source=fetched.source, notes=fetched.notes)

    def _find(self, name: str | None) -> tuple[str, dict[str, Path]]:
        """The name as it is meant, and the folders of the models on this server. Raises CheckpointNotFound."""
        name = (name or "")[:LONGEST_NAME].strip()
        bundled = self._at_hand()
        if not name:
            raise CheckpointNotFound("Choose a model first." if bundled else NONE_BUNDLED)
        # A repository's name looks like a folder's: nothing of this machine is looked for on a visitor's behalf.
        if name not in bundled and (not access.HUB_NAME.fullmatch(name) or name.startswith(".")):
            raise CheckpointNotFound(
                f"There is no bundled model called {name[:80]}. Choose one from the list, or type user/model@revision."
            )
        if not self.is_offered(name):
            raise CheckpointNotFound(
                f"This server does not offer the model {name[:80]}. Choose one of {', '.join(self.names())[:300]}."
            )
        return name, bundled

    def is_offered(self, name: str) -> bool:
        """Whether the host lets visitors use a model: any where it names none, else those that it names.

        A repository that is named without a revision is offered at every one.
        """
        offered = access.offered_models()
        return not offered or name in (*offered, *self._offered) or name.partition("@")[0] in offered

    def _at_hand(self) -> dict[str, Path]:
        """The folders of the models on this server, by name."""
        return {path.name: path for path in bundled_checkpoints()} | self._offered

    def _keep(self, name: str, checkpoint: Checkpoint) -> None:
        self._kept[name] = checkpoint
        self._kept.move_to_end(name)
        while len(self._kept) > LOADED:
            self._kept.popitem(last=False)
