"""The adversarial terms against numbers worked out by hand, local and overall, inside the sector."""

import pytest
import torch

from echogan.model.losses.adversarial_losses import (
    adversarial_discriminator,
    adversarial_generator,
    frame_scores,
    hinge_discriminator,
    hinge_generator,
    lsgan_discriminator,
    lsgan_generator,
    share_right,
)
from echogan.model.networks.discriminator_layers import DiscriminatorOutput
from echogan.model.networks.discriminators import DiscriminatorConfig, build_discriminator


def plane(*values: float) -> torch.Tensor:
    """Four values as (1, 1, 2, 2)."""
    return torch.tensor(values, dtype=torch.float32).view(1, 1, 2, 2)


def test_lsgan_by_hand():
    real, fake = plane(1, 1, 0, 0), plane(0, 0, 0, 1)
    assert lsgan_generator(fake) == pytest.approx(3 / 4)
    assert lsgan_discriminator(real, fake) == pytest.approx(0.5 * (2 / 4 + 1 / 4))


def test_hinge_by_hand():
    real, fake = plane(2, 1, 0, -1), plane(-2, -1, 0, 1)
    assert hinge_generator(fake) == pytest.approx(2 / 4)
    assert hinge_discriminator(real, fake) == pytest.approx(0.5 * ((0 + 0 + 1 + 2) / 4 + (0 + 0 + 1 + 2) / 4))


def test_perfect_outputs_cost_nothing():
    assert lsgan_discriminator(plane(1, 1, 1, 1), plane(0, 0, 0, 0)) == 0
    assert lsgan_generator(plane(1, 1, 1, 1)) == 0
    assert hinge_discriminator(plane(1, 2, 3, 1), plane(-1, -2, -9, -1)) == 0


@pytest.mark.parametrize("loss", [lsgan_generator, lambda s, m: hinge_generator(-(s**2), m)])
def test_adversarial_losses_count_only_patches_over_the_sector(loss):
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :4, :4] = 1  # the centre of the first of the 2 x 2 patches, which lie two pixels apart
    assert loss(plane(0, 9, 9, 9), mask) == loss(plane(0, -5, 7, 2), mask)
    mask[..., :4, 4:5] = 1  # and half of the second's
    one, other = (float(loss(plane(*[value] * 4), None)) for value in (0.0, 3.0))
    assert float(loss(plane(0, 3, 9, 9), mask)) == pytest.approx((1 * one + 0.5 * other) / 1.5)


@pytest.mark.parametrize(
    ("kind", "generator", "discriminator"),
    [("lsgan", lsgan_generator, lsgan_discriminator), ("hinge", hinge_generator, hinge_discriminator)],
)
def test_local_and_overall_outputs_count_alike(kind, generator, discriminator):
    local, other, overall = plane(1, 0.5, 0, 2), plane(0, 0.3, 1, -1), torch.tensor([[0.25]])
    assert adversarial_generator(kind, DiscriminatorOutput(local)) == generator(local)
    assert adversarial_discriminator(
        kind, DiscriminatorOutput(local), DiscriminatorOutput(other)
    ) == discriminator(local, other)
    both = adversarial_generator(kind, DiscriminatorOutput(local, overall))
    assert both == pytest.approx(0.5 * float(generator(local) + generator(overall)))
    discriminated = adversarial_discriminator(
        kind, DiscriminatorOutput(local, overall), DiscriminatorOutput(other, -overall)
    )
    expected = 0.5 * float(discriminator(local, other) + discriminator(overall, -overall))
    assert discriminated == pytest.approx(expected)


@pytest.mark.parametrize(("kind", "stride"), [("patch", 16), ("patch70", 8)])
def test_a_patch_counts_where_its_centre_lies(kind, stride):
    discriminator = build_discriminator(DiscriminatorConfig(filters=4, norm="none", kind=kind))
    for weight in discriminator.parameters():
        torch.nn.init.constant_(weight, 0.1)
    x = torch.ones(1, 1, 256, 256, requires_grad=True)
    scores = discriminator(x).scores
    row, column = 4 * 16 // stride, 5 * 16 // stride
    (slope,) = torch.autograd.grad(scores[0, 0, row, column], x)
    rows, columns = (slope[0, 0].abs().sum(axis).nonzero() for axis in (1, 0))
    top, left = (int(seen.float().mean().round()) - stride // 2 for seen in (rows, columns))
    mask = torch.zeros(1, 1, 256, 256)
    mask[..., top : top + stride, left : left + stride] = 1
    only = torch.zeros_like(scores)
    only[0, 0, row, column] = 1
    assert float(frame_scores(DiscriminatorOutput(only), mask)) == 1


def test_share_right_is_counted_inside_the_sector_or_overall():
    mask = torch.zeros(2, 1, 4, 4)
    mask[:, :, 1, 1] = 1  # the first of 2 x 2 patches
    real, fake = (
        torch.cat([plane(0.9, -9, -9, -9), plane(0.4, 9, 9, 9)]),
        torch.cat([plane(0.1, 9, 9, 9)] * 2),
    )
    assert share_right("lsgan", DiscriminatorOutput(real), DiscriminatorOutput(fake), mask, mask) == 0.75
    assert share_right("hinge", DiscriminatorOutput(real), DiscriminatorOutput(-fake), mask, mask) == 1
    overall = (torch.tensor([[0.2], [-0.4]]), torch.tensor([[-0.1], [-0.2]]))
    assert (
        share_right("hinge", *(DiscriminatorOutput(real, of_frame) for of_frame in overall), mask, mask)
        == 0.75
    )


def test_frame_scores_by_hand():
    scores = torch.cat([plane(1, 2, 3, 4), plane(0, 0, 0, 8)])
    mask = torch.ones(2, 1, 4, 4)
    mask[0, :, 2:] = 0  # the lower two patches of the first frame
    assert frame_scores(DiscriminatorOutput(scores), mask).tolist() == [1.5, 2.0]
    assert frame_scores(DiscriminatorOutput(scores, torch.tensor([[10.0], [20.0]]))).tolist() == [12.5, 22.0]
