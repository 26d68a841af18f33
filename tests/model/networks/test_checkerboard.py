"""No checkerboard: upsampling leaves no lines in the spectrum (Odena et al., Distill 2016)."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from echogan.model.checkpoints.checkpoint import bundled_checkpoints, read_checkpoint
from echogan.model.networks.generators import GeneratorConfig, PyramidGenerator, build_generator

torch.set_num_threads(1)
SIZE, FRAMES, ALLOWED = 128, 24, 1.1
# The innermost features are an eighth of the frame's size: what upsampling repeats, it repeats every 8, 4 or 2 px.
PERIODS = (1 / 8, 1 / 4, 3 / 8, 1 / 2)  # cycles per pixel


def echo_like(seed: int = 0) -> Tensor:
    """Log-compressed Rayleigh speckle of a few pixels over slow changes of brightness: (FRAMES, 1, h, w)."""
    draw = torch.Generator().manual_seed(seed)
    fields = torch.randn(2, FRAMES, 1, SIZE, SIZE, generator=draw)
    kernel = torch.tensor([1.0, 3.0, 4.0, 3.0, 1.0])
    kernel = (kernel[:, None] * kernel)[None, None] / kernel.sum() ** 2
    real, imaginary = (F.conv2d(F.pad(f, (2, 2, 2, 2), "reflect"), kernel) for f in fields)
    slow = F.interpolate(torch.rand(FRAMES, 1, 6, 6, generator=draw), SIZE, mode="bicubic")
    decibels = 20 * torch.log10(torch.hypot(real, imaginary) + 1e-3) + 30 * slow
    fine = 0.02 * torch.randn(decibels.shape, generator=draw)
    return (decibels / 30 + fine).clamp(-1, 1)


def lines(frames: Tensor) -> Tensor:
    """Power at the upsampling frequencies over that nearby, (direction, PERIODS): 1 where nothing stands out.

    Each frequency along the line is held against its own neighbours across, so that strong low frequencies do
    not drown the rest.
    """
    window = torch.hann_window(SIZE, periodic=False).outer(torch.hann_window(SIZE, periodic=False))
    power = torch.fft.fft2((frames[:, 0] - frames.mean()) * window).abs().square().mean(0)
    found = []
    for spectrum in (power, power.T):
        for frequency in PERIODS:
            at = round(frequency * SIZE)
            near = [at + step for step in (-6, -5, -4, -3, 3, 4, 5, 6)]
            around = spectrum[[index % SIZE for index in near]].mean(0)
            found.append((spectrum[at] / around).mean())
    return torch.stack(found).view(2, len(PERIODS))


@torch.no_grad()
def excess(generator: nn.Module, x: Tensor) -> float:
    """The lines of the output over those of the input, at the worst frequency."""
    return float((lines(generator.eval()(x)) / lines(x)).max())


def moved(norm: str, seed: int) -> PyramidGenerator:
    """A pyramid with random weights in every layer; its heads are zero at birth."""
    torch.manual_seed(seed)
    generator = build_generator(GeneratorConfig(channels=16, blocks=2, norm=norm))  # type: ignore[arg-type]
    assert isinstance(generator, PyramidGenerator)
    assert generator.heads.bias is not None
    nn.init.normal_(generator.heads.weight, 0, 0.3)
    nn.init.normal_(generator.heads.bias, 0, 0.3)
    return generator


class Transposed(nn.Module):
    """Halves what it gets and doubles it again by the transposed convolution that draws checkerboards."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels, 3, 2, 1, output_padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.up(F.avg_pool2d(x, 2))


class Planted(nn.Module):
    """A generator whose result is changed a little, a tenth of a transposed convolution of it."""

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator, self.extra = generator, Transposed(1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.generator(x)
        return y + 0.1 * self.extra(y)


@pytest.fixture(scope="module")
def x() -> Tensor:
    return echo_like()


def test_a_texture_without_lines_has_none(x):
    assert (lines(x) - 1).abs().max() < 0.1  # so that a tenth more can be told


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("norm", ["instance", "none"])
def test_the_pyramid_draws_no_checkerboard(x, norm, seed):
    generator = moved(norm, seed)
    with torch.no_grad():
        assert (generator(x) - x).abs().mean() > 0.02
    assert excess(generator, x) <= ALLOWED


@pytest.mark.parametrize("folder", bundled_checkpoints(), ids=lambda folder: folder.name)
def test_the_shipped_generators_draw_no_checkerboard(x, folder):
    checkpoint = read_checkpoint(folder)
    if checkpoint.config.generator.kind != "pyramid":
        pytest.skip("not an image generator of ours")
    for generator in (checkpoint.to_high, checkpoint.to_low):
        with torch.no_grad():
            assert (generator(x) - x).abs().mean() > 0.01
        assert excess(generator, x) <= ALLOWED


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_transposed_convolution_is_found_at_the_end(x, seed):
    assert excess(Planted(moved("instance", seed)), x) > ALLOWED


@pytest.mark.parametrize("place", ["fuse", "refine"])
@pytest.mark.parametrize("seed", range(3))
def test_a_planted_transposed_convolution_is_found_inside(x, place, seed):
    generator = moved("instance", seed)
    width = 16 if place == "fuse" else 8
    setattr(generator, place, nn.Sequential(getattr(generator, place), Transposed(width)))
    assert excess(generator, x) > ALLOWED


def test_the_reference_which_has_two_is_found(x):
    torch.manual_seed(0)
    assert excess(build_generator(GeneratorConfig("resnet", 8, 6)), x) > ALLOWED
