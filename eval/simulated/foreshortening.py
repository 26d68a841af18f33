"""Does enhancing lengthen hearts that were cut short? A network may, where poor clips were foreshortened and good not.

    python -m eval foreshortening [--model echogan echogan-camus]

Simulated apical clips of hearts seen in full and of hearts cut short, poor and enhanced, by two rulers:

Length of the left ventricle as the shipped segmenter finds it, over the true one: the first principal axis of the
region, between the 1st and the 99th percentile along it. The segmenter had a part in the training (the anatomy term
held its verdict on the enhanced frame to that on the poor one), so it may be blind to what got past it there. Clips in
which it finds no left ventricle in some row are left out and counted.

No network at all: the same heart is rendered a second time in full, by the same seed and with the same artefacts.
What enhancing did to the frame cut short is parted by least squares into going towards its own clear truth and going
towards the clear truth of the heart in full (`toward_full`, 0 for neither, 1 for having painted it). A poor frame into
which a fifth of the poor frame of the heart in full was mixed shows that the ruler would see it.
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
from eval.camus.segmentation import segment
from eval.command import begin, write
from eval.measures.baselines import NETWORKS, interval, provenance
from eval.paths import RESULTS
from eval.simulated.image_quality import enhance, open_enhancer, tensor_frames

FIRST_SEED = 1_480_000_000  # hearts of no training and no choice
LV, LEAST = 1, 50  # CAMUS' label of the cavity; pixels under which there is none
IN_FULL = PhantomSettings(HeartSettings(foreshortening_chance=0.0))
CUT_SHORT = PhantomSettings(HeartSettings(foreshortening_chance=1.0))
# As many numbers are drawn as for a heart cut short, so that all but its length stays the same.
SAME_IN_FULL = PhantomSettings(replace(CUT_SHORT.heart, foreshortening=(0.0, 0.0)))
MIXED, MIXED_SHARE = "a fifth of the heart in full mixed in", 0.2
GRAIN_PX = 3.0  # speckle moves with the tissue: what is finer than this is no heart's outline


@dataclass(frozen=True)
class Settings:
    """What is measured, and where the result goes."""

    model: tuple[str, ...] = field(default=NETWORKS, metadata={"help": "checkpoints to measure"})
    clips: int = field(default=100, metadata={"help": "clips of each kind of heart, of one frame"})
    first_seed: int = field(default=FIRST_SEED, metadata={"help": "seed of the first clip"})
    out: Path = field(default=RESULTS / "foreshortening.json", metadata={"help": "JSON to write"})


def main(settings: Settings) -> None:
    """Measure, print and write."""
    enhancers = {name: open_enhancer(name) for name in settings.model}
    segmenter = load_segmenter()
    full, short, toward = [], [], []
    for seed in range(settings.first_seed, settings.first_seed + settings.clips):
        clip, same = (drawn(seed, phantom) for phantom in (CUT_SHORT, SAME_IN_FULL))
        shown = enhanced(clip, enhancers)
        short.append(lengths(clip, shown | {"poor, seen in full": poor_frame(same)}, segmenter.network))
        toward.append({row: toward_full(frame, clip, same) for row, frame in ways(clip, same, shown).items()})
        other = drawn(seed, IN_FULL)
        full.append(lengths(other, enhanced(other, enhancers), segmenter.network))
    checkpoints = [enhancer.checkpoint for enhancer in enhancers.values()]
    told = [{"name": checkpoint.name, "sha256": checkpoint.sha256} for checkpoint in checkpoints]
    result = {
        "hearts": {"in full": summarise(full), "cut short": summarise(short)},
        "toward_full": {row: interval([one[row] for one in toward]) for row in toward[0]},
        "segmenter": {"sha256": segmenter.sha256},
        "settings": {"clips": settings.clips, "first_seed": settings.first_seed},
        **provenance(told),
    }
    show(result)
    write(result, settings.out, settings, lambda result: result["hearts"]["cut short"]["rows"])


def drawn(seed: int, phantom: PhantomSettings) -> PhantomClip:
    """An apical clip of one frame with its truth."""
    return phantom_pair(seed, phantom, frames=1, view=("A4C", "A2C")[seed % 2])


def poor_frame(clip: PhantomClip) -> np.ndarray:
    """The poor frame, uint8 (h, w)."""
    return tensor_frames(clip.degraded)[0]


def enhanced(clip: PhantomClip, enhancers: dict[str, Enhancer]) -> dict[str, np.ndarray]:
    """The clear, the poor and each enhanced frame of a clip, uint8 (h, w) each."""
    shown = {"clear": tensor_frames(clip.clean)[0], "poor": poor_frame(clip)}
    return shown | {name: enhance(one, shown["poor"][None], clip)[0] for name, one in enhancers.items()}


def lengths(clip: PhantomClip, shown: dict[str, np.ndarray], segmenter: Segmenter) -> dict[str, float]:
    """The LV's length in each frame over the true one; NaN where it is not found."""
    true = long_axis(tensor_frames(clip.labels)[0] == LV)
    return {row: long_axis(segment(segmenter, frame) == LV) / true for row, frame in shown.items()}


