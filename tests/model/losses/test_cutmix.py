"""CutMix: its boxes, its warm-up, its truth, and the consistency of a discriminator that scores each pixel."""

import pytest
import torch

from echogan.model.losses.cutmix import (
    Mixed,
    chance,
    consistency_loss,
    cutmix,
    cutmix_loss,
    draws,
    real_regions,
)
from echogan.model.networks.discriminator_layers import DiscriminatorOutput
from echogan.model.networks.discriminators import DiscriminatorConfig, build_discriminator


def numbers(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def is_box(region: torch.Tensor) -> bool:
    """Whether the ones fill one rectangle."""
    rows, columns = region.any(1).sum(), region.any(0).sum()
    return bool(region.sum() == rows * columns)


@pytest.fixture
def mixed() -> tuple[Mixed, torch.Tensor, torch.Tensor]:
    """Four mixed frames of different sectors, with the real and the fake ones that they are made of."""
    real, fake = (
        torch.rand(4, 1, 32, 32, generator=numbers(1)),
        -torch.rand(4, 1, 32, 32, generator=numbers(2)),
    )
    real_mask = torch.zeros(4, 1, 32, 32)
    real_mask[..., 4:28, 2:30] = 1
    return cutmix(real, fake, real_mask, real_mask.transpose(2, 3), numbers(3)), real, fake


def test_each_pixel_and_its_sector_come_from_one_side(mixed):
    m, real, fake = mixed
    assert set(m.real.unique().tolist()) == {0, 1}
    assert torch.equal(m.frames > 0, m.real > 0)  # real frames are positive here, fakes negative
    assert torch.equal(m.frames, m.real * real + (1 - m.real) * fake)
    rows = torch.zeros(32)
    rows[4:28] = 1
    columns = torch.zeros(32)
    columns[2:30] = 1
    one = rows[:, None] * columns
    assert torch.equal(m.mask, torch.where(m.real > 0, one, one.T))


def test_regions_are_boxes_of_every_size_on_both_sides():
    regions = real_regions(400, 32, 48, numbers(0))
    shares = regions.mean((1, 2, 3))
    assert float(shares.mean()) == pytest.approx(0.5, abs=0.05)
    assert float(shares.std()) == pytest.approx(12**-0.5, abs=0.05)  # uniform
    for region in regions[:50, 0]:
        assert is_box(region) or is_box(1 - region)
    assert 150 < sum(float(region[..., 0, 0]) == 0 for region in regions) < 250  # a fair coin
    centres = regions.mean(0)[0]
    assert float(centres.min()) > 0.3  # anywhere in the frame
    assert float(centres.max()) < 0.7


def test_warm_up_rises_to_every_second_step():
    assert [chance(step, 1000) for step in (0, 500, 1000, 5000)] == [0, 0.25, 0.5, 0.5]
    assert draws(0, 1000) is None
    late = sum(draws(step, 1000) is not None for step in range(5000, 7000))
    early = sum(draws(step, 100_000) is not None for step in range(2000))
    assert 900 < late < 1100
    assert early < 20


def test_a_step_draws_the_same_again():
    step = next(s for s in range(5000, 5100) if draws(s, 10))
    one, two = (draws(step, 10) for _ in range(2))
    assert one is not None
    assert two is not None
    assert torch.equal(real_regions(3, 16, 16, one), real_regions(3, 16, 16, two))


def test_a_discriminator_of_single_pixels_is_consistent(mixed):
    m, real, fake = mixed
    pixelwise = torch.nn.Sequential(torch.nn.Conv2d(1, 8, 1), torch.nn.Tanh(), torch.nn.Conv2d(8, 1, 1))
    assert consistency_loss(m, pixelwise(m.frames), pixelwise(real), pixelwise(fake)) < 1e-12
    unet = build_discriminator(DiscriminatorConfig(4, kind="unet"))
    assert consistency_loss(m, *(unet(x).scores for x in (m.frames, real, fake))) > 1e-4


def test_consistency_by_hand_and_only_in_the_sector(mixed):
    m, real, fake = mixed
    assert float(consistency_loss(m, m.frames + 0.5, real, fake)) == pytest.approx(0.25)
    wrong_outside = m.frames + 9 * (1 - m.mask)
    assert consistency_loss(m, wrong_outside, real, fake) == 0


@pytest.mark.parametrize(("kind", "fake_score", "cost"), [("lsgan", 0.0, 1.0), ("hinge", -1.0, 2.0)])
def test_the_truth_of_a_mixed_frame(mixed, kind, fake_score, cost):
    m, *_ = mixed
    right = torch.where(m.real > 0, 1.0, fake_score)
    ones, as_fake = torch.ones_like(right), torch.full_like(right, fake_score)
    of_real, of_fake = DiscriminatorOutput(ones), DiscriminatorOutput(as_fake)
    whole = torch.full((4, 1), fake_score)
    assert cutmix_loss(kind, m, DiscriminatorOutput(right, whole), of_real, of_fake) == 0
    # As a whole it is fake: half of the halved cost of taking it for real.
    share = float(m.of_two_makes().mean())
    assert share > 0.5
    assert float(
        cutmix_loss(kind, m, DiscriminatorOutput(right, torch.ones(4, 1)), of_real, of_fake)
    ) == pytest.approx(0.25 * cost * share)


def test_a_frame_whose_box_misses_the_sector_is_of_one_make():
    mask = torch.zeros(3, 1, 20, 20)
    mask[..., :10, :] = 1
    real = torch.zeros(3, 1, 20, 20)
    real[0, :, 10:], real[1, :, 5:], real[2, :, :10] = 1, 1, 1  # outside alone; half of the sector; all of it
    m = Mixed(real, mask, real)
    assert m.of_two_makes().flatten().tolist() == [0, 1, 0]
    fake, right = DiscriminatorOutput(torch.zeros(3, 1, 20, 20)), DiscriminatorOutput(real, torch.ones(3, 1))
    # Only the second frame is as a whole taken for real in error: a third of the cost of all three.
    assert float(cutmix_loss("lsgan", m, right, DiscriminatorOutput(real + 1 - real), fake)) == pytest.approx(
        0.25 / 3
    )


def test_gradients_reach_the_unet(mixed):
    m, real, fake = mixed
    discriminator = build_discriminator(DiscriminatorConfig(4, "spectral", "unet"))
    cutmix_loss("hinge", m, discriminator(m.frames), discriminator(real), discriminator(fake)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in discriminator.parameters())
