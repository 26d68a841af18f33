"""The measures of an ablation run at 128 pixels: PSNR, SSIM and gCNR gains, flicker, change and Dice on stills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.model.checkpoints.hub import load_checkpoint
from echogan.model.checkpoints.segmenter_checkpoint import load_segmenter
from echogan.model.networks.segmenter import Segmenter
from echogan.phantom.clip import PhantomClip
from echogan.phantom.render import phantom_clip, phantom_pair
from echogan.training.data.frame_pool import to_size
from eval.camus.choose_checkpoint import dice_gain, enhance_still
from eval.camus.stills import Still, degrade, stills
from eval.measures.metrics import gcnr, mean_change, ssim, tone_matched_psnr
from eval.paths import CAMUS
from eval.simulated.clip_quality import cavity_and_wall
from eval.simulated.phantom_clips import array, enhance
from eval.simulated.stability import flicker, flow

SIZE = 128
HELD_OUT_CLIPS = 60
FLICKER_CLIPS, FLICKER_FRAMES = 10, 6
FIRST_SEED = 1_460_000_000  # hearts to choose by, which no reported result uses
SEMI_REAL_SEED = 42_000_000


@dataclass(frozen=True)
class AblationMeasures:
    """The held-out data of the measures. A call with the folder of a checkpoint measures it.

    pairs      a poor clip with its clear truth, and an ordinary clip of the same heart
    moving     poor clips of several frames, for flicker
    semi_real  (poor, clear) stills, of selection patients only
    """

    pairs: Sequence[tuple[PhantomClip, PhantomClip]]
    moving: Sequence[PhantomClip]
    semi_real: Sequence[tuple[Still, Still]]
    segmenter: Segmenter
    segmenter_sha256: str = ""
    NAMES: ClassVar = ("tone_matched_psnr_gain", "ssim_gain", "gcnr_gain", "flicker", "change_poor", "change_ordinary",
                       "semi_real_psnr_gain", "semi_real_ssim_gain", "semi_real_dice_gain")  # fmt: skip

    def __call__(self, folder: Path) -> dict[str, list[float]]:
        """The values of each measure, one for each clip or still (see `groups`)."""
        enhancer = Enhancer(load_checkpoint(str(folder)), EnhanceSettings(working_size=SIZE, backend="torch"))
        by_pair = [_pair(enhancer, *clips) for clips in self.pairs]
        found = {name: [one[name] for one in by_pair] for name in by_pair[0]}
        found["flicker"] = [_flicker(enhancer, clip) for clip in self.moving]
        by_still = [self._still(enhancer, poor, clear) for poor, clear in self.semi_real]
        return found | {name: [one[name] for one in by_still] for name in (by_still[0] if by_still else ())}

    def _still(self, enhancer: Enhancer, poor: Still, clear: Still) -> dict[str, float]:
        shown, mask = enhance_still(enhancer, poor), poor.sector.mask
        return {
            "semi_real_psnr_gain": _gain(tone_matched_psnr, poor.image, shown, clear.image, mask),
            "semi_real_ssim_gain": _gain(ssim, poor.image, shown, clear.image, mask),
            "semi_real_dice_gain": dice_gain(self.segmenter, poor, shown),
        }

    def groups(self, name: str) -> list[str] | None:
        """The patient of each value of a measure on stills; None for a measure on clips."""
        return [poor.patient for poor, _ in self.semi_real] if name.startswith("semi_real") else None

    def facts(self) -> dict[str, Any]:
        """The data of the measures, as JSON."""
        return {
            "clips": len(self.pairs),
            "flicker_clips": len(self.moving),
            "flicker_frames": FLICKER_FRAMES,
            "first_seed": FIRST_SEED,
            "semi_real_seed": SEMI_REAL_SEED,
            "stills": len(self.semi_real),
            "patients": len(set(self.groups("semi_real") or ())),
            "segmenter": {"sha256": self.segmenter_sha256},
        }


def open_measures(
    clips: int = HELD_OUT_CLIPS, moving: int = FLICKER_CLIPS, data: Path = CAMUS
) -> AblationMeasures:
    """Render the held-out clips. The stills of selection patients are used if CAMUS is there."""
    pairs = [
        (shrunk(phantom_pair(seed, frames=1)), shrunk(phantom_clip(seed, frames=1, want=("clean",))))
        for seed in range(FIRST_SEED, FIRST_SEED + clips)
    ]
    frames = [
        shrunk(phantom_clip(FIRST_SEED + k, frames=FLICKER_FRAMES, want=("degraded",))) for k in range(moving)
    ]
    good = stills(data, "selection", "Good") if (data / "index.csv").is_file() else []
    semi_real = [(degrade(still, SEMI_REAL_SEED + k), still) for k, still in enumerate(good)]
    segmenter = load_segmenter()
    return AblationMeasures(pairs, frames, semi_real, segmenter.network, segmenter.sha256)


def shrunk(clip: PhantomClip) -> PhantomClip:
    """A clip at the size of the runs, by area averages as in training; rendering at that size would be grainier."""
    step = clip.sector_mask.shape[-1] // SIZE
    x, y, left, right, *radii = clip.fan

    def small(frames: Tensor | None) -> Tensor | None:
        return None if frames is None else to_size(frames, SIZE)

    return replace(
        clip, clean=small(clip.clean), degraded=small(clip.degraded), support=None, lesion_mask=None,
        labels=None if clip.labels is None else clip.labels[:, ::step, ::step],
        sector_mask=to_size(clip.sector_mask, SIZE),
        fan=((x + 0.5) / step - 0.5, (y + 0.5) / step - 0.5, left, right, *(r / step for r in radii)),
    )  # fmt: skip


def _pair(enhancer: Enhancer, clip: PhantomClip, ordinary: PhantomClip) -> dict[str, float]:
    poor, clear, mask = array(clip.degraded), array(clip.clean), clip.sector_mask.numpy()
    cavity, wall = (region & mask for region in cavity_and_wall(array(clip.labels)[0]))
    shown = enhance(enhancer, poor, clip)
    own = array(ordinary.clean)
    return {
        "tone_matched_psnr_gain": _gain(tone_matched_psnr, poor[0], shown[0], clear[0], mask),
        "ssim_gain": _gain(ssim, poor[0], shown[0], clear[0], mask),
        "gcnr_gain": gcnr(shown[0], cavity, wall) - gcnr(poor[0], cavity, wall),
        "change_poor": mean_change(shown, poor, mask),
        "change_ordinary": mean_change(enhance(enhancer, own, ordinary), own, ordinary.sector_mask.numpy()),
    }


def _gain(metric: Any, before: np.ndarray, after: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    return metric(after, truth, mask) - metric(before, truth, mask)


def _flicker(enhancer: Enhancer, clip: PhantomClip) -> float:
    frames, mask = array(clip.degraded), clip.sector_mask.numpy()
    flows = flow(frames)
    return flicker(enhance(enhancer, frames, clip), flows, mask) / flicker(frames, flows, mask)
