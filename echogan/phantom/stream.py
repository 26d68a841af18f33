"""An endless stream of phantom clips in batches, for training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from echogan.phantom.anatomy.heart import View
from echogan.phantom.clip import PhantomClip, PhantomSettings, Want
from echogan.phantom.render import phantom_clip

_WANTS: tuple[Want, ...] = ("clean", "degraded")


@dataclass(frozen=True)
class StreamConfig:
    """Which clips, in which order. Clip k of the stream is the clip of seed + k * stride, whatever the batch size."""

    clips: int = field(default=4, metadata={"help": "clips in a batch", "min": 1, "max": 1024})
    frames: int = field(default=32, metadata={"help": "frames of a clip", "min": 1, "max": 1000})
    seed: int = field(default=0, metadata={"help": "seed of the first clip", "min": 0})
    stride: int = field(default=1, metadata={"help": "distance of seeds: the number of workers", "min": 1})
    view: View | None = field(
        default=None, metadata={"help": "one view only; else the shares of the settings"}
    )
    want: Sequence[Want] = field(default=_WANTS, metadata={"help": "what to render"})
    settings: PhantomSettings = field(default_factory=PhantomSettings)


@dataclass(frozen=True)
class PhantomBatch:
    """Clips stacked: frames (B, T, S, S) as in PhantomClip, None where not asked for; sector_mask (B, S, S).

    All on the stream's device but the truth, one per clip.
    """

    clean: Tensor | None
    degraded: Tensor | None
    labels: Tensor | None
    lesion_mask: Tensor | None
    support: Tensor | None
    sector_mask: Tensor
    truth: list[dict]


def phantom_stream(config: StreamConfig, device: torch.device | str = "cpu") -> Iterator[PhantomBatch]:
    """Yield batches of clips without end, on `device`."""
    c, seed = config, config.seed
    while True:
        seeds = [seed + k * config.stride for k in range(config.clips)]
        yield stack([phantom_clip(each, c.settings, c.frames, device, c.want, c.view) for each in seeds])
        seed += config.clips * config.stride


def stack(clips: Sequence[PhantomClip]) -> PhantomBatch:
    """Clips of one size and length as a batch."""

    def together(name: str) -> Tensor | None:
        parts = [getattr(clip, name) for clip in clips]
        if parts[0] is None:
            return None
        return torch.stack(parts) if len(parts) > 1 else parts[0][None]

    return PhantomBatch(
        clean=together("clean"), degraded=together("degraded"), labels=together("labels"),
        lesion_mask=together("lesion_mask"), support=together("support"),
        sector_mask=torch.stack([clip.sector_mask for clip in clips]), truth=[clip.truth for clip in clips],
    )  # fmt: skip
