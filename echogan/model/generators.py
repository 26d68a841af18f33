"""Generators: one grey echo frame in, the same frame in the other domain out."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echogan.errors import SettingsError

GeneratorKind = Literal["pyramid", "resnet"]
GeneratorNorm = Literal["instance", "none"]
SIZE_MULTIPLE = 16


@dataclass(frozen=True)
class GeneratorConfig:
    """How to build a generator; part of a checkpoint's config.json."""

    kind: GeneratorKind = field(
        default="pyramid",
        metadata={"help": "pyramid (ours) or resnet (CycleGAN's)", "choices": ("pyramid", "resnet")},
    )
    channels: int = field(default=32, metadata={"help": "width of the first layer", "min": 4, "max": 256})
    blocks: int = field(default=6, metadata={"help": "residual blocks", "min": 1, "max": 32})
    norm: GeneratorNorm = field(
        default="instance",
        metadata={"help": "instance (statistics of the frame) or none", "choices": ("instance", "none")},
    )

    def check(self) -> None:
        """Raise SettingsError, naming the field and its range, unless every value can be built."""
        for f in fields(self):
            value, rules = getattr(self, f.name), f.metadata
            if "choices" in rules:
                if value not in rules["choices"]:
                    choices = ", ".join(rules["choices"])
                    raise SettingsError(f"Generator {f.name} is {value!r}; choose one of {choices}.")
            elif type(value) is not int or not rules["min"] <= value <= rules["max"]:
                span = f"from {rules['min']} to {rules['max']}"
                raise SettingsError(f"Generator {f.name} is {value!r}; give an integer {span}.")


def build_generator(config: GeneratorConfig) -> nn.Module:
    """A module mapping float32 (N, 1, h, w) in [-1, 1] to the same shape; h and w multiples of 16.

    The pyramid's result may pass [-1, 1] a little; whoever shows it clamps. Raises SettingsError.
    """
    config.check()
    build = PyramidGenerator if config.kind == "pyramid" else ResnetGenerator
    return build(config.channels, config.blocks, config.norm)


def upsample(x: Tensor) -> Tensor:
    """Twice the height and width, bilinear."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def _norm(kind: GeneratorNorm, channels: int) -> nn.Module:
    return nn.InstanceNorm2d(channels, affine=True) if kind == "instance" else nn.Identity()


def _conv(before: int, after: int, norm: GeneratorNorm, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(before, after, 3, stride, 1, padding_mode="reflect")
    return nn.Sequential(conv, _norm(norm, after), nn.ReLU())


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions with reflect padding, added to their input (He et al., CVPR 2016)."""

    def __init__(self, channels: int, norm: GeneratorNorm) -> None:
        super().__init__()
        last = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect")
        self.body = nn.Sequential(*_conv(channels, channels, norm), last, _norm(norm, channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class PyramidGenerator(nn.Module):
    """Translate the coarse image, and only weaken or strengthen the fine detail that is already there.

    After the Laplacian pyramid translation network (Liang et al., CVPR 2021): x = up(low) + detail; the core
    network sees `low` at half size and gives a residual f and a detail gate in (0, 2):

        y = up(low + f) + up(gate) * (x - up(low))

    so no texture finer than `low` can be painted, and the convolutions cost a quarter. Both heads start at
    zero: an untrained generator is the identity, bit for bit. Upsampling is bilinear, never a transposed
    convolution, which draws checkerboards (Odena et al., Distill 2016).
    """

    def __init__(self, channels: int = 32, blocks: int = 6, norm: GeneratorNorm = "instance") -> None:
        super().__init__()
        c = channels
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), *_conv(4, c, norm))
        self.down = _conv(c, 2 * c, norm, stride=2)
        self.blocks = nn.Sequential(*(ResidualBlock(2 * c, norm) for _ in range(blocks)))
        self.fuse = _conv(3 * c, c, norm)
        self.refine = _conv(c, c // 2, "none")
        self.heads = nn.Conv2d(c // 2, 2, 3, padding=1, padding_mode="reflect")
        nn.init.zeros_(self.heads.weight)
        assert self.heads.bias is not None
        nn.init.zeros_(self.heads.bias)

    def forward(self, x: Tensor) -> Tensor:
        """float32 (N, 1, h, w) in [-1, 1], h and w multiples of 16, to the same shape, not clamped."""
        low = F.avg_pool2d(x, 2)
        skip = self.stem(low)
        core = upsample(self.blocks(self.down(skip)))
        core = self.refine(upsample(self.fuse(torch.cat([skip, core], 1))))
        residual, logit = self.heads(core).chunk(2, dim=1)
        # gate - 1 = 2 sigmoid(z) - 1 = tanh(z / 2): as a change of x, so zero heads give x exactly.
        return x + upsample(residual) + upsample(torch.tanh(logit / 2)) * (x - upsample(low))


class ResnetGenerator(nn.Module):
    """CycleGAN's reference (Zhu et al., ICCV 2017, appendix 7.2) for one channel: the measure of speed."""

    def __init__(self, channels: int = 64, blocks: int = 9, norm: GeneratorNorm = "instance") -> None:
        super().__init__()
        c = channels
        first = nn.Conv2d(1, c, 7, padding=3, padding_mode="reflect")
        layers: list[nn.Module] = [first, _norm(norm, c), nn.ReLU()]
        for width in (c, 2 * c):
            layers += [nn.Conv2d(width, 2 * width, 3, 2, 1), _norm(norm, 2 * width), nn.ReLU()]
        layers += [ResidualBlock(4 * c, norm) for _ in range(blocks)]
        for width in (4 * c, 2 * c):
            up = nn.ConvTranspose2d(width, width // 2, 3, 2, 1, output_padding=1)
            layers += [up, _norm(norm, width // 2), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.Conv2d(c, 1, 7, padding=3, padding_mode="reflect"), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        """float32 (N, 1, h, w) in [-1, 1], h and w multiples of 16, to the same shape and range."""
        return self.body(x)
