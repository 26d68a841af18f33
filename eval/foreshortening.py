"""Does enhancing lengthen hearts that were cut short? A network may, where poor clips were foreshortened and good not.

    python -m eval.foreshortening [--model echogan-phantom echogan-camus]

Simulated apical clips of hearts seen in full and of hearts cut short, poor and enhanced: the length of the left
ventricle as the shipped segmenter finds it, over the true one. The long axis is the first principal axis of the region,
and its length that between the 1st and the 99th percentile along it. Clips in which the segmenter finds no left
ventricle in some row are left out and counted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from echogan.enhancer import Enhancer
from echogan.model.segmenter import Segmenter, load_segmenter
from echogan.phantom.anatomy.sizes import HeartSettings
from echogan.phantom.render import PhantomSettings, phantom_pair
from eval.image_quality import enhance, open_enhancer
from eval.rows import NETWORKS, interval, provenance
from eval.segmentation import segment

RESULT = Path(__file__).parent / "results" / "foreshortening.json"
FIRST_SEED = 1_480_000_000  # hearts of no training and no choice
LV, LEAST = 1, 50  # CAMUS' label of the cavity; pixels under which there is none
HEARTS = {"in full": 0.0, "cut short": 1.0}


@dataclass(frozen=True)
class Settings:
    """What is measured, and where the result goes."""

    model: tuple[str, ...] = field(default=NETWORKS, metadata={"help": "checkpoints to measure"})
    clips: int = field(default=100, metadata={"help": "clips of each kind of heart, of one frame"})
    first_seed: int = field(default=FIRST_SEED, metadata={"help": "seed of the first clip"})
    out: Path = field(default=RESULT, metadata={"help": "JSON to write"})


def main(settings: Settings) -> None:
    """Measure, print and write."""
    enhancers = {name: open_enhancer(name) for name in settings.model}
    segmenter = load_segmenter()
    hearts = {}
    for kind, chance in HEARTS.items():
        phantom = PhantomSettings(HeartSettings(foreshortening_chance=chance))
        rows = [
            lengths(settings.first_seed + k, phantom, enhancers, segmenter.network)
            for k in range(settings.clips)
        ]
        hearts[kind] = summarise(rows)
        for row, found in hearts[kind]["rows"].items():
            print(f"{kind:10} {row:20} {found['length']['mean']:.3f}", flush=True)
    checkpoints = [enhancer.checkpoint for enhancer in enhancers.values()]
    told = [{"name": checkpoint.name, "sha256": checkpoint.sha256} for checkpoint in checkpoints]
    result = {
        "hearts": hearts,
        "segmenter": {"sha256": segmenter.sha256},
        "settings": {"clips": settings.clips, "first_seed": settings.first_seed},
        **provenance(told),
    }
    settings.out.parent.mkdir(parents=True, exist_ok=True)
    settings.out.write_text(json.dumps(result, indent=1) + "\n")


def lengths(
    seed: int, phantom: PhantomSettings, enhancers: dict[str, Enhancer], segmenter: Segmenter
) -> dict[str, float]:
    """The LV's length over the true one in the clear, the poor and each enhanced frame; NaN where it is not found."""
    clip = phantom_pair(seed, phantom, frames=1, view=("A4C", "A2C")[seed % 2])
    assert clip.clean is not None
    assert clip.degraded is not None
    assert clip.labels is not None
    poor, true = clip.degraded.numpy(), long_axis(clip.labels[0].numpy() == LV)
    shown = {"clear": clip.clean.numpy(), "poor": poor}
    shown |= {name: enhance(enhancer, poor, clip) for name, enhancer in enhancers.items()}
    return {row: long_axis(segment(segmenter, frames[0]) == LV) / true for row, frames in shown.items()}


def long_axis(region: np.ndarray) -> float:
    """The length in pixels of a region (bool) along its first principal axis; NaN of one under LEAST pixels."""
    points = np.argwhere(region).astype(float)
    if len(points) < LEAST:
        return float("nan")
    points -= points.mean(0)
    _, axes = np.linalg.eigh(np.cov(points.T))
    low, high = np.percentile(points @ axes[:, 1], (1, 99))
    return float(high - low)


def summarise(rows: list[dict[str, float]]) -> dict[str, Any]:
    """Each row's mean length, and of enhanced ones the mean difference from the poor frame, with 95 % intervals."""
    seen = [row for row in rows if not np.isnan(list(row.values())).any()]
    found: dict[str, Any] = {}
    for name in rows[0]:
        found[name] = {"length": interval([row[name] for row in seen])}
        if name not in ("clear", "poor"):
            found[name]["minus_poor"] = interval([row[name] - row["poor"] for row in seen])
    return {"rows": found, "left_out": len(rows) - len(seen)}


if __name__ == "__main__":
    main(tyro.cli(Settings))
