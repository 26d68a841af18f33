"""The generators: identity at birth, bounded detail, size, and settings that are refused."""

import pytest
import torch
from torch import nn

from echogan.core.errors import SettingsError
from echogan.model.networks.generators import GeneratorConfig, PyramidGenerator, build_generator, upsample

SMALL = GeneratorConfig(channels=8, blocks=1)


def restless(config: GeneratorConfig = SMALL) -> PyramidGenerator:
    """A pyramid whose heads are no longer zero."""
    torch.manual_seed(1)
    generator = build_generator(config)
    assert isinstance(generator, PyramidGenerator)
    nn.init.normal_(generator.heads.weight, 0, 0.3)
    return generator.eval()


@pytest.mark.parametrize("norm", ["instance", "none"])
@pytest.mark.parametrize("shape", [(2, 1, 64, 64), (1, 1, 48, 80), (1, 1, 16, 16)])
def test_untrained_pyramid_is_the_identity_bit_for_bit(norm, shape):
    x = torch.rand(shape) * 2 - 1
    y = build_generator(GeneratorConfig(channels=8, blocks=2, norm=norm))(x)
    assert torch.equal(x, y)


def test_a_moved_pyramid_changes_the_frame():
    x = torch.rand(1, 1, 64, 64) * 2 - 1
    assert (restless()(x) - x).abs().mean() > 0.01


@torch.no_grad()
def test_fine_detail_is_only_weakened_or_strengthened():
    generator, x = restless(), torch.rand(2, 1, 64, 64) * 2 - 1
    seen = []
    generator.heads.register_forward_hook(lambda module, inputs, output: seen.append(output))
    y = generator(x)
    low = nn.functional.avg_pool2d(x, 2)
    detail = x - upsample(low)
    painted = y - upsample(low + seen[0][:, :1])  # what is finer than half size
    assert (painted.abs() <= 2 * detail.abs() + 1e-5).all()
    assert (painted * detail >= -1e-5).all()  # never turned around


@torch.no_grad()
def test_no_checkerboard_on_a_flat_frame():
    y = restless()(torch.linspace(-1, 1, 64).view(1, 1, 1, 64).expand(1, 1, 64, 64))[0, 0, 8:-8, 8:-8]
    rows, columns = torch.meshgrid(torch.arange(48), torch.arange(48), indexing="ij")
    checker = (-1.0) ** (rows + columns)
    assert (y * checker).mean().abs() < 1e-3 * y.std()


def test_pyramid_has_no_transposed_convolution():
    assert not any(isinstance(m, nn.ConvTranspose2d) for m in PyramidGenerator().modules())


def test_parameter_counts():
    """Counted by hand from the layers' shapes."""
    c = 32
    convolutions = 9 * (4 * c + c * 2 * c + 6 * 2 * (2 * c) ** 2 + 3 * c * c + c * c // 2 + c // 2 * 2)
    biases = c + 2 * c + 6 * 2 * 2 * c + c + c // 2 + 2
    norms = 2 * (c + 2 * c + 6 * 2 * 2 * c + c)
    count = sum(p.numel() for p in build_generator(GeneratorConfig()).parameters())
    assert count == convolutions + biases + norms


def test_the_pyramid_says_what_its_sides_must_be_multiples_of():
    assert PyramidGenerator.size_multiple == 16


def test_every_parameter_learns_after_the_heads_have_moved():
    generator = restless()
    generator(torch.rand(1, 1, 64, 64)).square().mean().backward()
    still = [name for name, p in generator.named_parameters() if p.grad is None]
    assert still == []


def test_only_the_heads_learn_in_the_first_step():
    generator = build_generator(SMALL)
    generator(torch.rand(1, 1, 64, 64)).square().mean().backward()
    moved = {n for n, p in generator.named_parameters() if p.grad is not None and p.grad.abs().max() > 0}
    assert moved == {"heads.weight", "heads.bias"}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"kind": "unet"}, "kind"),
        ({"channels": 3}, "channels"),
        ({"channels": 10_000}, "channels"),
        ({"channels": True}, "channels"),
        ({"blocks": 6.0}, "blocks"),
        ({"norm": "batch"}, "norm"),
        ({"image_channels": 2}, "image_channels"),
        ({"image_channels": True}, "image_channels"),
        ({"image_channels": 3}, "a pyramid has 1"),
        ({"kind": "resnet", "norm": "none"}, "resnet has instance"),
        ({"kind": "unet256", "norm": "none"}, "unet256 has instance"),
    ],
)
def test_wrong_settings_are_refused_by_name(wrong, named):
    with pytest.raises(SettingsError, match=named):
        build_generator(GeneratorConfig(**wrong))
