"""Dice of the shipped segmenter on CAMUS test patients, by structure and grade."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from echogan.model.checkpoints.segmenter_checkpoint import load_segmenter
from eval.camus.splits import split_hash
from eval.camus.still_scores import dice
from eval.camus.stills import STRUCTURES, held_out_stills
from eval.measures.intervals import interval
from eval.measures.provenance import provenance
from eval.measures.segment import segment

GRADES = ("Good", "Medium", "Poor")


def measure_segmenter(name: str, data: Path, most_patients: int | None = None) -> dict[str, Any]:
    """The Dice of a segmenter, by name or folder, with the expert's outlines of four-chamber test stills; printed.

    `data` is CAMUS' folder; `most_patients` of each grade are measured.
    """
    shipped = load_segmenter(name)
    result: dict[str, Any] = {
        "segmenter": {"name": shipped.config.name, "sha256": shipped.sha256},
        "dice": {},
    }
    for grade in GRADES:
        images = held_out_stills(data, "4CH", grade, most_patients)
        found = [segment(shipped.network, still.image) for still in images]
        scores = np.array([dice(labels, still.labels) for labels, still in zip(found, images, strict=True)])
        names = [still.patient for still in images]
        result["dice"][grade] = {
            s: interval(scores[:, k], names) for k, s in enumerate(STRUCTURES)
        } | {"mean": interval(np.nanmean(scores, 1), names)}  # fmt: skip
        print(grade, {s: round(v["mean"], 3) for s, v in result["dice"][grade].items()})
    return result | {
        "trained_on": shipped.config.trained_on["phantom"],
        "split": "eval/camus/splits/camus.csv, test",
        "split_sha256": split_hash(),
        "versions": provenance([])["versions"],
    }
