"""Held-out clips: how close the enhanced frames come to the clean truth, and preview pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from echogan.core.scale import GREY
from echogan.model.batch import inside
from echogan.model.losses.ssim import ssim_map
from echogan.model.networks.frames import centre, neighbours
from echogan.training.config import TrainingConfig
from echogan.training.data.frame_pool import in_range, to_size
from echogan.training.data.loader import HELD_OUT_SEED
from echogan.training.data.sources import Source

FRAMES_PER_CLIP = 3
PREVIEW_FRAMES = 4
SSIM_WORTH_DB = 20.0


@dataclass(frozen=True)
class HeldOut:
    """Pairs of hearts never trained on: poor and clean frames in [-1, 1], and their mask of 0 and 1, (N, 1, h, w).

    poor_seen and clean_seen are the input of `to_high`, (N, frames, h, w), with the frame itself in the middle.
    """

    poor_seen: Tensor
    clean_seen: Tensor
    mask: Tensor

    @property
    def poor(self) -> Tensor:
        """The poor frames."""
        return centre(self.poor_seen)

    @property
    def clean(self) -> Tensor:
        """Their truth."""
        return centre(self.clean_seen)

    def to(self, device: torch.device) -> HeldOut:
        """The same frames on another device."""
        return HeldOut(self.poor_seen.to(device), self.clean_seen.to(device), self.mask.to(device))


def render_held_out(config: TrainingConfig, source: Source) -> HeldOut:
    """Up to three frames, spread over each of `held_out_clips` clips."""
    poor, clean, masks = [], [], []
    for k in range(config.held_out_clips):
        clip = source(HELD_OUT_SEED + 2 * k, config.frames_per_clip)
        assert clip.truth is not None
        chosen = spread(len(clip.frames), FRAMES_PER_CLIP)
        length, frame_ms = torch.full_like(chosen, len(clip.frames)), torch.full(chosen.shape, clip.frame_ms)
        seen = neighbours(chosen, length, frame_ms, config.generator.frames)
        poor.append(in_range(to_size(clip.frames[seen], config.size)))
        clean.append(in_range(to_size(clip.truth[seen], config.size)))
        masks.append(to_size(clip.mask.bool(), config.size).float().expand(len(chosen), 1, -1, -1))
    return HeldOut(torch.cat(poor), torch.cat(clean), torch.cat(masks))


def spread(length: int, most: int) -> Tensor:
    """At most `most` indices, evenly over range(length)."""
    return torch.linspace(0, length - 1, min(most, length)).round().long()


@torch.no_grad()
def translate(generator: nn.Module, x: Tensor, mask: Tensor) -> Tensor:
    """As the enhancer shows it: clamped to [-1, 1], unchanged outside the mask; a few frames at a time.

    x is (N, frames, h, w), the generator's input; the result is (N, 1, h, w).
    """
    out = [generator(part) for part in x.split(4)]
    return inside(mask, torch.cat(out).clamp(-1, 1), centre(x))


def psnr(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB of each frame inside its mask; the range of [-1, 1] is 2. (N,)"""
    error = ((a - b) ** 2 * mask).sum((1, 2, 3)) / mask.sum((1, 2, 3)).clamp_min(1)
    return 10 * torch.log10(4 / error.clamp_min(1e-10))


def ssim(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """Mean structural similarity inside the masks, a few frames at a time. ()"""
    parts = zip(*(x.split(4) for x in (a, b, mask)), strict=True)
    return torch.cat([ssim_map(x, y, m)[m > 0.5] for x, y, m in parts]).mean()


def evaluate(to_high: nn.Module, held_out: HeldOut) -> dict[str, float]:
    """PSNR (dB) and SSIM of input and output against the truth; mean change of poor and clean frames in grey levels.

    `change_ratio` is clean over poor: near 0 for an enhancer that leaves good clips alone. `score` chooses the best
    checkpoint: the gain in PSNR plus 20 times the gain in SSIM, so that 0.05 of SSIM counts as much as 1 dB.
    """
    better = translate(to_high, held_out.poor_seen, held_out.mask)
    same = translate(to_high, held_out.clean_seen, held_out.mask)
    area = held_out.mask.sum().clamp_min(1)
    poor = float(((better - held_out.poor).abs() * held_out.mask).sum() / area) * GREY
    clean = float(((same - held_out.clean).abs() * held_out.mask).sum() / area) * GREY
    before = float(psnr(held_out.poor, held_out.clean, held_out.mask).mean())
    after = float(psnr(better, held_out.clean, held_out.mask).mean())
    structure = [float(ssim(x, held_out.clean, held_out.mask)) for x in (held_out.poor, better)]
    return {
        "score": after - before + SSIM_WORTH_DB * (structure[1] - structure[0]),
        "ssim_input": structure[0],
        "ssim_output": structure[1],
        "psnr_input": before,
        "psnr_output": after,
        "psnr_gain": after - before,
        "change_poor": poor,
        "change_clean": clean,
        "change_ratio": clean / max(poor, 1e-6),
    }


def preview(to_high: nn.Module, to_low: nn.Module, held_out: HeldOut) -> dict[str, np.ndarray]:
    """A few frames, uint8 (n, h, w): poor, enhanced, cycled, clean, clean_enhanced, clean_degraded."""
    pick = spread(len(held_out.poor), PREVIEW_FRAMES)
    poor, clean, mask = held_out.poor[pick], held_out.clean[pick], held_out.mask[pick]
    enhanced = translate(to_high, held_out.poor_seen[pick], mask)
    frames = {
        "poor": poor,
        "enhanced": enhanced,
        "cycled": translate(to_low, enhanced, mask),
        "clean": clean,
        "clean_enhanced": translate(to_high, held_out.clean_seen[pick], mask),
        "clean_degraded": translate(to_low, clean, mask),
    }
    return {name: ((x[:, 0] + 1) * GREY).round().byte().cpu().numpy() for name, x in frames.items()}
