"""CycleGAN on sectors: two generators, two discriminators, and the losses of one step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from echogan.core.errors import SettingsError
from echogan.model.batch import Batch, Fakes, inside
from echogan.model.losses.anatomy_losses import anatomy_loss, label_loss
from echogan.model.losses.cutmix import cutmix, cutmix_loss, draws
from echogan.model.losses.loss_weights import LossWeights
from echogan.model.losses.losses import (
    adversarial_discriminator,
    adversarial_generator,
    cycle_loss,
    flicker_loss,
    identity_loss,
    illumination_loss,
    l1,
    paired_loss,
    paired_structure_loss,
    share_right,
    structure_loss,
    temporal_loss,
)
from echogan.model.losses.penalties import r1_penalty
from echogan.model.networks.discriminators import DiscriminatorConfig, build_discriminator
from echogan.model.networks.frames import centre
from echogan.model.networks.generators import GeneratorConfig, build_generators
from echogan.model.translations import Translations


class CycleGAN(nn.Module):
    """`to_high` enhances, `to_low` degrades; `discriminator_high` and `discriminator_low` tell real from translated.

    Zhu et al., ICCV 2017, with every loss inside the sector. With `bf16` the networks run under autocast;
    the losses are always float32. `segmenter` maps frames (N, 1, h, w) to logits (N, K, h, w) for the anatomy
    term; it is frozen, moves along with `to`, and is no part of the state_dict. Raises SettingsError.
    """

    def __init__(
        self,
        generator: GeneratorConfig | None = None,
        discriminator: DiscriminatorConfig | None = None,
        weights: LossWeights | None = None,
        bf16: bool = False,
        segmenter: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.weights = weights or LossWeights()
        self.weights.check()
        if self.weights.anatomy and segmenter is None:
            raise SettingsError("The anatomy loss needs a segmenter; give one, or set its weight to 0.")
        generator, discriminator = generator or GeneratorConfig(), discriminator or DiscriminatorConfig()
        self.to_high, self.to_low = build_generators(generator)
        self.discriminator_high, self.discriminator_low = (
            build_discriminator(discriminator, self.weights.labels > 0) for _ in "12"
        )
        self.cutmix = self.weights.cutmix if discriminator.kind == "unet" else 0.0
        self.bf16 = bf16
        # In a list, where nn.Module does not find it: neither trained nor saved.
        self._frozen = [] if segmenter is None else [segmenter.eval().requires_grad_(False)]

    @property
    def discriminates(self) -> bool:
        """Whether a term asks the discriminators."""
        return self.weights.adversarial > 0 or self.weights.labels > 0

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
        """The frozen segmenter's logits (N, K, h, w)."""
        return self.run(self._frozen[0], x)

    def generator_losses(
        self, batch: Batch, noise: torch.Generator | None = None
    ) -> tuple[dict[str, Tensor], Fakes | None]:
        """The generators' terms, their weighted sum under "generators", and the fakes for the discriminators.

        Where no term asks a discriminator there are none, and nothing for one to learn.

        A term's name begins with that of its weight. Terms of weight 0, or without what they need in the batch,
        are left out and cost nothing. `noise` (a CPU generator) makes the step repeatable on any device.
        `change_low` and `change_high` are the mean |to_high(x) - x| on poor and on good frames: watched, and no
        part of the sum; `change_high` only where there is an identity term. Raises SettingsError where no term
        is left.
        """
        self._discriminators_learn(False)  # their weights' gradients would be thrown away
        b = batch.black_outside() if self.weights.black_outside else batch
        made = Translations(self, b, noise)
        table, lacking = self._terms(b, made), lacks(b)
        weight = {name: getattr(self.weights, name.rpartition("_")[0]) for name in table}
        terms = {name: term() for name, term in table.items() if weight[name] and name not in lacking}
        if not terms:
            missing = ", ".join(sorted(lacking))
            raise SettingsError(f"The data lack what these losses need: {missing}; give others a weight.")
        total = torch.stack([value * weight[name] for name, value in terms.items()]).sum()
        watched = {"change_low": l1(made.fake_high.detach(), b.low, b.low_mask)}
        if "identity_high" in terms:
            watched["change_high"] = terms["identity_high"].detach()
        return {"generators": total, **terms, **watched}, made.fakes() if self.discriminates else None

    def _terms(self, b: Batch, made: Translations) -> dict[str, Callable[[], Tensor]]:
        """Every term of the generators by its name, to be computed or not; "_high" is of what `to_high` made."""
        kind, low, high = self.weights.adversarial_kind, b.low_mask, b.high_mask
        return {
            "adversarial_high": lambda: adversarial_generator(kind, made.output_high, low),
            "adversarial_low": lambda: adversarial_generator(kind, made.output_low, high),
            "cycle_low": lambda: cycle_loss(b.low, made.cycled_low, low),
            "cycle_high": lambda: cycle_loss(b.high, made.cycled_high, high),
            "identity_high": lambda: identity_loss(b.high, made.same_high, high),
            "identity_low": lambda: identity_loss(b.low, made.same_low, low),
            "structure_high": lambda: structure_loss(b.low, made.fake_high, low),
            "structure_low": lambda: structure_loss(b.high, made.fake_low, high),
            "illumination_high": lambda: illumination_loss(b.low, made.fake_high, low),
            "illumination_low": lambda: illumination_loss(b.high, made.fake_low, high),
            # The anatomy of a poor frame is doubtful, that of a good frame is not.
            "anatomy_high": lambda: anatomy_loss(
                *made.segmented(b.low, made.fake_high), low, by_confidence=True
            ),
            "anatomy_low": lambda: anatomy_loss(*made.segmented(b.high, made.fake_low), high),
            # discriminator_high learns its labels from good frames: without any it knows nothing to ask for.
            "labels_high": lambda: label_loss(made.output_high.labels, b.low_labels, b.high_labels),
            "labels_low": lambda: label_loss(made.output_low.labels, b.high_labels, b.low_labels),
            "temporal_high": lambda: temporal_loss(b.low, made.fake_high, *made.next_high, low),
            "flicker_high": lambda: flicker_loss(b.low, made.fake_high, *made.next_high, low),
            "paired_high": lambda: paired_loss(
                b.low, made.target, made.fake_high, low, b.low_paired, self.weights.removal
            ),
            "target_structure_high": lambda: paired_structure_loss(
                made.target, made.fake_high, low, b.low_paired
            ),
        }

    def discriminator_losses(self, batch: Batch, fakes: Fakes, step: int = 0) -> dict[str, Tensor]:
        """The discriminators' terms and their weighted sum under "discriminators"; `fakes` may come from a replay pool.

        `step` decides whether the gradient penalty is due, which then counts for the steps without, and whether
        CutMix is drawn. `right_high` and `right_low` are the shares of frames, real and fake, told right.
        """
        self._discriminators_learn(True)
        if self.weights.black_outside:
            batch, fakes = batch.black_outside(), fakes.black_outside()
        sides = {
            "high": Side(batch.high, batch.high_mask, fakes.high, fakes.high_mask, batch.high_labels),
            "low": Side(batch.low, batch.low_mask, fakes.low, fakes.low_mask, batch.low_labels),
        }
        losses: dict[str, Tensor] = {}
        weighted: list[Tensor] = []
        for name, side in sides.items():
            discriminator = self.discriminator_high if name == "high" else self.discriminator_low
            terms, right = self._discriminator_terms(discriminator, side, step)
            weighted += [value * weight for value, weight in terms.values()]
            losses |= {f"{term}_{name}": value for term, (value, _) in terms.items()}
            losses[f"right_{name}"] = right
        return {"discriminators": torch.stack(weighted).sum(), **losses}

    def _discriminator_terms(
        self, discriminator: nn.Module, s: Side, step: int
    ) -> tuple[dict[str, tuple[Tensor, float]], Tensor]:
        """One discriminator's terms with their weights, and the share of frames told right."""
        w, kind = self.weights, self.weights.adversarial_kind
        of_real, of_fake = self.run(discriminator, s.real), self.run(discriminator, s.fake)
        terms = {
            "discriminator": (
                adversarial_discriminator(kind, of_real, of_fake, s.real_mask, s.fake_mask),
                1.0,
            )
        }
        if w.labels and s.labels is not None:
            terms["discriminator_labels"] = label_loss(of_real.labels, s.labels), w.labels
        if w.gradient_penalty and step % w.penalty_every == 0:
            terms["discriminator_penalty"] = (
                r1_penalty(discriminator, s.real, s.real_mask),
                w.gradient_penalty * w.penalty_every,
            )
        if self.cutmix and (generator := draws(step, w.cutmix_warmup)):
            mixed = cutmix(s.real, s.fake, s.real_mask, s.fake_mask, generator)
            of_mixed = self.run(discriminator, mixed.frames)
            terms["discriminator_cutmix"] = cutmix_loss(kind, mixed, of_mixed, of_real, of_fake), self.cutmix
        return terms, share_right(kind, of_real, of_fake, s.real_mask, s.fake_mask)

    def _discriminators_learn(self, learn: bool) -> None:
        self.discriminator_high.requires_grad_(learn)
        self.discriminator_low.requires_grad_(learn)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> CycleGAN:
        """What `to`, `cuda` and the like do; the segmenter comes along."""
        for network in self._frozen:
            network._apply(fn, recurse)
        return super()._apply(fn, recurse)


class Side(NamedTuple):
    """What one discriminator learns from: frames and sectors (N, 1, h, w), labels (N, 5) of the real ones."""

    real: Tensor
    real_mask: Tensor
    fake: Tensor
    fake_mask: Tensor
    labels: Tensor | None


def lacks(batch: Batch) -> set[str]:
    """The terms that this batch has no data for."""
    both = None if batch.low_labels is None or batch.high_labels is None else batch.low_labels
    needed = {"labels_high": both, "labels_low": both}
    needed |= dict.fromkeys(("temporal_high", "flicker_high"), batch.low_next)
    needed |= dict.fromkeys(("paired_high", "target_structure_high"), batch.low_target)
    return {name for name, data in needed.items() if data is None}
