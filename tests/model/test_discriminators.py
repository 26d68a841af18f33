"""The PatchGAN: its map of verdicts, how much each one sees, and its norms."""

import pytest
import torch

from echogan.model.discriminators import DiscriminatorConfig, PatchDiscriminator


@pytest.mark.parametrize("norm", ["instance", "spectral", "none"])
def test_shape_of_the_verdicts(norm):
    judge = PatchDiscriminator(DiscriminatorConfig(filters=4, norm=norm))
    assert judge(torch.zeros(2, 1, 256, 256)).shape == (2, 1, 14, 14)
    assert judge(torch.zeros(1, 1, 64, 128)).shape == (1, 1, 2, 6)


def test_each_verdict_sees_140_pixels():
    judge = PatchDiscriminator(DiscriminatorConfig(filters=8, norm="none"))
    x = torch.rand(1, 1, 256, 256, requires_grad=True)
    judge(x)[0, 0, 7, 7].backward()
    assert x.grad is not None
    rows, columns = torch.nonzero(x.grad[0, 0]).T
    assert (rows.max() - rows.min() + 1, columns.max() - columns.min() + 1) == (140, 140)


def test_spectral_norm_bounds_every_layer():
    torch.manual_seed(0)
    judge = PatchDiscriminator(DiscriminatorConfig(filters=4, norm="spectral"))
    for _ in range(50):  # the power iteration settles
        judge(torch.randn(1, 1, 64, 64))
    layers = [m for m in judge.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(layers) == 5
    for layer in layers:
        largest = torch.linalg.svdvals(layer.weight.detach().flatten(1))[0]
        assert largest == pytest.approx(1, abs=0.05)


def test_brightness_reaches_the_verdict_past_instance_norm():
    torch.manual_seed(0)
    judge = PatchDiscriminator(DiscriminatorConfig(filters=8))
    x = torch.rand(1, 1, 128, 128)
    assert not torch.allclose(judge(x), judge(x * 0.5), atol=1e-4)
