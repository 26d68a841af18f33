"""The networks of a CycleGAN and how they are run: two generators, two discriminators, and a frozen segmenter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor, nn

from echogan.model.batch import inside
from echogan.model.networks.discriminators import DiscriminatorConfig, build_discriminator
from echogan.model.networks.frames import centre
from echogan.model.networks.generators import GeneratorConfig, build_generators


class NetworkSet(nn.Module):
    """`to_high` enhances, `to_low` degrades; `discriminator_high` and `discriminator_low` tell real from translated.

    With `label_head` the discriminators also give the anatomic labels. With `bf16` the networks run under autocast;
    what they return is always float32. `segmenter` maps frames (N, 1, h, w) to logits (N, K, h, w); it is frozen,
    moves along with `to`, and is no part of the state_dict. Raises SettingsError.
    """

    def __init__(
        self,
        generator: GeneratorConfig,
        discriminator: DiscriminatorConfig,
        label_head: bool = False,
        bf16: bool = False,
        segmenter: nn.Module | None = None,
    ) -> None:
        super().__init__()
        # These names are those of the saved runs, and this order is that of the random start values.
        self.to_high, self.to_low = build_generators(generator)
        self.discriminator_high = build_discriminator(discriminator, label_head)
        self.discriminator_low = build_discriminator(discriminator, label_head)
        self.bf16 = bf16
        # In a list, where nn.Module does not find it: neither trained nor saved.
        self._frozen = [] if segmenter is None else [segmenter.eval().requires_grad_(False)]

    def generator_parameters(self) -> list[nn.Parameter]:
        """The parameters of both generators."""
        return [*self.to_high.parameters(), *self.to_low.parameters()]

    def discriminator_parameters(self) -> list[nn.Parameter]:
        """The parameters of both discriminators."""
        return [*self.discriminator_high.parameters(), *self.discriminator_low.parameters()]

    def translate(self, generator: nn.Module, x: Tensor, mask: Tensor) -> Tensor:
        """The generator's result inside the sector, x outside it: float32 (N, 1, h, w).

        x is (N, 1, h, w), or the frames (N, F, h, w) that the generator sees, whose middle one is translated.
        """
        return inside(mask, self.run(generator, x), centre(x))

    def run(self, network: nn.Module, x: Tensor) -> Any:
        """A network's result in float32, computed in bf16 where that is asked for."""
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.bf16):
            return network(x).float()

    def segment(self, x: Tensor) -> Tensor:
        """The frozen segmenter's logits (N, K, h, w) of frames (N, 1, h, w)."""
        return self.run(self._frozen[0], x)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """What `to`, `cuda` and the like do; the segmenter comes along."""
        for network in self._frozen:
            network._apply(fn, recurse)
        return super()._apply(fn, recurse)
