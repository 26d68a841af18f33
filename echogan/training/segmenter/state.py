"""Everything that a segmenter's training changes, and how it is written down for an exact resume."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from echogan.core.errors import TrainingError
from echogan.model.checkpoints.segmenter_checkpoint import load_segmenter
from echogan.model.networks.segmenter import Segmenter
from echogan.training.segmenter.config import SegmentConfig


class SegmentState:
    """All that a resume needs: network, average, optimiser and step."""

    def __init__(self, config: SegmentConfig) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.network = Segmenter(config.segmenter())
        if config.start_from:
            _start(self.network, load_segmenter(config.start_from).network)
        self.average = Segmenter(config.segmenter())
        self.average.load_state_dict(self.network.state_dict())
        self.average.eval().requires_grad_(False)
        self.adam = torch.optim.AdamW(self.network.parameters(), config.learning_rate, weight_decay=1e-3)
        self.step = 0

    def follow(self, decay: float) -> None:
        """Move the averaged weights a step towards the network's; faster at the start."""
        decay = min(decay, (1 + self.step) / (10 + self.step))
        for mean, now in zip(self.average.parameters(), self.network.parameters(), strict=True):
            mean.lerp_(now.detach(), 1 - decay)

    def tensors(self) -> dict[str, Tensor]:
        """Everything but the step, by name."""
        found = {f"network.{k}": t for k, t in self.network.state_dict().items()}
        found |= {f"average.{k}": t for k, t in self.average.state_dict().items()}
        for index, moments in self.adam.state_dict()["state"].items():
            found |= {f"adam.{index}.{k}": torch.as_tensor(t) for k, t in moments.items()}
        return found

    def restore(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """The state that was saved. Raises TrainingError where it is of another network."""
        parts: dict[str, dict[str, Tensor]] = {"network": {}, "average": {}, "adam": {}}
        try:
            for name, tensor in tensors.items():
                part, _, rest = name.partition(".")
                parts[part][rest] = tensor
            self.network.load_state_dict(parts["network"])
            self.average.load_state_dict(parts["average"])
            moments: dict[int, dict[str, Tensor]] = {}
            for name, tensor in parts["adam"].items():
                index, _, key = name.partition(".")
                moments.setdefault(int(index), {})[key] = tensor
            self.adam.load_state_dict({**self.adam.state_dict(), "state": moments})
            self.step = facts["step"]
        except (KeyError, RuntimeError, ValueError):
            raise TrainingError(
                "The saved state is of another segmenter. Start a new run with another --name."
            ) from None


def _start(network: Segmenter, other: Segmenter) -> None:
    """Take over the weights of another segmenter but for its last layer. Raises TrainingError where they do not fit."""
    weights = {name: t for name, t in other.state_dict().items() if not name.startswith("head.")}
    try:
        network.load_state_dict(weights, strict=False)
    except RuntimeError:
        raise TrainingError(
            f"'{other.config.name}' has {other.config.channels} channels, and the new network "
            f"{network.config.channels}. Give both the same --channels."
        ) from None
