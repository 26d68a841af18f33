"""The reference generators: the published numbers, names, and grey frames of any size."""

import pytest
import torch
from published_cyclegan import Resnet, Unet, trained_like
from torch import nn

from echogan.model.networks.generators import GeneratorConfig, build_generator
from echogan.model.networks.reference import GreyFrames, ResnetGenerator, UnetGenerator

torch.set_num_threads(1)


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_sizes_are_those_of_the_layers():
    """11.378 M is what the authors' tool prints for resnet_9blocks; the others counted by hand, with biases."""
    c = 64
    outside = (49 * 3 * c + c) + (9 * c * 2 * c + 2 * c) + (9 * 2 * c * 4 * c + 4 * c)
    outside += (9 * 4 * c * 2 * c + 2 * c) + (9 * 2 * c * c + c) + (49 * c * 3 + 3)
    block = 2 * (9 * (4 * c) ** 2 + 4 * c)
    down = list(zip([3, 64, 128, 256, 512, 512, 512, 512], [64, 128, 256] + 5 * [512], strict=True))
    unet = sum(16 * a * b + b for a, b in down)
    unet += sum(16 * a * (2 * b) + a for a, b in down[:-1]) + (16 * 512 * 512 + 512)
    with torch.device("meta"):
        assert parameters(ResnetGenerator()) == outside + 9 * block
        assert parameters(ResnetGenerator(blocks=6)) == outside + 6 * block
        assert parameters(UnetGenerator()) == unet
    assert round((outside + 9 * block) / 1e6, 3) == 11.378


@pytest.mark.parametrize(
    ("ours", "published"),
    [
        (ResnetGenerator(3, 8, 9), Resnet(3, 8, 9)),
        (ResnetGenerator(1, 8, 6), Resnet(1, 8, 6)),
        (UnetGenerator(3, 8), Unet(3, 8)),
        (UnetGenerator(1, 8), Unet(1, 8)),
    ],
)
def test_names_shapes_and_order_are_the_published_ones(ours, published):
    mine, theirs = ours.state_dict(), published.state_dict()
    assert [(k, v.shape) for k, v in mine.items()] == [(k, v.shape) for k, v in theirs.items()]


@torch.no_grad()
def test_a_unet_computes_what_the_published_one_does_with_its_in_place_activations():
    published = trained_like(Unet(3, 8), 1)
    ours = UnetGenerator(3, 8).eval()
    ours.load_state_dict(published.state_dict())
    x = torch.rand(2, 3, 256, 256) * 2 - 1
    torch.testing.assert_close(ours(x.clone()), published(x.clone()), atol=1e-6, rtol=0)


def test_start_values_are_the_authors():
    torch.manual_seed(0)
    for network in (ResnetGenerator(1, 16, 2), UnetGenerator(1, 8)):
        for name, p in network.named_parameters():
            if name.endswith("bias"):
                assert not p.any()
            elif p.numel() > 10_000:
                assert float(p.detach().std()) == pytest.approx(0.02, rel=0.1)


def test_dropout_is_silent_outside_training():
    network = trained_like(UnetGenerator(1, 4), 0)
    x = torch.rand(1, 1, 256, 256) * 2 - 1
    with torch.no_grad():
        assert torch.equal(network(x), network(x))
        network.train()
        assert not torch.equal(network(x), network(x))
    assert sum(isinstance(m, nn.Dropout) for m in network.modules()) == 3


@pytest.mark.parametrize("kind", ["resnet", "unet256"])
@pytest.mark.parametrize("image_channels", [1, 3])
@pytest.mark.parametrize("size", [(64, 48), (37, 51), (300, 256)])
def test_every_size_comes_back_in_shape_and_range(kind, image_channels, size):
    torch.manual_seed(0)
    generator = build_generator(GeneratorConfig(kind, 4, 6, image_channels=image_channels)).eval()
    with torch.no_grad():
        y = generator(torch.randn(2, 1, *size) * 3)
    assert y.shape == (2, 1, *size)
    assert y.abs().max() <= 1
    assert generator.size_multiple == {"resnet": 4, "unet256": 256}[kind]


def test_a_frame_is_mirrored_up_to_what_the_network_halves():
    class Seen(nn.Module):
        size_multiple = 8

        def forward(self, x):
            self.x = x
            return x

    seen = Seen()
    frame = torch.arange(30.0).view(1, 1, 5, 6)
    y = GreyFrames(seen, 3)(frame)  # type: ignore[arg-type]
    assert torch.equal(y, frame)
    expected = nn.functional.pad(frame, (1, 1, 1, 2), mode="reflect").expand(-1, 3, -1, -1)
    assert torch.equal(seen.x, expected)


@torch.no_grad()
def test_a_fitting_frame_goes_in_three_times_and_the_mean_comes_out():
    generator = build_generator(GeneratorConfig("resnet", 4, 6, image_channels=3)).eval()
    assert isinstance(generator, GreyFrames)
    x = torch.rand(2, 1, 32, 48) * 2 - 1
    direct = generator.network(torch.cat([x, x, x], 1)).mean(1, keepdim=True)
    torch.testing.assert_close(generator(x), direct)


def test_every_weight_of_a_reference_learns():
    for kind in ("resnet", "unet256"):
        generator = build_generator(GeneratorConfig(kind, 4, 1, image_channels=3))
        generator(torch.rand(1, 1, 256, 256)).square().mean().backward()
        assert [n for n, p in generator.named_parameters() if p.grad is None] == []
