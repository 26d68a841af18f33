"""Foreshortening: does enhancement lengthen the left ventricle of a foreshortened heart?

    python -m eval foreshortening [--model echogan echogan-camus]

A network may learn to lengthen hearts if its poor training clips were foreshortened and its good ones were not. The
clips here are simulated apical clips of foreshortened and of full-length hearts, poor and enhanced. There are two
measures:

Length of the left ventricle as the shipped segmenter finds it, over the true length. The length is that of the first
principal axis of the region, between the 1st and the 99th percentile along it. The segmenter took part in training
(the anatomy loss compared its outlines of the enhanced and the poor frame), so it may miss what training let through.
Clips in which it finds no left ventricle in some frame are left out and counted.

A measure without a network: the same heart is rendered a second time at full length, with the same seed and the same
artefacts. Least squares split the change of the foreshortened frame into a part towards its own clear truth and a part
towards the clear truth of the full-length heart (`toward_full`: 0 is none, 1 is all the way). As a positive control,
one fifth of the poor full-length frame is mixed into the poor foreshortened one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from echogan.enhance.enhancer import Enhancer
from echogan.model.checkpoints.segmenter_checkpoint import load_segmenter
from echogan.model.networks.segmenter import Segmenter
from echogan.phantom.anatomy.sizes import HeartSettings
from echogan.phantom.clip import PhantomClip, PhantomSettings
from echogan.phantom.render import phantom_pair
from eval.command import begin, write
from eval.measures.baselines import NETWORKS, checkpoint_facts, open_enhancers
from eval.measures.intervals import interval
from eval.measures.provenance import provenance
from eval.measures.segment import segment
from eval.paths import RESULTS
from eval.simulated.phantom_clips import array, enhance

FIRST_SEED = 1_480_000_000  # hearts that nothing is trained or chosen on
LV = 1  # CAMUS' label of the cavity
LEAST_PIXELS = 50  # of a region, under which there is no ventricle
FULL_LENGTH = PhantomSettings(HeartSettings(foreshortening_chance=0.0))
FORESHORTENED = PhantomSettings(HeartSettings(foreshortening_chance=1.0))
# This draws as many random numbers as FORESHORTENED, so that only the length of the heart differs.
SAME_FULL_LENGTH = PhantomSettings(replace(FORESHORTENED.heart, foreshortening=(0.0, 0.0)))
MIXED, MIXED_SHARE = "one fifth of the full-length heart mixed in", 0.2
GRAIN_PX = 3.0  # speckle moves with the tissue: finer detail says nothing about the heart's outline


@dataclass(frozen=True)
class ForeshorteningSettings:
    """What is measured, and where the result goes."""

    model: tuple[str, ...] = field(default=NETWORKS, metadata={"help": "checkpoints to measure"})
    clips: int = field(default=100, metadata={"help": "clips of each kind of heart, one frame each"})
    first_seed: int = field(default=FIRST_SEED, metadata={"help": "seed of the first clip"})
    out: Path = field(default=RESULTS / "foreshortening.json", metadata={"help": "JSON to write"})


def main(settings: ForeshorteningSettings) -> None:
    """Measure, print and write."""
    enhancers = open_enhancers(settings.model)
    segmenter = load_segmenter()
    full, short, toward = [], [], []
    for seed in range(settings.first_seed, settings.first_seed + settings.clips):
        clip, same = (drawn(seed, phantom) for phantom in (FORESHORTENED, SAME_FULL_LENGTH))
        shown = enhanced(clip, enhancers)
        short.append(lengths(clip, shown | {"poor, full length": poor_frame(same)}, segmenter.network))
        changed = changed_frames(same, shown)
        toward.append({row: toward_full(frame, clip, same) for row, frame in changed.items()})
        other = drawn(seed, FULL_LENGTH)
        full.append(lengths(other, enhanced(other, enhancers), segmenter.network))
    result = {
        "hearts": {"full-length": summarise(full), "foreshortened": summarise(short)},
        "toward_full": {row: interval([one[row] for one in toward]) for row in toward[0]},
        "segmenter": {"sha256": segmenter.sha256},
        "settings": {"clips": settings.clips, "first_seed": settings.first_seed},
        **provenance([checkpoint_facts(enhancer) for enhancer in enhancers.values()]),
    }
    show(result)
    write(result, settings.out, settings, lambda result: result["hearts"]["foreshortened"]["rows"])


def drawn(seed: int, phantom: PhantomSettings) -> PhantomClip:
    """An apical clip of one frame, with its truth."""
    return phantom_pair(seed, phantom, frames=1, view=("A4C", "A2C")[seed % 2])


def poor_frame(clip: PhantomClip) -> np.ndarray:
    """The poor frame, uint8 (h, w)."""
    return array(clip.degraded)[0]


def enhanced(clip: PhantomClip, enhancers: dict[str, Enhancer]) -> dict[str, np.ndarray]:
    """The clear, the poor and each enhanced frame of a clip, uint8 (h, w) each."""
    shown = {"clear": array(clip.clean)[0], "poor": poor_frame(clip)}
    return shown | {name: enhance(one, shown["poor"][None], clip)[0] for name, one in enhancers.items()}


def lengths(clip: PhantomClip, shown: dict[str, np.ndarray], segmenter: Segmenter) -> dict[str, float]:
    """The length of the LV in each frame over the true one; NaN where the segmenter finds no LV."""
    true = long_axis(array(clip.labels)[0] == LV)
    return {row: long_axis(segment(segmenter, frame) == LV) / true for row, frame in shown.items()}


def long_axis(region: np.ndarray) -> float:
    """The length of a region (bool) along its first principal axis, in pixels; NaN under LEAST_PIXELS."""
    points = np.argwhere(region).astype(float)
    if len(points) < LEAST_PIXELS:
        return float("nan")
    points -= points.mean(0)
    _, axes = np.linalg.eigh(np.cov(points.T))
    low, high = np.percentile(points @ axes[:, 1], (1, 99))
    return float(high - low)


def changed_frames(same: PhantomClip, shown: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Each enhanced frame, and as a positive control the poor one with some of the full-length heart mixed in."""
    mixed = (1 - MIXED_SHARE) * shown["poor"] + MIXED_SHARE * poor_frame(same)
    return {row: frame for row, frame in shown.items() if row not in ("clear", "poor")} | {MIXED: mixed}


