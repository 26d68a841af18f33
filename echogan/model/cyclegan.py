"""CycleGAN on sectors: two generators, two discriminators, and the losses of one step."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from echogan.core.errors import SettingsError
from echogan.model.batch import Batch, Fakes
from echogan.model.generator_terms import generator_terms, lacking_data
from echogan.model.losses.adversarial_losses import adversarial_discriminator, share_right
from echogan.model.losses.anatomy_losses import label_loss
from echogan.model.losses.cutmix import cutmix, cutmix_loss, draws
from echogan.model.losses.loss_weights import LossWeights
from echogan.model.losses.losses import l1
from echogan.model.losses.penalties import r1_penalty
from echogan.model.network_set import NetworkSet
from echogan.model.networks.discriminators import DiscriminatorConfig
from echogan.model.networks.generators import GeneratorConfig
from echogan.model.translations import Translations


class DiscriminatorBatch(NamedTuple):
    """What one discriminator learns from: frames and sectors (N, 1, h, w), labels (N, 5) of the real ones."""

    real: Tensor
    real_mask: Tensor
    fake: Tensor
    fake_mask: Tensor
    labels: Tensor | None


class CycleGAN(NetworkSet):
    """The losses of one step on a NetworkSet: Zhu et al., ICCV 2017, with every loss inside the sector.

    The losses are float32 in bf16 too. The anatomy term needs the segmenter. Raises SettingsError.
    """

    def __init__(
        self,
        generator: GeneratorConfig | None = None,
        discriminator: DiscriminatorConfig | None = None,
        weights: LossWeights | None = None,
        bf16: bool = False,
        segmenter: nn.Module | None = None,
    ) -> None:
        weights = weights or LossWeights()
        weights.check()
        if weights.anatomy and segmenter is None:
            raise SettingsError("The anatomy loss needs a segmenter; give one, or set its weight to 0.")
        generator, discriminator = generator or GeneratorConfig(), discriminator or DiscriminatorConfig()
        super().__init__(generator, discriminator, weights.labels > 0, bf16, segmenter)
        self.weights = weights
        self.cutmix = weights.cutmix if discriminator.kind == "unet" else 0.0

    @property
    def discriminates(self) -> bool:
        """Whether a term asks the discriminators."""
        return self.weights.adversarial > 0 or self.weights.labels > 0

    def generator_losses(
        self, batch: Batch, noise: torch.Generator | None = None
    ) -> tuple[dict[str, Tensor], Fakes | None]:
        """The generators' terms, their weighted sum under "generators", and the fakes for the discriminators.

        Where no term asks a discriminator there are no fakes, and nothing for one to learn. Terms of weight 0, or
        without what they need in the batch, are left out and cost nothing. `noise` (a CPU generator) makes the
        step repeatable on any device. `change_low` and `change_high` are the mean |to_high(x) - x| on poor and on
        good frames: watched, and no part of the sum; `change_high` only where there is an identity term. Raises
        SettingsError where no term is left.
        """
        self._discriminators_learn(False)  # their weights' gradients would be thrown away
        b = batch.black_outside() if self.weights.black_outside else batch
        made, lacking = Translations(self, b, self.weights, noise), lacking_data(b)
        terms: dict[str, Tensor] = {}
        weighted: list[Tensor] = []
        for name, (weight, compute) in generator_terms(self.weights, b, made).items():
            if weight and name not in lacking:
                terms[name] = compute()
                weighted.append(terms[name] * weight)
        if not terms:
            missing = ", ".join(sorted(lacking))
            raise SettingsError(f"The data lack what these losses need: {missing}; give others a weight.")
        watched = {"change_low": l1(made.fake_high.detach(), b.low, b.low_mask)}
        if "identity_high" in terms:
            watched["change_high"] = terms["identity_high"].detach()
        losses = {"generators": torch.stack(weighted).sum(), **terms, **watched}
        return losses, made.fakes() if self.discriminates else None

    def discriminator_losses(self, batch: Batch, fakes: Fakes, step: int = 0) -> dict[str, Tensor]:
        """The discriminators' terms and their weighted sum under "discriminators"; `fakes` may come from a replay pool.

        `step` decides whether the gradient penalty is due, which then counts for the steps without, and whether
        CutMix is drawn. `right_high` and `right_low` are the shares of frames, real and fake, told right.
        """
        self._discriminators_learn(True)
        if self.weights.black_outside:
            batch, fakes = batch.black_outside(), fakes.black_outside()
        high = DiscriminatorBatch(batch.high, batch.high_mask, fakes.high, fakes.high_mask, batch.high_labels)
        low = DiscriminatorBatch(batch.low, batch.low_mask, fakes.low, fakes.low_mask, batch.low_labels)
        losses: dict[str, Tensor] = {}
        weighted: list[Tensor] = []
        for name, discriminator, shown in (
            ("high", self.discriminator_high, high),
            ("low", self.discriminator_low, low),
        ):
            terms, right = self._discriminator_terms(discriminator, shown, step)
            weighted += [value * weight for weight, value in terms.values()]
            losses |= {f"{term}_{name}": value for term, (_, value) in terms.items()}
            losses[f"right_{name}"] = right
        return {"discriminators": torch.stack(weighted).sum(), **losses}

    def _discriminator_terms(
        self, discriminator: nn.Module, b: DiscriminatorBatch, step: int
    ) -> tuple[dict[str, tuple[float, Tensor]], Tensor]:
        """One discriminator's terms, each with its weight before it, and the share of frames told right."""
        w, kind = self.weights, self.weights.adversarial_kind
        of_real, of_fake = self.run(discriminator, b.real), self.run(discriminator, b.fake)
        adversarial = adversarial_discriminator(kind, of_real, of_fake, b.real_mask, b.fake_mask)
        terms = {"discriminator": (1.0, adversarial)}
        if w.labels and b.labels is not None:
            terms["discriminator_labels"] = w.labels, label_loss(of_real.labels, b.labels)
        if w.gradient_penalty and step % w.penalty_every == 0:
            penalty = r1_penalty(discriminator, b.real, b.real_mask)
            terms["discriminator_penalty"] = w.gradient_penalty * w.penalty_every, penalty
        if self.cutmix and (generator := draws(step, w.cutmix_warmup)):
            mixed = cutmix(b.real, b.fake, b.real_mask, b.fake_mask, generator)
            of_mixed = self.run(discriminator, mixed.frames)
            terms["discriminator_cutmix"] = self.cutmix, cutmix_loss(kind, mixed, of_mixed, of_real, of_fake)
        return terms, share_right(kind, of_real, of_fake, b.real_mask, b.fake_mask)

    def _discriminators_learn(self, learn: bool) -> None:
        self.discriminator_high.requires_grad_(learn)
        self.discriminator_low.requires_grad_(learn)
