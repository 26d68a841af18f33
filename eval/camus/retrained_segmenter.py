"""Is anatomy lost, or only the look changed? The frozen segmenter trained anew, by the same recipe, on enhanced Good stills.

It has never seen an enhanced still, so part of what it loses may be the look. Here one that was
trained on each network's enhanced stills outlines that network's enhanced test stills, against the segmenter of raw stills
on raw ones. Same patients, seed and steps; the spread between seeds is not in the intervals, which are by patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from eval.camus.frozen_segmenter import FrozenSegmenter, frozen_segmenter, train_frozen_segmenter
from eval.camus.splits import split_hash
from eval.camus.still_scores import dice
from eval.camus.stills import STRUCTURES, Still, view_stills
from eval.camus.two_chamber import VIEWS, list_hash
from eval.measures.baselines import Row, apart, enhancing, interval, provenance, row_of
from eval.simulated.image_quality import open_enhancer


def measure_retrained(data: Path, models: Sequence[str], sets: dict[str, list[Still]]) -> dict[str, Any]:
    """Of each set its Dice, raw by the segmenter of raw stills, and each network's gain; printed in points of a hundred."""
    raw = frozen_segmenter(data)
    before = {name: scores(raw, images) for name, images in sets.items()}
    result: dict[str, Any] = {
        name: {"input": {m: interval(v, [s.patient for s in sets[name]]) for m, v in found.items()}}
        for name, found in before.items()
    }
    enhancers = [open_enhancer(model) for model in models]
    told = [{"name": e.checkpoint.name, "sha256": e.checkpoint.sha256} for e in enhancers]
    apart([one["name"] for one in told])
    for one, enhancer in zip(told, enhancers, strict=True):
        row = row_of(enhancer)
        own = retrained(data, row, one["sha256"])
        for name, images in sets.items():
            after = scores(own, enhanced(row, images))
            patients = [still.patient for still in images]
            gain = {m: interval(after[m] - before[name][m], patients) for m in after}
            result[name][one["name"]] = {m: interval(v, patients) for m, v in after.items()} | {"gain": gain}
            shown = (
                f"{m} {100 * g['mean']:+.2f} [{100 * g['low']:+.2f}, {100 * g['high']:+.2f}]"
                for m, g in gain.items()
            )
            print(f"{name:18} {one['name']:18} {'  '.join(shown)}", flush=True)
    return {
        "sets": result, "frozen_segmenter": {"sha256": raw.sha256, **asdict(raw.settings)},
        "split": "eval/camus/splits/camus.csv, test", "split_sha256": split_hash(), "views_sha256": list_hash(),
        "others": told, **provenance([]),
    }  # fmt: skip


def retrained(data: Path, row: Row, sha256: str) -> FrozenSegmenter:
    """The segmenter of a network's enhanced Good stills."""

    def good() -> list[Still]:
        return enhanced(
            row, [s for view in VIEWS for s in view_stills(data, view, "frozen-segmenter", "Good")]
        )

    return train_frozen_segmenter(good, {"stills": f"enhanced by {sha256}", "enhancing": enhancing()})


def enhanced(row: Row, images: Sequence[Still]) -> list[Still]:
    """The same stills, enhanced; their labels stay."""
    return [replace(still, image=row(still.image[None], still.sector)[0]) for still in images]


def scores(segmenter: FrozenSegmenter, images: Sequence[Still]) -> dict[str, np.ndarray]:
    """Dice of each still: the structures' mean, and each structure."""
    labels = segmenter([still.image for still in images])
    found = np.array([dice(a, still.labels) for a, still in zip(labels, images, strict=True)])
    return {"dice": np.nanmean(found, 1)} | {f"dice {s}": found[:, k] for k, s in enumerate(STRUCTURES)}
