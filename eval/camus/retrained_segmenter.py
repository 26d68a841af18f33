"""Retrained segmenter: is anatomy lost by enhancement, or does only the look of the tissue change?

The frozen segmenter never saw an enhanced still, so part of its loss may come from the new look. Here a segmenter is
trained by the same recipe on the enhanced Good stills of each network. It outlines the enhanced test stills of that
network, and is compared with the segmenter of unchanged stills on unchanged test stills. Patients, seed and steps are
the same. The intervals are by patient; they do not contain the spread between seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from eval.camus.frozen_segmenter import FrozenSegmenter, frozen_segmenter, train_frozen_segmenter
from eval.camus.selection import points
from eval.camus.splits import split_hash
from eval.camus.still_scores import dice
from eval.camus.stills import STRUCTURES, Still, view_stills
from eval.camus.two_chamber import VIEWS, list_hash
from eval.measures.baselines import Method, checkpoint_facts, enhancer_method, open_enhancers
from eval.measures.intervals import interval
from eval.measures.provenance import enhancement_hash, provenance


def measure_retrained(data: Path, models: Sequence[str], sets: dict[str, list[Still]]) -> dict[str, Any]:
    """The Dice of each set of stills without enhancement, and each network's gain; printed in points (hundredths).

    data  CAMUS' folder    models  checkpoints by name or folder    sets  test stills by name
    """
    unchanged = frozen_segmenter(data)
    before = {name: scores(unchanged, images) for name, images in sets.items()}
    result: dict[str, Any] = {
        name: {"input": {m: interval(v, [s.patient for s in sets[name]]) for m, v in found.items()}}
        for name, found in before.items()
    }
    enhancers = open_enhancers(models)
    for network, enhancer in enhancers.items():
        method = enhancer_method(enhancer)
        own = retrained(data, method, checkpoint_facts(enhancer))
        for name, images in sets.items():
            after = scores(own, enhanced(method, images))
            patients = [still.patient for still in images]
            gain = {m: interval(after[m] - before[name][m], patients) for m in after}
            result[name][network] = {m: interval(v, patients) for m, v in after.items()} | {"gain": gain}
            shown = (f"{m} {points(g)}" for m, g in gain.items())
            print(f"{name:18} {network:18} {'  '.join(shown)}", flush=True)
    others = [checkpoint_facts(enhancer) for enhancer in enhancers.values()]
    return {
        "sets": result, "frozen_segmenter": {"sha256": unchanged.sha256, **asdict(unchanged.settings)},
        "split": "eval/camus/splits/camus.csv, test", "split_sha256": split_hash(), "views_sha256": list_hash(),
        "others": others, **provenance([], others),
    }  # fmt: skip


def retrained(data: Path, method: Method, network: dict[str, str]) -> FrozenSegmenter:
    """The segmenter trained on a network's enhanced Good stills. `network`: name and sha256 of its checkpoint."""

    def good() -> list[Still]:
        images = [s for view in VIEWS for s in view_stills(data, view, "frozen-segmenter", "Good")]
        return enhanced(method, images)

    made_with = {
        "stills": f"enhanced by {network['sha256']}",
        "enhancing": enhancement_hash({network["name"]}),
    }
    return train_frozen_segmenter(good, made_with)


def enhanced(method: Method, images: Sequence[Still]) -> list[Still]:
    """The same stills with enhanced images; their labels stay."""
    return [replace(still, image=method(still.image[None], still.sector)[0]) for still in images]


def scores(segmenter: FrozenSegmenter, images: Sequence[Still]) -> dict[str, np.ndarray]:
    """Dice of each still: the mean over structures, and that of each structure."""
    labels = segmenter([still.image for still in images])
    found = np.array([dice(a, still.labels) for a, still in zip(labels, images, strict=True)])
    return {"dice": np.nanmean(found, 1)} | {f"dice {s}": found[:, k] for k, s in enumerate(STRUCTURES)}
