"""The CycleGAN authors' generators, stated again from the published layer order: the truth for conversions.

Written apart from echogan/model/networks/reference.py, with the in-place activations of the original and its names of
weights, so that a slip in one of the two shows.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Residual(nn.Module):
    def __init__(self, width: int, norm: type[nn.Module]) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), norm(width), nn.ReLU(True),
            nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), norm(width),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


class Resnet(nn.Module):
    """c7s1-64, d128, d256, R256 x blocks, u128, u64, c7s1-3 (Zhu et al. 2017, appendix 7.2)."""

    def __init__(self, images: int, ngf: int, blocks: int, norm: type[nn.Module] = nn.InstanceNorm2d) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.ReflectionPad2d(3), nn.Conv2d(images, ngf, 7), norm(ngf), nn.ReLU(True),
            nn.Conv2d(ngf, 2 * ngf, 3, stride=2, padding=1), norm(2 * ngf), nn.ReLU(True),
            nn.Conv2d(2 * ngf, 4 * ngf, 3, stride=2, padding=1), norm(4 * ngf), nn.ReLU(True),
            *[Residual(4 * ngf, norm) for _ in range(blocks)],
            nn.ConvTranspose2d(4 * ngf, 2 * ngf, 3, stride=2, padding=1, output_padding=1),
            norm(2 * ngf), nn.ReLU(True),
            nn.ConvTranspose2d(2 * ngf, ngf, 3, stride=2, padding=1, output_padding=1),
            norm(ngf), nn.ReLU(True),
            nn.ReflectionPad2d(3), nn.Conv2d(ngf, images, 7), nn.Tanh(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class Skip(nn.Module):
    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.model(x)], 1)


class Outermost(Skip):
    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class Unet(nn.Module):
    """C64-C128-C256-C512 x 5 and back with skips (Isola et al. 2017, appendix 6.1); `downs` of 8 is U-Net-256."""

    def __init__(self, images: int, ngf: int, downs: int = 8) -> None:
        super().__init__()
        leaky, relu, norm = lambda: nn.LeakyReLU(0.2, True), lambda: nn.ReLU(True), nn.InstanceNorm2d
        c = 8 * ngf
        block = Skip(leaky(), nn.Conv2d(c, c, 4, 2, 1), relu(), nn.ConvTranspose2d(c, c, 4, 2, 1), norm(c))
        for _ in range(downs - 5):
            block = Skip(
                leaky(), nn.Conv2d(c, c, 4, 2, 1), norm(c), block,
                relu(), nn.ConvTranspose2d(2 * c, c, 4, 2, 1), norm(c), nn.Dropout(0.5),
            )  # fmt: skip
        for outer in (4 * ngf, 2 * ngf, ngf):
            inner = 2 * outer
            block = Skip(
                leaky(), nn.Conv2d(outer, inner, 4, 2, 1), norm(inner), block,
                relu(), nn.ConvTranspose2d(2 * inner, outer, 4, 2, 1), norm(outer),
            )  # fmt: skip
        self.model = Outermost(
            nn.Conv2d(images, ngf, 4, 2, 1), block,
            relu(), nn.ConvTranspose2d(2 * ngf, images, 4, 2, 1), nn.Tanh(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


def trained_like(network: nn.Module, seed: int) -> nn.Module:
    """Random weights in every layer, biases too, so that a forgotten one would show; eval mode."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0.0, 0.05, generator=draw)
    return network.eval()
