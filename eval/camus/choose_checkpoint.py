"""Choose among checkpoints, by measures on CAMUS' selection patients, who serve for nothing else.

    python -m eval choose_checkpoint runs/one/checkpoint runs/two/checkpoint

Semi-real stills are the Good stills, degraded three times each. Their metrics are against the clear still, with the
gain in the shipped segmenter's Dice. Real Good and Poor stills: the same Dice, and the change in grey levels. Neither
the frozen segmenter nor test patients are used. Without CAMUS beside the project nothing is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro

from echogan.enhance.enhancer import Enhancer
from echogan.model.checkpoints.segmenter_checkpoint import load_segmenter
from echogan.model.networks.segmenter import Segmenter
from eval.camus.still_scores import dice
from eval.camus.stills import Still, degrade, stills
from eval.command import begin
from eval.measures.baselines import Method, chunks, enhancer_method, open_enhancer
from eval.measures.metrics import mean_change, psnr, ssim, tone_matched_psnr
from eval.measures.segment import segment
from eval.paths import CAMUS

FIRST_SEED, ROUNDS = 43_000_000, 3
METRICS = {"psnr_db": psnr, "tone_matched_psnr_db": tone_matched_psnr, "ssim": ssim}


@dataclass(frozen=True)
class ChooseCheckpointSettings:
    """The checkpoints to compare."""

    checkpoints: tyro.conf.Positional[tuple[str, ...]]
    """folders, or names of bundled ones"""
    data: Path = CAMUS
    """CAMUS' folder"""


def main(settings: ChooseCheckpointSettings) -> None:
    """Print a line for each checkpoint."""
    if not (settings.data / "index.csv").is_file():
        print(f"No CAMUS stills in {settings.data}: there is nothing to choose by.")
        return
    good, poor = (stills(settings.data, "selection", grade) for grade in ("Good", "Poor"))
    degraded = [
        (degrade(still, FIRST_SEED + 100 * turn + k), still) for turn in range(ROUNDS) for k, still in enumerate(good)
    ]  # fmt: skip
    segmenter = load_segmenter().network
    for name in settings.checkpoints:
        found = measure(
            enhancer_method(open_enhancer(name)), degraded, {"good": good, "poor": poor}, segmenter
        )
        print(name, "  ".join(f"{key} {value:+.3f}" for key, value in found.items()), flush=True)


def enhance_still(enhancer: Enhancer, still: Still) -> np.ndarray:
    """The enhanced image of a still, uint8 (h, w)."""
    return next(chunks(enhancer, still.image[None], still.sector)).enhanced[0]


def measure(
    method: Method,
    degraded: Sequence[tuple[Still, Still]],
    real: dict[str, Sequence[Still]],
    segmenter: Segmenter,
) -> dict[str, float]:
    """Mean gains of a method on stills.

    degraded  (poor, clear) stills: gain of each metric against the clear still, and in Dice
    real      stills of each grade: gain in Dice, and mean change in grey levels
    """
    gains: dict[str, list[float]] = {name: [] for name in (*METRICS, "dice")}
    for poor, clear in degraded:
        shown, mask = method(poor.image[None], poor.sector)[0], poor.sector.mask
        for name, metric in METRICS.items():
            gains[name].append(metric(shown, clear.image, mask) - metric(poor.image, clear.image, mask))
        gains["dice"].append(dice_gain(segmenter, poor, shown))
    found = {f"semi-real {name}": float(np.mean(values)) for name, values in gains.items()}
    for grade, images in real.items():
        shown = [method(still.image[None], still.sector)[0] for still in images]
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
    begin(main, ChooseCheckpointSettings)
