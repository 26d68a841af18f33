"""Calibrate the confidence of find_sector: the IoU that most fans of its score have, on simulated hard fans.

    python -m eval fan_calibration [--clips 200]

The seeds differ from those that the network was trained on and from those of the evaluation (`eval.fans.fans`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import isotonic_regression

from echogan.clips.clip import Clip
from echogan.clips.sector.find_sector import find_sector
from echogan.clips.sector.not_b_mode import NotBMode
from echogan.clips.sector.sector_confidence import CALIBRATION, calibration
from eval.command import begin
from eval.fans.fans import iou
from eval.fans.hard_fans import hard_fan

FIRST_SEED = 2_150_000_000
WORST = 0.2  # share of the fans whose IoU may be less than the confidence: better asked than misled
SIZES = (200, 480)  # longer side of a frame in pixels: as hard as larger ones, and faster to render


@dataclass(frozen=True)
class FanCalibrationSettings:
    """How many fans are rendered, and where the calibration goes."""

    clips: int = field(default=200, metadata={"help": "number of simulated hard fans"})
    first_seed: int = field(default=FIRST_SEED, metadata={"help": "seed of the first fan"})
    knots: int = field(default=8, metadata={"help": "points of the curve from score to IoU"})
    out: Path = field(default=CALIBRATION, metadata={"help": "JSON to write"})


def main(settings: FanCalibrationSettings) -> None:
    """Find the fans, fit the calibration curve, write it."""
    cv2.setNumThreads(1)
    pairs = []
    for seed in range(settings.first_seed, settings.first_seed + settings.clips):
        hard = hard_fan(seed, SIZES)
        try:
            sector = find_sector(Clip(hard.frames))
        except NotBMode as refusal:  # a mistake, of which no confidence tells
            print(f"seed {seed} was refused: {refusal}")
            continue
        if sector.kind == "fan":
            pairs.append((score_of(sector.confidence), iou(sector.mask, hard.truth)))
    scores, overlaps = curve(np.array(pairs), settings.knots)
    print(json.dumps({"scores": scores, "overlaps": overlaps}))
    known = {"scores": scores, "overlaps": overlaps, "clips": len(pairs), "first_seed": settings.first_seed}
    settings.out.write_text(json.dumps(known) + "\n")


def score_of(confidence: float) -> float:
    """The score of a confidence, by the inverse of the present curve, which is strictly increasing."""
    scores, overlaps = calibration()
    return float(np.interp(confidence, overlaps, scores))


def curve(pairs: np.ndarray, knots: int) -> tuple[list[float], list[float]]:
    """(scores, overlaps), both increasing from 0, scores to 1: the IoU that all but the WORST fans of a score have.

    Isotonic regression of IoU on score, at bins of equal size, less what the WORST in the bin fall short of it.

    pairs  (N, 2): the score and the IoU of each fan
    """
    ordered = pairs[pairs[:, 0].argsort(kind="stable")]
    fitted = isotonic_regression(ordered[:, 1]).x
    short = ordered[:, 1] - fitted
    bins = np.array_split(np.arange(len(ordered)), knots)
    reached = isotonic_regression([fitted[part].mean() + np.quantile(short[part], WORST) for part in bins]).x
    scores, overlaps = [0.0], [0.0]
    for part, overlap in zip(bins, reached, strict=True):
        scores.append(round(max(float(ordered[part, 0].mean()), scores[-1] + 1e-3), 4))
        overlaps.append(round(max(float(overlap), overlaps[-1] + 1e-3), 4))
    # Up to a score of 1, so that every score can be read back.
    return [*scores, 1.0], [*overlaps, min(1.0, round(overlaps[-1] + 1e-3, 4))]


if __name__ == "__main__":
    begin(main, FanCalibrationSettings)
