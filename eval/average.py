"""Average the weights of two checkpoints of one shape: a point between two networks, of one start, as one network.

    python -m eval average checkpoints/echogan runs/camus/checkpoint OUT/echogan-camus --share 0.5 --low-share 0

After fine-tuning, the mean of the weights before and after keeps much of both (Wortsman et al., CVPR 2022). Settings,
data and licence are those of the second checkpoint, which was trained from the first or from its kin.
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
class Settings:
    """Which checkpoints, and where their mean goes."""

    first: Annotated[Path, Positional] = field(metadata={"help": "folder of a checkpoint"})
    second: Annotated[Path, Positional] = field(metadata={"help": "folder of another of the same shape"})
    out: Annotated[Path, Positional] = field(
        metadata={"help": "folder to write; its name becomes the checkpoint's"}
    )
    share: float = number(0.5, "of the first one's weights, 0 to 1", 0, 1)
    low_share: float | None = number(None, "the same of to_low, where it differs", 0, 1)


def main(settings: Settings) -> None:
    """Read both, average, write. Raises EchoGANError where they are not of one shape or grey curve."""
    check_settings(settings)
    low_share = settings.share if settings.low_share is None else settings.low_share
    first, second = (read_checkpoint(folder) for folder in (settings.first, settings.second))
    shapes = [(c.config.generator, c.config.working_size, c.config.canonical_grey) for c in (first, second)]
    if shapes[0] != shapes[1]:
        raise EchoGANError(
            "The two checkpoints differ in their generators, size or grey curve; give two of one kind."
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
    """Each weight becomes `share` of the other's and the rest of its own."""
    with torch.no_grad():
        for mine, theirs in zip(network.state_dict().values(), other.state_dict().values(), strict=True):
            mine.lerp_(theirs, share)


if __name__ == "__main__":
    begin(main, Settings)
