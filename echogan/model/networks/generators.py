"""Generators: a grey echo frame in, alone or with its neighbours in time, the same frame in the other domain out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echogan.core.errors import SettingsError
from echogan.core.settings import check_settings
from echogan.model.networks.frames import OFFSETS_MS, centre
from echogan.model.networks.reference import GreyFrames, ResnetGenerator, UnetGenerator

GeneratorKind = Literal["pyramid", "resnet", "unet256"]
GeneratorNorm = Literal["instance", "none"]
SIZE_MULTIPLE = 16


@dataclass(frozen=True)
class GeneratorConfig:
    """How to build a generator; part of a checkpoint's config.json."""

    kind: GeneratorKind = field(
        default="pyramid",
        metadata={
            "help": "pyramid (ours), or the CycleGAN authors' resnet or unet256",
            "choices": ("pyramid", "resnet", "unet256"),
        },
    )
    channels: int = field(
        default=32, metadata={"help": "width of the first layer; the authors' is 64", "min": 4, "max": 256}
    )
    blocks: int = field(
        default=6,
        metadata={"help": "residual blocks; the authors' resnet has 9, unet256 none", "min": 1, "max": 32},
    )
    norm: GeneratorNorm = field(
        default="instance",
        metadata={
            "help": "instance (statistics of the frame) or, in the pyramid only, none",
            "choices": ("instance", "none"),
        },
    )
    image_channels: Literal[1, 3] = field(
        default=1,
        metadata={
            "help": "1 (grey), or 3 for resnet and unet256: the frame goes in three times, the mean comes out",
            "choices": (1, 3),
            "optional": True,  # checkpoints from before this field are grey
        },
    )
    frames: Literal[1, 3, 5] = field(
        default=1,
        metadata={
            "help": "frames that a pyramid sees at once to enhance the middle one; it degrades from one alone",
            "choices": tuple(OFFSETS_MS),
            "optional": True,  # checkpoints from before this field see one
        },
    )

    @property
    def exact(self) -> bool:
        """Whether weights are kept in float32, as the authors' tool does, and not in float16."""
        return self.kind != "pyramid"

    def check(self) -> None:
        """Raise SettingsError, naming the field and its range, unless every value can be built."""
        check_settings(self, "Generator")
        if self.kind == "pyramid" and self.image_channels != 1:
            raise SettingsError("Generator image_channels is 3; a pyramid has 1.")
        if self.kind != "pyramid" and self.frames != 1:
            raise SettingsError(f"Generator frames is {self.frames}; {self.kind} sees 1.")
        if self.kind != "pyramid" and self.norm != "instance":
            raise SettingsError(f"Generator norm is {self.norm!r}; {self.kind} has instance.")


SMALL = {"channels": 16, "blocks": 3}
"""The pyramid's small size; the usual one is GeneratorConfig's own."""


def build_generator(config: GeneratorConfig) -> nn.Module:
    """A module mapping float32 (N, frames, h, w) in [-1, 1] to (N, 1, h, w), the middle frame translated.

    h and w are multiples of the module's `size_multiple`; where they are not, resnet and unet256 mirror the
    frame up to one. The pyramid's result may pass [-1, 1] a little; whoever shows it clamps.
    Raises SettingsError.
    """
    config.check()
    if config.kind == "pyramid":
        return PyramidGenerator(config.channels, config.blocks, config.norm, config.frames)
    if config.kind == "resnet":
        network = ResnetGenerator(config.image_channels, config.channels, config.blocks)
    else:
        network = UnetGenerator(config.image_channels, config.channels)
    return GreyFrames(network, config.image_channels)


def build_generators(config: GeneratorConfig) -> tuple[nn.Module, nn.Module]:
    """The one that enhances, and the one that degrades, which sees one frame alone. Raises SettingsError."""
    return build_generator(config), build_generator(replace(config, frames=1))


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

    With `frames` above 1 the first convolution sees the neighbours' half-size frames too (see model/frames.py); x
    is the middle one.
    """

    size_multiple = SIZE_MULTIPLE

    def __init__(
        self, channels: int = 32, blocks: int = 6, norm: GeneratorNorm = "instance", frames: int = 1
    ) -> None:
        super().__init__()
        c = channels
        self.frames = frames
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), *_conv(4 * frames, c, norm))
        self.down = _conv(c, 2 * c, norm, stride=2)
        self.blocks = nn.Sequential(*(ResidualBlock(2 * c, norm) for _ in range(blocks)))
        self.fuse = _conv(3 * c, c, norm)
        self.refine = _conv(c, c // 2, "none")
        self.heads = nn.Conv2d(c // 2, 2, 3, padding=1, padding_mode="reflect")
        nn.init.zeros_(self.heads.weight)
        assert self.heads.bias is not None
        nn.init.zeros_(self.heads.bias)

    def forward(self, x: Tensor) -> Tensor:
        """float32 (N, frames, h, w) in [-1, 1], h and w multiples of 16, to (N, 1, h, w), not clamped.

        One frame alone, (N, 1, h, w), is a still: it is its own neighbour.
        """
        seen = F.avg_pool2d(x, 2)
        skip = self.stem(seen.expand(-1, self.frames, -1, -1))
        x, low = centre(x), centre(seen)
        core = upsample(self.blocks(self.down(skip)))
        core = self.refine(upsample(self.fuse(torch.cat([skip, core], 1))))
        residual, logit = self.heads(core).chunk(2, dim=1)
        # gate - 1 = 2 sigmoid(z) - 1 = tanh(z / 2): as a change of x, so zero heads give x exactly.
        return x + upsample(residual) + upsample(torch.tanh(logit / 2)) * (x - upsample(low))
