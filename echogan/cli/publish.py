"""`python -m echogan publish`: a trained run or a checkpoint to the Hugging Face Hub."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, UseAppendAction, arg


@dataclass
class Publish:
    """Publish the generators of a run, or a checkpoint, on the Hugging Face Hub, with a model card.

    The token is read from the environment variable HF_TOKEN. It is neither stored nor shown.
    """

    source: Annotated[
        Positional[str],
        arg(metavar="RUN_OR_CHECKPOINT", help="a run's folder, a checkpoint's folder or name"),
    ]
    repo: Annotated[
        Positional[str], arg(metavar="USER/MODEL", help="the repository, made where there is none")
    ]
    private: bool = True
    """only its owner sees the repository"""
    license: str = ""
    """of the weights, where the checkpoint does not state it: an SPDX name such as CC-BY-NC-SA-4.0"""
    results: UseAppendAction[list[Path]] = field(default_factory=list)
    """a result of `python -m eval` with these weights, whose table the card shows; may be given again"""

    def run(self) -> int:
        """Do it; returns the exit code. Raises EchoGANError."""
        from echogan.model.checkpoints.checkpoint import describe_checkpoint
        from echogan.model.checkpoints.publish import publish
        from echogan.training.initial_weights import weights_folder
        from echogan.training.run_folder import RunFolder

        best = RunFolder(Path(self.source)).best
        folder = best if best.is_dir() else weights_folder(self.source)
        done = publish(
            folder, self.repo, self.private, self.license, self._tables(describe_checkpoint(folder).sha256)
        )
        print(
            f"{done.url} ({'private' if done.private else 'public'}); use it with --model {self.repo}@{done.commit}"
        )
        return 0

    def _tables(self, sha256: str) -> list[str]:
        """The tables of the results. Raises SettingsError."""
        if not self.results:
            return []
        from eval.reporting.card_tables import card_table

        return [card_table(path, sha256) for path in self.results]
