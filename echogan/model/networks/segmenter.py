"""The segmenter: a small U-Net that names the chambers in a grey frame, or its walls, shown and hidden ones.

It serves the anatomy loss, the choice of checkpoints and the trust maps. `eval.camus.segmentation` rates with another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from echogan.core.settings import NAME, NAME_WANTED, check_settings, choice, number, text

MULTIPLE = 16
WIDTHS = (1, 3, 6, 10, 14)  # of the five levels, in units of `channels`
GROUP = 4  # channels that share one mean and deviation


class Structure(IntEnum):
    """The classes of a segmentation. 1 to 3 are those of CAMUS, whose convention holds: papillary muscles and
    trabeculae belong to the cavity (Leclerc et al., IEEE TMI 38(9), 2019)."""

    OTHER = 0
    LV = 1
    MYOCARDIUM = 2
    LA = 3
    RV = 4
    RA = 5


class Wall(IntEnum):
    """The classes of a segmenter of walls: of the ventricles, the atria, and the septa."""

    NONE = 0
    SHOWN = 1
    HIDDEN = 2  # a wall lies there, and its signal is lost


CLASSES: dict[str, type[IntEnum]] = {"structures": Structure, "walls": Wall}
"""What a segmenter finds -> the classes of its logits."""


@dataclass(frozen=True)
class SegmenterConfig:
    """How to build the segmenter, and what it is: config.json is this, as JSON, with "kind": "segmenter"."""

    name: str = text("segmenter", "letters, digits, spaces and . _ - only", NAME, NAME_WANTED)
    channels: int = number(8, "width of the first level", 4, 64, GROUP)
    working_size: int = number(128, "longer side at which frames are seen, pixels", 64, 512, GROUP)
    finds: str = choice("structures", "what it finds: keys of CLASSES", *CLASSES)
    trained_on: dict[str, Any] = field(default_factory=dict, metadata={"help": "data it has seen"})
    training: dict[str, Any] = field(default_factory=dict, metadata={"help": "settings of the run"})
    license: str = text("MIT", "of the weights")

    def check(self) -> None:
        """Raise SettingsError, naming the field and its range, unless the network can be built."""
        check_settings(self, "Segmenter")


class Segmenter(nn.Module):
    """U-Net (Ronneberger et al., MICCAI 2015) with group norm (Wu and He, ECCV 2018): a batch of one is fine.

    A frame of any size is seen at `working_size`, so that hearts have the size that they had in training.
    """

    def __init__(self, config: SegmenterConfig) -> None:
        super().__init__()
        config.check()
        self.config = config
        widths = [config.channels * w for w in WIDTHS]
        self.stem = _conv(1, widths[0])
        self.down = nn.ModuleList(
            nn.Sequential(_conv(a, b, stride=2), _conv(b, b)) for a, b in pairwise(widths)
        )
        self.narrow = nn.ModuleList(
            nn.Conv2d(b, a, 1) for a, b in pairwise(widths)
        )  # before going up, where it is cheap
        self.up = nn.ModuleList(_conv(2 * a, a) for a in widths[:-1])
        self.head = nn.Conv2d(widths[0], len(CLASSES[config.finds]), 1)

    def forward(self, x: Tensor) -> Tensor:
        """Grey (N, 1, h, w) in [-1, 1], h and w multiples of 16, to logits (N, k, h, w) over the k classes."""
        size = x.shape[-2:]
        assert not any(side % MULTIPLE for side in size), f"{size}: give multiples of {MULTIPLE}"
        small = self._to_working_size(x)
        bottom, right = (-side % MULTIPLE for side in small.shape[-2:])
        seen = F.pad(small, (0, right, 0, bottom), value=-1.0)
        logits = self.logits(seen)[..., : small.shape[-2], : small.shape[-1]]
        if logits.shape[-2:] == size:
            return logits
        return F.interpolate(logits, size, mode="bilinear", align_corners=False)

    def _to_working_size(self, x: Tensor) -> Tensor:
        longer, wanted = max(x.shape[-2:]), self.config.working_size
        if longer == wanted:
            return x
        size = tuple(max(1, round(side * wanted / longer)) for side in x.shape[-2:])
        if wanted < longer:
            return F.interpolate(x, size, mode="area")
        return F.interpolate(x, size, mode="bilinear", align_corners=False)

    def logits(self, x: Tensor) -> Tensor:
        """As `forward`, of frames that have the working size already."""
        kept = [self.stem(x)]
        for level in self.down:
            kept.append(level(kept[-1]))
        coarse = kept.pop()
        for narrow, up in zip(reversed(self.narrow), reversed(self.up), strict=True):
            finer = F.interpolate(narrow(coarse), scale_factor=2, mode="bilinear", align_corners=False)
            coarse = up(torch.cat([kept.pop(), finer], 1))
        return self.head(coarse)


def _conv(before: int, after: int, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(before, after, 3, stride, 1, bias=False)
    return nn.Sequential(conv, nn.GroupNorm(after // GROUP, after), nn.ReLU(inplace=True))
