"""How much of the results of a network is wrong, and how each diagnostic sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from echogan.calibration.examples import Example
from echogan.calibration.lesion_clips import LesionClip
from eval.hallucination.detection import pixel_detection, region_detection
from eval.hallucination.diagnostics import DIAGNOSTICS, scores
from eval.measures.intervals import interval
from eval.measures.metrics import ratio_of_means
from eval.simulated.lesion_measures import SIGNS, contrast, surroundings

WRONG = ("erased", "invented")


def measure(found: Sequence[Example], names: Sequence[str] = tuple(DIAGNOSTICS)) -> dict[str, Any]:
    """How much of the results is wrong, and how each diagnostic sees it."""
    masks = {name: [getattr(e.truth, name) for e in found] for name in (*WRONG, "unverifiable", "faithful")}
    groups = [e.clip for e in found]
    diagnostics: dict[str, Any] = {}
    for name in names:
        both = [scores(name, e) for e in found]
        diagnostics[name] = {
            wrong: detection([one[wrong] for one in both], masks[wrong], masks["faithful"], groups)
            for wrong in WRONG
        }
    return {
        "share": {
            name: interval(
                [mask.sum() / e.tissue.sum() for mask, e in zip(masks[name], found, strict=True)],
                [str(group) for group in groups],
            )
            for name in (*WRONG, "unverifiable")
        },
        "diagnostics": diagnostics,
    }


def lesions_left(found: Sequence[Example], clips: Sequence[LesionClip]) -> dict[str, Any]:
    """How many lesions the inputs show, large enough to measure, and the share of their contrast that results keep."""
    pairs = np.array([lesion_contrast(clips[e.clip], e) for e in found if e.lesion.any()]).reshape(-1, 2)
    contrasts = pairs[np.isfinite(pairs).all(1)]
    return {
        "visible_lesions": len(contrasts),
        "contrast_left": ratio_of_means(contrasts[:, 1], contrasts[:, 0]) if len(contrasts) else None,
    }


def lesion_contrast(clip: LesionClip, example: Example) -> tuple[float, float]:
    """How far the lesion stands out in the input and in the result, in grey levels, positive in its own direction."""
    sign = SIGNS[str(clip.facts["kind"])]
    lesion = clip.array("lesion")
    ring = surroundings(lesion, clip.array("labels"), sign, float(clip.mm)) & clip.array("mask")
    before, after = (
        sign * contrast(frames, lesion, ring) for frames in (clip.array("poor"), example.enhanced)
    )
    return before, after


def detection(
    score: list[np.ndarray], wrong: list[np.ndarray], faithful: list[np.ndarray], groups: list[int]
) -> dict[str, Any] | None:
    """Pixels and regions of one kind that a score finds; None where there is none of that kind."""
    pixels = pixel_detection(score, wrong, faithful, groups)
    return pixels and pixels | (region_detection(score, wrong, faithful, groups) or {"regions": 0})