def toward_full(frame: np.ndarray, clip: PhantomClip, same: PhantomClip) -> float:
    """How far a frame (h, w) went from the poor frame of `clip` towards the clear truth of `same`, the full heart.

    It is b of the least-squares fit over the sector, with all frames smoothed by GRAIN_PX:
    frame - poor = a (own truth - poor) + b (full-length truth - own truth) + c.
    """
    own, full = (_smooth(array(one.clean)[0]) for one in (clip, same))
    poor, mask = _smooth(poor_frame(clip)), clip.sector_mask.numpy()
    columns = np.stack([(own - poor)[mask], (full - own)[mask], np.ones(mask.sum(), np.float32)], 1)
    found = np.linalg.lstsq(columns, (_smooth(frame) - poor)[mask], rcond=None)[0]
    return float(found[1])


def _smooth(frame: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(frame.astype(np.float32), (0, 0), GRAIN_PX)


def summarise(rows: list[dict[str, float]]) -> dict[str, Any]:
    """Each frame's mean length and its mean difference from the poor frame, with 95 % intervals over clips.

    `rows` holds the lengths of each clip. The clear and the poor frame have no difference.
    """
    seen = [row for row in rows if not np.isnan(list(row.values())).any()]
    found: dict[str, Any] = {}
    for name in rows[0]:
        found[name] = {"length": interval([row[name] for row in seen])}
        if name not in ("clear", "poor"):
            found[name]["minus_poor"] = interval([row[name] - row["poor"] for row in seen])
    return {"rows": found, "left_out": len(rows) - len(seen)}


def show(result: dict[str, Any]) -> None:
    """Print the mean lengths, and how far each frame went towards the full-length heart."""
    for kind, hearts in result["hearts"].items():
        for row, found in hearts["rows"].items():
            print(f"{kind:13} {row:43} {found['length']['mean']:.3f}")
    for row, found in result["toward_full"].items():
        print(f"toward full   {row:43} {found['mean']:+.3f} [{found['low']:+.3f}, {found['high']:+.3f}]")


if __name__ == "__main__":
    begin(main, ForeshorteningSettings)
