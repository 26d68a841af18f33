"""Cost of a training step in CPU-seconds: our networks and losses beside the reference CycleGAN."""

from __future__ import annotations

import dataclasses
import statistics
import time

import torch

from echogan.model.cyclegan import Batch, CycleGAN, LossWeights
from echogan.model.networks.discriminators import DiscriminatorConfig
from echogan.model.networks.generators import GeneratorConfig
from eval.performance.machine import machine_facts

REFERENCE = GeneratorConfig(kind="resnet", channels=64, blocks=9, image_channels=3)
"""The generator of the CycleGAN authors: ResNet-9, ngf 64."""
SIZE = 256
WANTED = 10  # least ratio of the reference's CPU-seconds to ours
OUR_STEPS = 4  # our steps for each step of the reference, because one step is too short to time


class Trainee:
    """Four networks, their losses and both optimisers, trained on random frames as the trainer does."""

    def __init__(self, generator: GeneratorConfig, discriminator: DiscriminatorConfig, weights: LossWeights):
        self.settings = {
            part: dataclasses.asdict(settings)
            for part, settings in (
                ("generator", generator),
                ("discriminator", discriminator),
                ("loss", weights),
            )
        }
        self.gan = CycleGAN(generator, discriminator, weights)
        networks = self.gan.generator_parameters(), self.gan.discriminator_parameters()
        self.generator_adam, self.discriminator_adam = (
            torch.optim.Adam(p, 2e-4, (0.5, 0.999)) for p in networks
        )

    def step(self, size: int = SIZE) -> None:
        """Train both generators, then both discriminators, on one frame of each domain."""
        low, high = (torch.rand(1, 1, size, size) * 2 - 1 for _ in range(2))
        batch = Batch(low, high, torch.ones_like(low), torch.ones_like(high))
        losses, fakes = self.gan.generator_losses(batch)
        self._descend(losses["generators"], self.generator_adam)
        assert fakes is not None, "the losses timed have an adversarial term"
        self._descend(self.gan.discriminator_losses(batch, fakes)["discriminators"], self.discriminator_adam)

    def cpu_seconds(self, steps: int) -> float:
        """Processor time of one step over all threads in seconds, the mean of `steps` steps."""
        start = time.process_time()
        for _ in range(steps):
            self.step()
        return (time.process_time() - start) / steps

    @staticmethod
    def _descend(loss: torch.Tensor, adam: torch.optim.Optimizer) -> None:
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()


def reference_trainee() -> Trainee:
    """The CycleGAN authors' defaults: ResNet-9, 70 x 70 PatchGAN, LSGAN, cycle 10, identity 5, no noise.

    Their discriminator has three input channels and this one has one, so this reference is slightly cheaper.
    """
    discriminator = DiscriminatorConfig(filters=64, norm="instance", kind="patch70")
    return Trainee(REFERENCE, discriminator, LossWeights(adversarial=1, cycle=10, identity=5, cycle_noise=0))


def compare_training(pairs: int = 2) -> dict:
    """CPU-seconds of a default training step at 256 x 256, batch 1, on one thread, of ours and of the reference."""
    ours = Trainee(GeneratorConfig(), DiscriminatorConfig(), LossWeights())
    reference = reference_trainee()
    for trainee in (ours, reference):
        trainee.step(64)  # the first step allocates the state of the optimisers
    ours.step()
    times = [(ours.cpu_seconds(OUR_STEPS), reference.cpu_seconds(1)) for _ in range(pairs)]
    own, others = (statistics.median(column) for column in zip(*times, strict=True))
    return {
        "ours_cpu_s": round(own, 3),
        "reference_cpu_s": round(others, 3),
        "ratio": round(statistics.median(b / a for a, b in times), 2),
        "ratio_least": round(min(b / a for a, b in times), 2),
        "wanted_ratio": WANTED,
        "pairs": pairs,
        "our_steps_per_pair": OUR_STEPS,
        "size": SIZE,
        "batch": 1,
        "ours": ours.settings,
        "reference": reference.settings,
        **machine_facts(),
    }
