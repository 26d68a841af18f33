"""Average the weights of two checkpoints of one architecture, such as before and after fine-tuning.

    python -m eval average checkpoints/echogan runs/camus/checkpoint OUT/echogan-camus --share 0.5 --low-share 0

The mean of the weights before and after fine-tuning keeps much of both (Wortsman et al., CVPR 2022). Settings, data and
licence are those of the second checkpoint. It should have been trained from the first, or from the same start.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import torch
from torch import nn
from tyro.conf import Positional

from echogan.core.errors import EchoGANError
from echogan.core.settings import check_settings, number
from echogan.model.checkpoints.checkpoint import read_checkpoint, save_checkpoint
from eval.command import begin


@dataclass(frozen=True)
class AverageSettings:
    """The two checkpoints, their shares, and where the mean goes."""

    first: Annotated[Path, Positional] = field(metadata={"help": "folder of the first checkpoint"})
    second: Annotated[Path, Positional] = field(
        metadata={"help": "folder of the second checkpoint, of the same architecture"}
    )
    out: Annotated[Path, Positional] = field(
        metadata={"help": "folder to write; the checkpoint gets its name"}
    )
    share: float = number(0.5, "share of the first checkpoint's weights, 0 to 1", 0, 1)
    low_share: float | None = number(None, "the same share for to_low, where it differs", 0, 1)


def main(settings: AverageSettings) -> None:
    """Read both, average, write. Raises EchoGANError where architecture, working size or grey curve differ."""
    check_settings(settings)
    low_share = settings.share if settings.low_share is None else settings.low_share
    first, second = (read_checkpoint(folder) for folder in (settings.first, settings.second))
    shapes = [(c.config.generator, c.config.working_size, c.config.canonical_grey) for c in (first, second)]
    if shapes[0] != shapes[1]:
        raise EchoGANError(
            "The two checkpoints differ in generator, working size or grey curve; give two that agree."
        )
    average_into(second.to_high, first.to_high, settings.share)
    average_into(second.to_low, first.to_low, low_share)
    shares = {"to_high": settings.share, "to_low": low_share}
    averaged = {"with": first.config.name, "sha256": first.sha256, "share": shares}
    about = replace(
        second.config, name=settings.out.name, training={**second.config.training, "averaged": averaged}
    )
    save_checkpoint(settings.out, about, second.to_high, second.to_low)


def average_into(network: nn.Module, other: nn.Module, share: float) -> None:
    """Replace each weight by `share` of the other's weight plus the rest of its own."""
    with torch.no_grad():
        for own, others in zip(network.state_dict().values(), other.state_dict().values(), strict=True):
            own.lerp_(others, share)


if __name__ == "__main__":
    begin(main, AverageSettings)
