"""What the discriminators share: their output, their layers and norms, and the head that reads whole frames."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

DiscriminatorNorm = Literal["instance", "group", "spectral", "none"]
LABELS = ("la_enlarged", "ra_enlarged", "lv_enlarged", "rv_enlarged", "lv_hypertrophy")


@dataclass(frozen=True)
class DiscriminatorOutput:
    """What a discriminator says of N frames.

    scores   (N, 1, a, b), one per patch or pixel; high is "real"
    overall  (N, 1), one per frame, or None
    labels   (N, 5) logits of LABELS, or None
    """

    scores: Tensor
    overall: Tensor | None = None
    labels: Tensor | None = None

    def float(self) -> DiscriminatorOutput:
        """The same in float32."""
        parts = (self.scores, self.overall, self.labels)
        scores, overall, labels = (None if part is None else part.float() for part in parts)
        assert scores is not None
        return DiscriminatorOutput(scores, overall, labels)


def normed(layer: nn.Module, norm: DiscriminatorNorm) -> nn.Module:
    """The layer, its weight divided by its largest singular value with norm "spectral".

    Miyato et al., ICLR 2018, section 2.1.
    """
    return spectral_norm(layer) if norm == "spectral" else layer


def conv_layer(
    before: int, after: int, norm: DiscriminatorNorm, kernel: int = 4, stride: int = 1, first: bool = False
) -> list[nn.Module]:
    """Convolution, norm (never on the first layer, which must see brightness), leaky ReLU."""
    conv = nn.Conv2d(before, after, kernel, stride, 1)
    between: list[nn.Module] = []
    if norm == "instance" and not first:
        between = [nn.InstanceNorm2d(after)]
    elif norm == "group" and not first:
        between = [nn.GroupNorm(math.gcd(8, after), after)]
    return [normed(conv, norm), *between, nn.LeakyReLU(0.2)]


def frame_head(channels: int, outputs: int, norm: DiscriminatorNorm) -> nn.Sequential:
    """Features (N, channels, a, b) of whole frames to (N, outputs).

    The mean of instance-normed features is always the same, so a convolution without norm mixes them first.
    """
    return nn.Sequential(
        *conv_layer(channels, channels // 2, norm, kernel=3, first=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        normed(nn.Linear(channels // 2, outputs), norm),
    )
