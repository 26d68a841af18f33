"""The gradient penalty against discriminators whose gradient is known by hand."""

import pytest
import torch
from torch import Tensor, nn

from echogan.model.losses.penalties import r1_penalty
from echogan.model.networks.discriminators import (
    DiscriminatorConfig,
    DiscriminatorOutput,
    build_discriminator,
)


class Quadratic(nn.Module):
    """D(x) = sum(a x^2), as one score per pixel that averages to it, and as an overall one where asked for."""

    def __init__(self, overall: bool = False) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(0.7, dtype=torch.float64))
        self.overall = overall

    def forward(self, x: Tensor) -> DiscriminatorOutput:
        whole = (self.a * x**2).sum((1, 2, 3), keepdim=True)
        if self.overall:
            return DiscriminatorOutput(torch.zeros_like(x), whole.flatten(1))
        return DiscriminatorOutput(whole.expand_as(x))


@pytest.mark.parametrize("overall", [False, True])
def test_penalty_of_a_quadratic(overall):
    discriminator = Quadratic(overall)
    x = torch.rand(3, 1, 4, 4, dtype=torch.float64)
    penalty = r1_penalty(discriminator, x)
    expected = 0.5 * (4 * 0.7**2 * (x**2).sum((1, 2, 3))).mean()  # the gradient is 2 a x
    assert float(penalty.detach()) == pytest.approx(float(expected), rel=1e-9)
    penalty.backward()
    assert discriminator.a.grad is not None
    assert float(discriminator.a.grad) == pytest.approx(float(2 * expected / 0.7), rel=1e-9)  # it goes as a^2


def test_only_pixels_inside_the_sector_count():
    x, mask = torch.rand(2, 1, 4, 4, dtype=torch.float64), torch.zeros(2, 1, 4, 4, dtype=torch.float64)
    mask[..., :2] = 1
    expected = 0.5 * 4 * 0.7**2 * (x**2 * mask).sum((1, 2, 3)).mean()
    found = r1_penalty(Quadratic(True), x, mask).detach()
    assert float(found) == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize("kind", ["patch", "unet"])
def test_a_few_steps_make_a_discriminator_flatter(kind):
    torch.manual_seed(0)
    discriminator = build_discriminator(DiscriminatorConfig(4, "none", kind))
    x, mask = torch.rand(2, 1, 64, 64), torch.ones(2, 1, 64, 64)
    adam = torch.optim.Adam(discriminator.parameters(), 5e-3)
    found = []
    for _ in range(15):
        adam.zero_grad()
        penalty = r1_penalty(discriminator, x, mask)
        penalty.backward()
        adam.step()
        found.append(float(penalty.detach()))
    assert found[-1] < 0.2 * found[0]


@pytest.mark.parametrize("kind", ["patch", "patch70", "unet"])
@pytest.mark.parametrize("norm", ["instance", "group", "spectral"])
def test_second_derivatives_are_finite_in_float32_under_autocast(kind, norm):
    torch.manual_seed(0)
    discriminator = build_discriminator(DiscriminatorConfig(4, norm, kind), labels=True)
    with torch.autocast("cpu", torch.bfloat16):
        penalty = r1_penalty(discriminator, torch.rand(1, 1, 64, 64))
    assert penalty.dtype == torch.float32
    penalty.backward()
    found = [p.grad for p in discriminator.parameters() if p.grad is not None]
    assert found
    assert all(g.isfinite().all() for g in found)


def test_gradient_is_that_of_finite_differences():
    torch.manual_seed(0)
    discriminator = build_discriminator(DiscriminatorConfig(4, "none")).double()
    x = torch.rand(1, 1, 64, 64, dtype=torch.float64)
    weight = discriminator.body[1].weight
    discriminator.zero_grad()
    r1_penalty(discriminator, x).backward()
    step = 1e-6
    with torch.no_grad():
        weight[0, 0, 1, 1] += step
    above = r1_penalty(discriminator, x).detach()
    with torch.no_grad():
        weight[0, 0, 1, 1] -= 2 * step
    below = r1_penalty(discriminator, x).detach()
    assert float(weight.grad[0, 0, 1, 1]) == pytest.approx(float((above - below) / (2 * step)), rel=1e-4)
