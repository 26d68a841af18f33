"""Which of several checkpoints to keep? Measured on CAMUS' selection patients, who serve for nothing else.

    python -m eval choose_checkpoint runs/one/checkpoint runs/two/checkpoint

Semi-real: the Good stills made poor three times over, against the clear still, and the shipped segmenter's Dice before
and after. Real Good and Poor stills: the same Dice, and how much they are changed. The frozen segmenter of `eval.camus.segmentation` and
the test patients have no part in it. Without CAMUS beside the project it says so and ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from echogan.enhance.enhancer import Enhancer
from echogan.model.checkpoints.segmenter_checkpoint import load_segmenter
from echogan.model.networks.segmenter import Segmenter
from eval.camus.segmentation import dice, segment
from eval.camus.stills import Still, degrade, stills
from eval.command import begin
from eval.measures.baselines import chunks
from eval.measures.metrics import mean_change, psnr, ssim, tone_matched_psnr
from eval.paths import CAMUS
from eval.simulated.image_quality import open_enhancer

FIRST_SEED, ROUNDS = 43_000_000, 3
METRICS = {"psnr_db": psnr, "tone_matched_psnr_db": tone_matched_psnr, "ssim": ssim}
Treatment = Callable[[Still], np.ndarray]
"""A still to its enhanced image, uint8 (h, w)."""


@dataclass(frozen=True)
class Settings:
    """The checkpoints to compare."""

    checkpoints: tyro.conf.Positional[tuple[str, ...]]
    """folders, or names of bundled ones"""
    data: Path = CAMUS
    """CAMUS' folder"""


def main(settings: Settings) -> None:
    """Print a line for each checkpoint."""
    if not (settings.data / "index.csv").is_file():
        print(f"no CAMUS stills in {settings.data}: there is nothing to choose by.")
        return
    good, poor = (stills(settings.data, "selection", grade) for grade in ("Good", "Poor"))
    degraded = [
        (degrade(still, FIRST_SEED + 100 * turn + k), still) for turn in range(ROUNDS) for k, still in enumerate(good)
    ]  # fmt: skip
    segmenter = load_segmenter().network
    for name in settings.checkpoints:
        found = measure(treatment(name), degraded, {"good": good, "poor": poor}, segmenter)
        print(name, "  ".join(f"{key} {value:+.3f}" for key, value in found.items()), flush=True)


def treatment(checkpoint: str) -> Treatment:
    """The whole enhancer with a checkpoint, on stills."""
    enhancer = open_enhancer(checkpoint)
    return lambda still: enhance_still(enhancer, still)


def enhance_still(enhancer: Enhancer, still: Still) -> np.ndarray:
    """A still through the whole enhancer, uint8 (h, w)."""
    return next(chunks(enhancer, still.image[None], still.sector)).enhanced[0]


def measure(
    treat: Treatment,
    degraded: Sequence[tuple[Still, Still]],
    real: dict[str, Sequence[Still]],
    segmenter: Segmenter,
) -> dict[str, float]:
    """Mean gains on (poor, clear) stills, and on real ones the mean gain in Dice and change in grey levels."""
    gains: dict[str, list[float]] = {name: [] for name in (*METRICS, "dice")}
    for poor, clear in degraded:
        shown, mask = treat(poor), poor.sector.mask
        for name, metric in METRICS.items():
            gains[name].append(metric(shown, clear.image, mask) - metric(poor.image, clear.image, mask))
        gains["dice"].append(dice_gain(segmenter, poor, shown))
    found = {f"semi-real {name}": float(np.mean(values)) for name, values in gains.items()}
    for grade, images in real.items():
        shown = [treat(still) for still in images]
        pairs = list(zip(images, shown, strict=True))
        found[f"{grade} dice"] = float(np.mean([dice_gain(segmenter, *pair) for pair in pairs]))
        found[f"{grade} change"] = float(np.mean([mean_change(x, s.image, s.sector.mask) for s, x in pairs]))
    return found


def dice_gain(segmenter: Segmenter, still: Still, shown: np.ndarray) -> float:
    """The segmenter's mean Dice on the image shown, less that on the still."""
    before, after = (
        np.nanmean(dice(segment(segmenter, image), still.labels)) for image in (still.image, shown)
    )
    return float(after - before)


if __name__ == "__main__":
    begin(main, Settings)
