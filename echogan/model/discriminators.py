"""The PatchGAN discriminator ("judge"): which patches of a frame look like its domain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

JudgeNorm = Literal["instance", "spectral", "none"]


@dataclass(frozen=True)
class DiscriminatorConfig:
    """How to build a discriminator."""

    filters: int = field(default=48, metadata={"help": "width of the first layer", "min": 4, "max": 256})
    norm: JudgeNorm = field(
        default="instance",
        metadata={"help": "instance, spectral or none", "choices": ("instance", "spectral", "none")},
    )


class PatchDiscriminator(nn.Module):
    """A 70 x 70 PatchGAN (Isola et al., CVPR 2017) behind a PixelUnshuffle(2) stem.

    The stem folds 2 x 2 pixels into four channels: nothing is lost, the cost falls to a quarter, and each
    verdict sees about 140 x 140 px. Whole frames with instance norm told poor from good frames best.
    """

    def __init__(self, config: DiscriminatorConfig | None = None) -> None:
        super().__init__()
        config = config or DiscriminatorConfig()
        c = config.filters
        layers: list[nn.Module] = [nn.PixelUnshuffle(2), *_layer(4, c, 2, config.norm, first=True)]
        layers += [*_layer(c, 2 * c, 2, config.norm), *_layer(2 * c, 4 * c, 2, config.norm)]
        layers += _layer(4 * c, 8 * c, 1, config.norm)
        verdict = nn.Conv2d(8 * c, 1, 4, 1, 1)
        layers.append(spectral_norm(verdict) if config.norm == "spectral" else verdict)
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """float32 (N, 1, h, w) in [-1, 1] to a score per patch (N, 1, h/16 - 2, w/16 - 2); 1 is "real"."""
        return self.body(x)


def _layer(before: int, after: int, stride: int, norm: JudgeNorm, first: bool = False) -> list[nn.Module]:
    """Convolution, norm (never on the first layer, which must see brightness), leaky ReLU."""
    conv = nn.Conv2d(before, after, 4, stride, 1)
    if norm == "spectral":
        return [spectral_norm(conv), nn.LeakyReLU(0.2)]
    normed = [nn.InstanceNorm2d(after)] if norm == "instance" and not first else []
    return [conv, *normed, nn.LeakyReLU(0.2)]
