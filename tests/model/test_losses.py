"""The loss terms against numbers worked out by hand."""

import pytest
import torch

from echogan.model.losses import cycle_loss, identity_loss, l1, lsgan_discriminator, lsgan_generator


def plane(*values: float) -> torch.Tensor:
    """Four values as (1, 1, 2, 2)."""
    return torch.tensor(values, dtype=torch.float32).view(1, 1, 2, 2)


def test_lsgan_by_hand():
    real, fake = plane(1, 1, 0, 0), plane(0, 0, 0, 1)
    assert lsgan_generator(fake) == pytest.approx(3 / 4)
    assert lsgan_discriminator(real, fake) == pytest.approx(0.5 * (2 / 4 + 1 / 4))


def test_perfect_verdicts_cost_nothing():
    assert lsgan_discriminator(plane(1, 1, 1, 1), plane(0, 0, 0, 0)) == 0
    assert lsgan_generator(plane(1, 1, 1, 1)) == 0


def test_lsgan_hears_only_patches_over_the_sector():
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :4, :4] = 1  # exactly the first of the 2 x 2 patches
    assert lsgan_generator(plane(0.5, 9, 9, 9), mask) == pytest.approx(0.25)
    mask[..., :4, 4:6] = 1  # and half of the second
    assert lsgan_generator(plane(0, 3, 9, 9), mask) == pytest.approx((1 * 1 + 0.5 * 4) / 1.5)


@pytest.mark.parametrize("loss", [l1, cycle_loss, identity_loss])
def test_l1_by_hand_and_masked(loss):
    a, b = plane(0, 0, 0, 0), plane(1, -1, 3, 5)
    assert loss(a, b) == pytest.approx(10 / 4)
    assert loss(a, b, plane(1, 1, 0, 0)) == pytest.approx(1)


def test_nothing_outside_the_mask_is_learnt_from():
    x = torch.rand(2, 1, 8, 8, requires_grad=True)
    mask = torch.zeros(2, 1, 8, 8)
    mask[..., 2:5, 2:5] = 1
    l1(x, torch.zeros_like(x), mask).backward()
    assert x.grad is not None
    assert (x.grad[mask == 0] == 0).all()
    assert (x.grad[mask == 1] != 0).all()


def test_an_empty_mask_gives_zero_not_nan():
    assert l1(plane(1, 2, 3, 4), plane(0, 0, 0, 0), plane(0, 0, 0, 0)) == 0
