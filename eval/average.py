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
from torch import Tensor, nn
from tyro.conf import Positional

from echogan.core.errors import EchoGANError
from echogan.core.settings import check_settings, number
from echogan.model.checkpoints.checkpoint import read_checkpoint, save_checkpoint
from echogan.model.networks.frames import widened
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
    gain: float = number(1.0, "multiple of the mean's change that the enhancer applies", 0.1, 3.0)
    haze_gain: float = number(
        0.0, "share of what is removed to remove once more where the result is still hazy", 0.0, 1.0
    )
    dark_level: float = number(
        0.0, "grey that a clip's darkest tissue is lifted to, of full scale", 0.0, 0.25
    )
    caution: float = number(0.0, "share of that change to withhold where it looks like an error", 0.0, 1.0)
    keep_walls: float = number(
        0.0, "share of what is removed to withhold where a hidden wall is certain", 0.0, 1.0
    )


def main(settings: AverageSettings) -> None:
    """Read both, average, write.

    Raises EchoGANError where what they share differs in architecture, working size or grey curve.
    """
    check_settings(settings)
    shares = {"to_high": settings.share, "to_low": settings.share}
    if settings.low_share is not None:
        shares["to_low"] = settings.low_share
    first, second = (read_checkpoint(folder) for folder in (settings.first, settings.second))
    spaces = [(c.config.working_size, c.config.canonical_grey) for c in (first, second)]
    if spaces[0] != spaces[1]:
        raise EchoGANError("The two checkpoints differ in working size or grey curve; give two that agree.")
    frames = {"to_high": second.config.generator.frames, "to_low": 1}
    sides = {
        side: mean_of(getattr(first, side), getattr(second, side), share, frames[side])
        for side, share in shares.items()
    }
    averaged = {"with": first.config.name, "sha256": first.sha256, "share": shares}
    about = replace(
        second.config,
        name=settings.out.name,
        # What to_high sees is said there; to_low always sees one frame.
        generator=(first if settings.share == 1 else second).config.generator,
        gain=settings.gain,
        haze_gain=settings.haze_gain,
        caution=settings.caution,
        keep_walls=settings.keep_walls,
        dark_level=settings.dark_level,
        training={**second.config.training, "averaged": averaged},
    )
    save_checkpoint(settings.out, about, sides["to_high"], sides["to_low"])


def mean_of(first: nn.Module, second: nn.Module, share: float, frames: int = 1) -> nn.Module:
    """`share` of the first network's weights and the rest of the second's; of share 0 or 1, one as it is.

    Where the first sees one frame and the second `frames`, the first is taken to see the others with weights of zero.
    Raises EchoGANError where both have a part in it and their architectures differ otherwise.
    """
    if share in (0, 1):
        return first if share else second
    weights, own = widened(first.state_dict(), frames), second.state_dict()
    if {name: w.shape for name, w in weights.items()} != {name: w.shape for name, w in own.items()}:
        raise EchoGANError(
            "The two checkpoints differ in their generators; give two that agree, or a share of 0 or 1."
        )
    average_into(second, weights, share)
    return second


def average_into(network: nn.Module, weights: dict[str, Tensor], share: float) -> None:
    """Replace each weight by `share` of the other's weight plus the rest of its own."""
    with torch.no_grad():
        for name, own in network.state_dict().items():
            own.lerp_(weights[name], share)


if __name__ == "__main__":
    begin(main, AverageSettings)
