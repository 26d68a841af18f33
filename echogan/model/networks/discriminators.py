"""Discriminators: which frames, patches or pixels look like their domain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor, nn

from echogan.core.settings import check_settings
from echogan.model.networks.discriminator_layers import (
    LABELS,
    DiscriminatorNorm,
    DiscriminatorOutput,
    conv_layer,
    frame_head,
    normed,
)
from echogan.model.networks.unet_discriminator import UNetDiscriminator

__all__ = [
    "LABELS",
    "DiscriminatorConfig",
    "DiscriminatorKind",
    "DiscriminatorOutput",
    "PatchDiscriminator",
    "build_discriminator",
]

DiscriminatorKind = Literal["patch", "patch70", "unet"]


@dataclass(frozen=True)
class DiscriminatorConfig:
    """How to build a discriminator."""

    filters: int = field(default=48, metadata={"help": "width of the first layer", "min": 4, "max": 256})
    norm: DiscriminatorNorm = field(
        default="instance",
        metadata={
            "help": "instance, group, spectral or none",
            "choices": ("instance", "group", "spectral", "none"),
        },
    )
    kind: DiscriminatorKind = field(
        default="patch",
        metadata={
            "help": "patch (half size, fast), patch70 (the 70 x 70 PatchGAN) or unet (frame and pixels)",
            "choices": ("patch", "patch70", "unet"),
        },
    )

    def check(self) -> None:
        """Raise SettingsError, naming the field and its range, unless every value can be built."""
        check_settings(self, "Discriminator")


def build_discriminator(config: DiscriminatorConfig | None = None, labels: bool = False) -> nn.Module:
    """A module mapping float32 (N, 1, h, w) in [-1, 1] to a DiscriminatorOutput; with `labels`, with a head for LABELS.

    Height and width are multiples of 16, at least 64. Raises SettingsError.
    """
    config = config or DiscriminatorConfig()
    config.check()
    if config.kind == "unet":
        return UNetDiscriminator(config.filters, config.norm, labels)
    return PatchDiscriminator(config, labels)


class PatchDiscriminator(nn.Module):
    """A 70 x 70 PatchGAN (Isola et al., CVPR 2017, appendix 6.1.2): C64-C128-C256-C512 for 64 filters.

    Kind "patch" stands it behind a PixelUnshuffle(2) stem, which folds 2 x 2 pixels into four channels: nothing is
    lost, the cost falls to a quarter, and each output sees about 140 x 140 px. Whole frames with instance norm
    told poor from good frames best. Kind "patch70" is theirs as it was.
    """

    def __init__(self, config: DiscriminatorConfig | None = None, labels: bool = False) -> None:
        super().__init__()
        config = config or DiscriminatorConfig()
        c, norm = config.filters, config.norm
        folded = config.kind == "patch"
        layers: list[nn.Module] = [nn.PixelUnshuffle(2)] if folded else []
        layers += conv_layer(4 if folded else 1, c, norm, stride=2, first=True)
        layers += [*conv_layer(c, 2 * c, norm, stride=2), *conv_layer(2 * c, 4 * c, norm, stride=2)]
        layers += conv_layer(4 * c, 8 * c, norm)
        self.body = nn.Sequential(*layers, normed(nn.Conv2d(8 * c, 1, 4, 1, 1), norm))
        self.labels = frame_head(8 * c, len(LABELS), "none") if labels else None

    def forward(self, x: Tensor) -> DiscriminatorOutput:
        """float32 (N, 1, h, w) in [-1, 1] to a score per patch: (N, 1, h/16 - 2, w/16 - 2), patch70 h/8 - 2."""
        *layers, output = self.body
        for layer in layers:
            x = layer(x)
        return DiscriminatorOutput(output(x), labels=None if self.labels is None else self.labels(x))
