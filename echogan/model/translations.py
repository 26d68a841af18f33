"""What the networks make of one batch for the generators' losses: each thing once, and only when it is asked for."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from echogan.core.scale import GREY
from echogan.model.batch import Batch, Fakes, inside
from echogan.model.losses.loss_weights import LossWeights
from echogan.model.network_set import NetworkSet
from echogan.model.networks.discriminator_layers import DiscriminatorOutput


class Translations:
    """The batch translated, cycled, discriminated and segmented; nothing runs that no loss looks at.

    `weights` say how fakes are disturbed before the second generator, `noise` (a CPU generator) by which numbers.
    """

    def __init__(
        self, networks: NetworkSet, batch: Batch, weights: LossWeights, noise: torch.Generator | None
    ) -> None:
        self.networks, self.batch, self.weights, self.noise = networks, batch, weights, noise

    @cached_property
    def fake_high(self) -> Tensor:
        """The poor frames enhanced."""
        return self.networks.translate(self.networks.to_high, self.batch.low_seen, self.batch.low_mask)

    @cached_property
    def fake_low(self) -> Tensor:
        """The good frames degraded."""
        return self.networks.translate(self.networks.to_low, self.batch.high, self.batch.high_mask)

    @cached_property
    def cycled_low(self) -> Tensor:
        """The poor frames enhanced and degraded again."""
        disturbed = self._disturbed(self.fake_high, self.batch.low_mask)
        return self.networks.translate(self.networks.to_low, disturbed, self.batch.low_mask)

    @cached_property
    def cycled_high(self) -> Tensor:
        """The good frames degraded and enhanced again, each as a still: its neighbours were not degraded."""
        disturbed = self._disturbed(self.fake_low, self.batch.high_mask)
        return self.networks.translate(self.networks.to_high, disturbed, self.batch.high_mask)

    @cached_property
    def same_high(self) -> Tensor:
        """The good frames "enhanced"."""
        return self.networks.translate(self.networks.to_high, self.batch.high_seen, self.batch.high_mask)

    @cached_property
    def same_low(self) -> Tensor:
        """The poor frames "degraded"."""
        return self.networks.translate(self.networks.to_low, self.batch.low, self.batch.low_mask)

    @cached_property
    def output_high(self) -> DiscriminatorOutput:
        """On the enhanced frames."""
        return self.networks.run(self.networks.discriminator_high, self.fake_high)

    @cached_property
    def output_low(self) -> DiscriminatorOutput:
        """On the degraded frames."""
        return self.networks.run(self.networks.discriminator_low, self.fake_low)

    @cached_property
    def next_high(self) -> tuple[Tensor, Tensor]:
        """The frames after the poor ones, and these enhanced."""
        x, seen = self.batch.low_next, self.batch.low_next_seen
        assert x is not None
        assert seen is not None
        return x, self.networks.translate(self.networks.to_high, seen, self.batch.low_mask)

    @cached_property
    def segmented_low(self) -> tuple[Tensor, Tensor]:
        """The frozen segmenter's logits of the poor frames, without a graph, and of the same enhanced."""
        return self._segmented(self.batch.low, self.fake_high)

    @cached_property
    def segmented_high(self) -> tuple[Tensor, Tensor]:
        """The frozen segmenter's logits of the good frames, without a graph, and of the same degraded."""
        return self._segmented(self.batch.high, self.fake_low)

    @cached_property
    def target(self) -> Tensor:
        """What the poor frames are to become."""
        assert self.batch.low_target is not None
        return self.batch.low_target

    @cached_property
    def lesions(self) -> Tensor:
        """Where the lesions of the poor frames are."""
        assert self.batch.low_lesions is not None
        return self.batch.low_lesions

    def fakes(self) -> Fakes:
        """Both translations, cut from the graph."""
        b = self.batch
        return Fakes(self.fake_high.detach(), b.low_mask, self.fake_low.detach(), b.high_mask)

    def _segmented(self, x: Tensor, translated: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            of_frame = self.networks.segment(x)
        return of_frame, self.networks.segment(translated)

    def _disturbed(self, fake: Tensor, mask: Tensor) -> Tensor:
        """A fake with what destroys the information hidden in it, as far as that is switched on; inside the sector."""
        weights, out = self.weights, fake
        if weights.cycle_noise:
            out = add_noise(out, weights.cycle_noise, self.noise)
        if weights.cycle_jitter:
            out = jitter(out, self.noise)
        return inside(mask, out, fake)


def add_noise(x: Tensor, sd: float, generator: torch.Generator | None) -> Tensor:
    """White noise of `sd` on x: the second generator cannot read what the first hid in faint patterns.

    Bashkirova et al., NeurIPS 2019, section 4, after Chu et al., 2017, who found them.
    """
    return x + sd * torch.randn(x.shape, generator=generator).to(x.device)


def jitter(x: Tensor, generator: torch.Generator | None) -> Tensor:
    """x rounded to the 256 levels of 8 bits in [-1, 1], after a uniform dither of one level.

    What is fainter than a grey level is lost, as it is when the clip is stored; the dither makes the error
    independent of the image, so that no flat region offers steps to hide in (Schuchman, 1964). The gradient
    passes straight through (Bengio et al., 2013).
    """
    dither = torch.rand(x.shape, generator=generator).to(x.device) - 0.5
    levels = ((x.detach() + 1) * GREY + dither).round().clamp(0, 2 * GREY)
    return x + (levels / GREY - 1 - x.detach())
