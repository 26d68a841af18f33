"""The losses of one step: masks, noise, who learns from what."""

import math

import pytest
import torch
from torch import nn

from echogan.model.cyclegan import Batch, CycleGAN, Fakes, LossWeights
from echogan.model.networks.discriminators import DiscriminatorConfig
from echogan.model.networks.generators import GeneratorConfig


def small(**weights: float) -> CycleGAN:
    torch.manual_seed(0)
    return CycleGAN(
        GeneratorConfig(channels=8, blocks=1), DiscriminatorConfig(filters=4), LossWeights(**weights)
    )


def moved(gan: CycleGAN) -> CycleGAN:
    for generator in (gan.to_high, gan.to_low):
        nn.init.normal_(generator.heads.weight, 0, 0.3)
    return gan


@pytest.fixture
def batch() -> Batch:
    torch.manual_seed(3)
    low, high = torch.rand(2, 2, 1, 64, 64) * 2 - 1
    mask = torch.zeros(2, 1, 64, 64)
    mask[..., 8:56, 16:48] = 1
    return Batch(low, high, mask, mask.flip(-2).roll(4, -1))


def test_untrained_cycle_is_exact_without_noise(batch):
    losses, fakes = small(cycle_noise=0.0).generator_losses(batch)
    assert losses["cycle_low"] == losses["cycle_high"] == losses["identity_high"] == losses["change_low"] == 0
    assert torch.equal(fakes.high, batch.low)


def test_untrained_cycle_with_noise_is_the_mean_of_the_noise(batch):
    losses, _ = small(cycle_noise=0.1).generator_losses(batch, torch.Generator().manual_seed(1))
    assert float(losses["cycle_low"].detach()) == pytest.approx(0.1 * math.sqrt(2 / math.pi), rel=0.05)


def test_noise_follows_its_generator(batch):
    gan = moved(small())
    one, two, other = (
        gan.generator_losses(batch, torch.Generator().manual_seed(seed))[0]["generators"]
        for seed in (1, 1, 2)
    )
    assert one == two != other


def test_nothing_is_painted_outside_the_sector(batch):
    _, fakes = moved(small()).generator_losses(batch)
    for fake, x, mask in ((fakes.high, batch.low, batch.low_mask), (fakes.low, batch.high, batch.high_mask)):
        assert torch.equal(fake[mask == 0], x[mask == 0])
        assert (fake[mask == 1] != x[mask == 1]).float().mean() > 0.99


def test_the_sum_is_weighted(batch):
    losses, _ = moved(small(adversarial=2.0, cycle=3.0, identity=0.5)).generator_losses(batch)
    expected = sum(
        weight * float(losses[f"{term}_{side}"].detach())
        for term, weight in (("adversarial", 2.0), ("cycle", 3.0), ("identity", 0.5))
        for side in ("high", "low")
    )
    assert float(losses["generators"].detach()) == pytest.approx(expected, rel=1e-5)


def test_generators_and_discriminators_learn_from_their_own_losses_only(batch):
    gan = moved(small())
    losses, fakes = gan.generator_losses(batch)
    losses["generators"].backward()
    assert all(p.grad is not None for p in gan.generator_parameters())
    assert all(p.grad is None for p in gan.discriminator_parameters())
    gan.zero_grad()
    gan.discriminator_losses(batch, fakes)["discriminators"].backward()
    assert all(p.grad is None for p in gan.generator_parameters())
    assert all(p.grad is not None for p in gan.discriminator_parameters())


def test_discriminators_learn_to_tell_obvious_fakes(batch):
    gan = small()
    fakes = Fakes(-batch.high.abs(), batch.high_mask, -batch.low.abs(), batch.low_mask)
    real = Batch(batch.low.abs(), batch.high.abs(), batch.low_mask, batch.high_mask)
    adam = torch.optim.Adam(gan.discriminator_parameters(), 2e-3)
    for _ in range(40):
        losses = gan.discriminator_losses(real, fakes)
        adam.zero_grad()
        losses["discriminators"].backward()
        adam.step()
    assert losses["discriminators"] < 0.1
    assert losses["right_high"] == losses["right_low"] == 1
