"""The loss terms against numbers worked out by hand, and planted violations."""

import math

import pytest
import torch

from echogan.model.losses.losses import (
    CALM,
    cycle_loss,
    flicker_loss,
    identity_loss,
    illumination_loss,
    l1,
    structure_loss,
    temporal_loss,
)


def plane(*values: float) -> torch.Tensor:
    """Four values as (1, 1, 2, 2)."""
    return torch.tensor(values, dtype=torch.float32).view(1, 1, 2, 2)


def sector(size: int = 64) -> torch.Tensor:
    """A fan-like triangle, (2, 1, size, size)."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return ((x - size // 2).abs() < 0.4 * y).float().expand(2, 1, size, size)


def frames(seed: int, size: int = 64) -> torch.Tensor:
    return torch.rand(2, 1, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


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
    empty = torch.zeros(2, 1, 64, 64)
    assert illumination_loss(frames(1), frames(2), empty) == 0
    assert structure_loss(frames(1), frames(2), empty).isfinite()


def test_illumination_sees_brightness_and_not_texture():
    x, mask = frames(3) * 0.5, sector()
    brighter = float(illumination_loss(x, x + 0.2, mask))
    chequers = torch.ones(64, 64)
    chequers[::2, ::2] = chequers[1::2, 1::2] = -1
    finer = float(illumination_loss(x, x + 0.2 * chequers, mask))
    assert brighter == pytest.approx(0.2, abs=1e-5)  # up to the rim: no black leaks in
    assert finer < 0.05 * brighter


def test_illumination_sees_where_a_region_changes():
    x, mask = torch.zeros(2, 1, 64, 64), sector()
    cavity = x.clone()
    cavity[..., 36:52, 24:40] = 0.3  # a cavity that turns grey, while the mean is set right again
    level = cavity - (cavity * mask).sum() / mask.sum()
    assert float(illumination_loss(x, level, mask)) > 0.05


@pytest.mark.parametrize("constant", [0.0, 0.4])
def test_temporal_forgives_a_constant_residual(constant):
    x, later, mask = frames(4), frames(5), sector()
    assert temporal_loss(x, x + constant, later, later + constant, mask) < 1e-6


def test_temporal_is_the_change_of_the_residual_by_hand():
    x, later, mask = frames(6), frames(7), sector()
    found = temporal_loss(x, x + 0.1, later, later - 0.2, mask)
    assert float(found) == pytest.approx(0.3, abs=1e-6)


def test_flicker_is_what_the_output_changes_more_by_hand():
    mask = sector()
    x = torch.zeros_like(frames(6))
    later = x + torch.tensor([0.2, 0.1]).view(2, 1, 1, 1)
    found = flicker_loss(x, 1.5 * x, later, later * torch.tensor([1.5, 0.5]).view(2, 1, 1, 1), mask)
    assert float(found) == pytest.approx((1.5 - CALM + 0.0) / 2, abs=1e-5)  # a calm frame pays for no other


def test_flicker_lets_walls_gain_what_speckle_gives():
    before, later = plane(0, 0, 0, 0), plane(0.4, 0.1, 0.1, 0.1)
    assert flicker_loss(before, before, later, plane(0.7 * CALM, 0, 0, 0)) == 0
    assert flicker_loss(before, before, later, 2 * later) == pytest.approx(2 - CALM, abs=1e-5)


def test_flicker_of_a_still_is_none():
    x, mask = frames(6), sector()
    assert flicker_loss(x, x * 0.5, x, x * 0.5, mask) == 0


@pytest.mark.parametrize("loss", [l1, structure_loss, illumination_loss])
def test_gradients_are_those_of_finite_differences(loss):
    torch.manual_seed(1)
    x, y = torch.rand(2, 1, 1, 12, 12, dtype=torch.float64)
    mask = torch.ones(1, 1, 12, 12, dtype=torch.float64)
    mask[..., :3] = 0
    assert torch.autograd.gradcheck(lambda t: loss(x, t, mask), y.requires_grad_(True))


@pytest.mark.parametrize("outside", [5.0, math.inf, math.nan])
@pytest.mark.parametrize("loss", [structure_loss, illumination_loss])
def test_low_passes_do_not_see_outside(loss, outside):
    x, y, mask = frames(8), frames(9), sector()
    elsewhere = torch.full_like(x, outside)
    x_else, y_else = x.where(mask > 0, elsewhere), y.where(mask > 0, -elsewhere)
    y.requires_grad_(True)
    y_else.requires_grad_(True)
    one, other = loss(x, y, mask), loss(x_else, y_else, mask)
    assert one == other
    one.backward()
    other.backward()
    assert y.grad is not None
    assert y_else.grad is not None
    assert torch.equal(y.grad * mask, y_else.grad * mask)
    assert (y_else.grad[mask == 0] == 0).all()
