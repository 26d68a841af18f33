"""The CycleGAN authors' generators, layer for layer, so that weights trained with their tool fit.

The names of the weights (`model.1.weight`, `model.model.1.model.2.weight`) follow the nesting of
pytorch-CycleGAN-and-pix2pix. Instance norm is without affine parameters and running statistics; every
convolution has a bias. Weights start as theirs do: N(0, 0.02), biases 0.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ResnetGenerator(nn.Module):
    """CycleGAN's ResNet with 6 or 9 blocks (Zhu et al., ICCV 2017, appendix 7.2), after Johnson et al. 2016.

    float32 (N, image_channels, h, w) in [-1, 1], h and w multiples of 4, to the same shape and range.
    """

    size_multiple = 4

    def __init__(self, image_channels: int = 3, width: int = 64, blocks: int = 9) -> None:
        super().__init__()
        c = width
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(image_channels, c, 7), *_norm_relu(c)]
        for before in (c, 2 * c):
            layers += [nn.Conv2d(before, 2 * before, 3, 2, 1), *_norm_relu(2 * before)]
        layers += [_ResnetBlock(4 * c) for _ in range(blocks)]
        for before in (4 * c, 2 * c):
            up = nn.ConvTranspose2d(before, before // 2, 3, 2, 1, output_padding=1)
            layers += [up, *_norm_relu(before // 2)]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(c, image_channels, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)
        self.apply(_start)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class UnetGenerator(nn.Module):
    """The authors' U-Net-256 (Isola et al., CVPR 2017, appendix 6.1): 8 halvings, a skip at each but the last.

    float32 (N, image_channels, h, w) in [-1, 1], h and w multiples of 256, to the same shape and range.
    Dropout on the three widest inner levels, in training only.
    """

    size_multiple = 256

    def __init__(self, image_channels: int = 3, width: int = 64) -> None:
        super().__init__()
        c = width
        level = _UnetLevel(8 * c, 8 * c, None)
        for _ in range(3):
            level = _UnetLevel(8 * c, 8 * c, level, dropout=True)
        for outer in (4 * c, 2 * c, c):
            level = _UnetLevel(outer, 2 * outer, level)
        self.model = _UnetLevel(image_channels, c, level, outermost=True)
        self.apply(_start)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class GreyFrames(nn.Module):
    """A reference generator on grey frames: float32 (N, 1, h, w) in [-1, 1] to the same shape and range.

    A network of 3 channels gets the frame three times, and the mean of its channels is the result. Sides that
    are no multiple of what the network can halve are mirrored up to one and cropped back; the margin then
    counts in the network's instance norms, so a frame that fits as it is gives the truest result.
    """

    def __init__(self, network: ResnetGenerator | UnetGenerator, image_channels: int) -> None:
        super().__init__()
        self.network = network
        self.image_channels = image_channels
        self.size_multiple = network.size_multiple

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        rows, top = _mirrored(height, self.size_multiple, x.device)
        columns, left = _mirrored(width, self.size_multiple, x.device)
        if len(rows) > height or len(columns) > width:
            x = x[..., rows[:, None], columns]
        y = self.network(x.expand(-1, self.image_channels, -1, -1)).mean(1, keepdim=True)
        return y[..., top : top + height, left : left + width]


class _ResnetBlock(nn.Module):
    """Two 3 x 3 convolutions with reflection padding, added to their input; nothing after the sum."""

    def __init__(self, width: int) -> None:
        super().__init__()
        first = [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), *_norm_relu(width)]
        second = [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), nn.InstanceNorm2d(width)]
        self.conv_block = nn.Sequential(*first, *second)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


class _UnetLevel(nn.Module):
    """One halving, the levels inside it (None for the innermost), one doubling; the result joins its input."""

    def __init__(
        self,
        outer: int,
        inner: int,
        inside: _UnetLevel | None,
        dropout: bool = False,
        outermost: bool = False,
    ) -> None:
        super().__init__()
        self.outermost = outermost
        # No norm on the first level, which must see brightness, nor on the innermost, which is one pixel.
        layers: list[nn.Module] = [] if outermost else [nn.LeakyReLU(0.2)]
        layers.append(nn.Conv2d(outer, inner, 4, 2, 1))
        if inside is not None:
            layers += [inside] if outermost else [nn.InstanceNorm2d(inner), inside]
        from_inside = inner if inside is None else 2 * inner
        layers += [nn.ReLU(), nn.ConvTranspose2d(from_inside, outer, 4, 2, 1)]
        layers.append(nn.Tanh() if outermost else nn.InstanceNorm2d(outer))
        if dropout:
            layers.append(nn.Dropout(0.5))
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        # The authors' in-place leaky ReLU reaches the skip too; the ReLU that follows makes both the same.
        return self.model(x) if self.outermost else torch.cat([x, self.model(x)], 1)


def _norm_relu(width: int) -> list[nn.Module]:
    return [nn.InstanceNorm2d(width), nn.ReLU()]


def _start(module: nn.Module) -> None:
    # On the meta device there is nothing to fill, and filling it costs seconds.
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d) and not module.weight.is_meta:
        nn.init.normal_(module.weight, 0.0, 0.02)
        assert module.bias is not None
        nn.init.zeros_(module.bias)


def _mirrored(side: int, multiple: int, device: torch.device) -> tuple[Tensor, int]:
    """Indices that mirror a side up to a multiple, as often as it takes, and how many come before it."""
    padded = -(-side // multiple) * multiple
    before = (padded - side) // 2
    period = max(1, 2 * (side - 1))
    index = (torch.arange(padded, device=device) - before) % period
    return torch.minimum(index, period - index), before
