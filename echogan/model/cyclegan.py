"""CycleGAN on sectors: two generators, two discriminators, and the losses of one step."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from echogan.model.discriminators import DiscriminatorConfig, PatchDiscriminator
from echogan.model.generators import GeneratorConfig, build_generator
from echogan.model.losses import cycle_loss, identity_loss, l1, lsgan_discriminator, lsgan_generator


def _weight(default: float, help: str, largest: float = 100.0) -> float:
    return field(default=default, metadata={"help": help, "min": 0.0, "max": largest})


@dataclass(frozen=True)
class LossWeights:
    """What each term counts (0 to 100), and the noise that keeps information from hiding in the fakes."""

    adversarial: float = _weight(1.0, "weight of looking like the other domain")
    cycle: float = _weight(5.0, "weight of cycle consistency")
    identity: float = _weight(2.0, "weight of leaving frames of the target domain alone")
    cycle_noise: float = _weight(0.02, "sd of the noise on fakes before the second generator", 1.0)


@dataclass(frozen=True)
class Batch:
    """Unpaired frames of both domains in [-1, 1] and their sectors' masks of 0 and 1, all (N, 1, h, w)."""

    low: Tensor
    high: Tensor
    low_mask: Tensor
    high_mask: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        return Batch(*(t.to(device) for t in (self.low, self.high, self.low_mask, self.high_mask)))


@dataclass(frozen=True)
class Fakes:
    """The translated frames of a batch, (N, 1, h, w), cut from the graph."""

    high: Tensor
    high_mask: Tensor
    low: Tensor
    low_mask: Tensor


def inside(mask: Tensor, translated: Tensor, original: Tensor) -> Tensor:
    """`translated` inside the mask, `original` outside: nothing is painted outside the sector."""
    return torch.where(mask > 0.5, translated, original)


class CycleGAN(nn.Module):
    """`to_high` enhances, `to_low` degrades; `judge_high` and `judge_low` tell real from translated.

    Zhu et al., ICCV 2017, with every loss inside the sector. With `bf16` the networks run under autocast;
    the losses are always float32.
    """

    def __init__(
        self,
        generator: GeneratorConfig | None = None,
        judge: DiscriminatorConfig | None = None,
        weights: LossWeights | None = None,
        bf16: bool = False,
    ) -> None:
        super().__init__()
        generator = generator or GeneratorConfig()
        self.to_high, self.to_low = build_generator(generator), build_generator(generator)
        self.judge_high, self.judge_low = PatchDiscriminator(judge), PatchDiscriminator(judge)
        self.weights = weights or LossWeights()
        self.bf16 = bf16

    def generator_parameters(self) -> list[nn.Parameter]:
        """The parameters of both generators."""
        return [*self.to_high.parameters(), *self.to_low.parameters()]

    def judge_parameters(self) -> list[nn.Parameter]:
        """The parameters of both discriminators."""
        return [*self.judge_high.parameters(), *self.judge_low.parameters()]

    def translate(self, generator: nn.Module, x: Tensor, mask: Tensor) -> Tensor:
        """The generator's result inside the sector, x outside it: float32 (N, 1, h, w)."""
        return inside(mask, self._run(generator, x), x)

    def generator_losses(
        self, batch: Batch, noise: torch.Generator | None = None
    ) -> tuple[dict[str, Tensor], Fakes]:
        """The generators' terms, their weighted sum under "generators", and the fakes for the discriminators.

        `noise` (a CPU generator) makes the step repeatable on any device. `change_low` and `change_high` are
        the mean |to_high(x) - x| on poor and on good frames: watched, and no part of the sum.
        """
        w, (low, high) = self.weights, (batch.low, batch.high)
        self._judges_learn(False)  # their weights' gradients would be thrown away
        fake_high = self.translate(self.to_high, low, batch.low_mask)
        fake_low = self.translate(self.to_low, high, batch.high_mask)
        cycled_low = self.translate(self.to_low, self._noisy(fake_high, noise), batch.low_mask)
        cycled_high = self.translate(self.to_high, self._noisy(fake_low, noise), batch.high_mask)
        same_high = self.translate(self.to_high, high, batch.high_mask)
        same_low = self.translate(self.to_low, low, batch.low_mask)
        terms = {
            "adversarial_high": lsgan_generator(self._run(self.judge_high, fake_high), batch.low_mask),
            "adversarial_low": lsgan_generator(self._run(self.judge_low, fake_low), batch.high_mask),
            "cycle_low": cycle_loss(low, cycled_low, batch.low_mask),
            "cycle_high": cycle_loss(high, cycled_high, batch.high_mask),
            "identity_high": identity_loss(high, same_high, batch.high_mask),
            "identity_low": identity_loss(low, same_low, batch.low_mask),
        }
        scale = {"adversarial": w.adversarial, "cycle": w.cycle, "identity": w.identity}
        total = torch.stack([value * scale[name.partition("_")[0]] for name, value in terms.items()]).sum()
        watched = {
            "change_low": l1(fake_high.detach(), low, batch.low_mask),
            "change_high": terms["identity_high"].detach(),
        }
        fakes = Fakes(fake_high.detach(), batch.low_mask, fake_low.detach(), batch.high_mask)
        return {"generators": total, **terms, **watched}, fakes

    def discriminator_losses(self, batch: Batch, fakes: Fakes) -> dict[str, Tensor]:
        """The discriminators' terms and their sum under "judges"; `fakes` may come from a replay pool.

        `right_high` and `right_low` are the shares of frames, real and fake, judged right.
        """
        self._judges_learn(True)
        sides = {
            "high": (self.judge_high, batch.high, batch.high_mask, fakes.high, fakes.high_mask),
            "low": (self.judge_low, batch.low, batch.low_mask, fakes.low, fakes.low_mask),
        }
        losses: dict[str, Tensor] = {}
        for name, (judge, real, real_mask, fake, fake_mask) in sides.items():
            of_real, of_fake = self._run(judge, real), self._run(judge, fake)
            losses[f"judge_{name}"] = lsgan_discriminator(of_real, of_fake, real_mask, fake_mask)
            losses[f"right_{name}"] = share_right(of_real, of_fake)
        return {"judges": losses["judge_high"] + losses["judge_low"], **losses}

    def _run(self, network: nn.Module, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.bf16):
            return network(x).float()

    def _noisy(self, x: Tensor, noise: torch.Generator | None) -> Tensor:
        """Noise against information hidden in the fakes (Bashkirova et al., NeurIPS 2019)."""
        drawn = torch.randn(x.shape, generator=noise).to(x.device)
        return x + self.weights.cycle_noise * drawn

    def _judges_learn(self, learn: bool) -> None:
        self.judge_high.requires_grad_(learn)
        self.judge_low.requires_grad_(learn)


def share_right(scores_of_real: Tensor, scores_of_fake: Tensor) -> Tensor:
    """The share of frames whose mean score is on the right side of 0.5."""
    real, fake = scores_of_real.detach().mean((1, 2, 3)), scores_of_fake.detach().mean((1, 2, 3))
    return torch.cat([real > 0.5, fake < 0.5]).float().mean()
