"""The U-Net discriminator: one output on the whole frame, and one on every pixel."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echogan.model.networks.discriminator_layers import (
    LABELS,
    DiscriminatorNorm,
    DiscriminatorOutput,
    conv_layer,
    frame_head,
    normed,
)


class UNetDiscriminator(nn.Module):
    """Encoder and decoder with skips, behind PixelUnshuffle(2), after Schönfeld et al. (CVPR 2020, section 3.1).

    The encoder's output is on the frame, the decoder's on its pixels. Theirs is a BigGAN discriminator with
    residual blocks; ours has plain convolutions and a narrow decoder, at half size, to be affordable on a CPU.
    Its authors saw it collapse at times: norm "spectral" is the careful choice.
    """

    def __init__(self, filters: int = 48, norm: DiscriminatorNorm = "instance", labels: bool = False) -> None:
        super().__init__()
        c = filters
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), *conv_layer(4, c, norm, kernel=3, first=True))
        self.down = nn.ModuleList(
            nn.Sequential(*conv_layer(width, 2 * width, norm, stride=2)) for width in (c, 2 * c, 4 * c)
        )
        self.overall = frame_head(8 * c, 1, norm)
        self.up = nn.ModuleList(
            nn.Sequential(*conv_layer(below + beside, after, norm, kernel=3))
            for below, beside, after in ((8 * c, 4 * c, 2 * c), (2 * c, 2 * c, c), (c, c, c))
        )
        self.output = normed(nn.Conv2d(c, 4, 3, padding=1), norm)
        self.labels = frame_head(8 * c, len(LABELS), "none") if labels else None

    def forward(self, x: Tensor) -> DiscriminatorOutput:
        """float32 (N, 1, h, w) in [-1, 1], multiples of 16, at least 32, to (N, 1, h, w) scores and (N, 1) overall."""
        skips = [self.stem(x)]
        for layer in self.down:
            skips.append(layer(skips[-1]))
        deepest = features = skips.pop()
        for layer in self.up:
            larger = F.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)
            features = layer(torch.cat([larger, skips.pop()], 1))
        scores = F.pixel_shuffle(self.output(features), 2)
        labels = None if self.labels is None else self.labels(deepest)
        return DiscriminatorOutput(scores, self.overall(deepest), labels)