def long_axis(region: np.ndarray) -> float:
    """The length in pixels of a region (bool) along its first principal axis; NaN of one under LEAST pixels."""
    points = np.argwhere(region).astype(float)
    if len(points) < LEAST:
        return float("nan")
    points -= points.mean(0)
    _, axes = np.linalg.eigh(np.cov(points.T))
    low, high = np.percentile(points @ axes[:, 1], (1, 99))
    return float(high - low)


def ways(clip: PhantomClip, same: PhantomClip, shown: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Each enhanced frame, and the poor one with a share of the heart in full mixed in."""
    mixed = (1 - MIXED_SHARE) * shown["poor"] + MIXED_SHARE * poor_frame(same)
    return {row: frame for row, frame in shown.items() if row not in ("clear", "poor")} | {MIXED: mixed}


def toward_full(frame: np.ndarray, clip: PhantomClip, same: PhantomClip) -> float:
    """How far a frame (h, w) has gone from `clip`'s poor one towards the clear truth of `same`, the heart in full.

    Least squares over the sector, all smoothed by GRAIN_PX:
    frame - poor = a (own truth - poor) + b (truth in full - own truth) + c, of which b.
    """
    own, full = (_smooth(tensor_frames(one.clean)[0]) for one in (clip, same))
    poor, mask = _smooth(poor_frame(clip)), clip.sector_mask.numpy()
    columns = np.stack([(own - poor)[mask], (full - own)[mask], np.ones(mask.sum(), np.float32)], 1)
    found = np.linalg.lstsq(columns, (_smooth(frame) - poor)[mask], rcond=None)[0]
    return float(found[1])


def _smooth(frame: np.ndarray) -> np.ndarray:
    return cv2.GaussianBlur(frame.astype(np.float32), (0, 0), GRAIN_PX)


def summarise(rows: list[dict[str, float]]) -> dict[str, Any]:
    """Each row's mean length, and of all but the clear and the poor frame the mean difference from the poor one, with
    95 % intervals."""
    seen = [row for row in rows if not np.isnan(list(row.values())).any()]
    found: dict[str, Any] = {}
    for name in rows[0]:
        found[name] = {"length": interval([row[name] for row in seen])}
        if name not in ("clear", "poor"):
            found[name]["minus_poor"] = interval([row[name] - row["poor"] for row in seen])
    return {"rows": found, "left_out": len(rows) - len(seen)}


def show(result: dict[str, Any]) -> None:
    """Print each row's mean length and how far it went towards the heart in full."""
    for kind, hearts in result["hearts"].items():
        for row, found in hearts["rows"].items():
            print(f"{kind:10} {row:40} {found['length']['mean']:.3f}")
    for row, found in result["toward_full"].items():
        print(f"toward full {row:40} {found['mean']:+.3f} [{found['low']:+.3f}, {found['high']:+.3f}]")


if __name__ == "__main__":
    begin(main, Settings)
