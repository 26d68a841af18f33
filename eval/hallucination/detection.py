"""Detection of wrong pixels by a score: AUROC, average precision, and lesions found at a given flagged area."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from eval.measures.metrics import ratio_of_means

BINS = 1000  # of a score's pooled quantiles; ties within a bin count half
DRAWS = 500  # of the bootstrap
FLAGGED = (0.01, 0.05)  # shares of the faithful pixels that may be flagged
FOUND = 0.5  # share of a region that must be flagged to find it
LEAST_REGION = 0.001  # area of the smallest region that counts, over the frame's: about two speckle cells


def auroc(wrong: np.ndarray, faithful: np.ndarray) -> np.ndarray:
    """Area under the ROC curve from counts (..., bins) of both classes by rising score; ties count half.

    It is the probability that a wrong pixel scores higher than a faithful one (Hanley & McNeil 1982, Radiology 143).
    """
    below = np.cumsum(faithful, -1) - faithful / 2
    return (wrong * below).sum(-1) / (wrong.sum(-1) * faithful.sum(-1))


def average_precision(wrong: np.ndarray, faithful: np.ndarray) -> np.ndarray:
    """Area under the precision-recall curve as a step function, from counts (..., bins) by rising score."""
    hits, flagged = (np.cumsum(one[..., ::-1], -1) for one in (wrong, wrong + faithful))
    precision = hits / np.maximum(flagged, 1)
    return (precision * wrong[..., ::-1]).sum(-1) / wrong.sum(-1)


def pixel_detection(
    scores: Sequence[np.ndarray],
    wrong: Sequence[np.ndarray],
    faithful: Sequence[np.ndarray],
    groups: Sequence[int],
) -> dict[str, Any] | None:
    """AUROC, average precision and base rate over the pixels of all frames, with 95 % intervals by clip.

    `scores` are float (h, w), `wrong` and `faithful` bool (h, w), and `groups` the clip of each frame. None where no
    pixel is wrong. The bootstrap draws clips (Efron 1979).
    """
    if not any(one.any() for one in wrong):
        return None
    pooled = np.concatenate([score[a | b] for score, a, b in zip(scores, wrong, faithful, strict=True)])
    edges = np.unique(np.quantile(pooled, np.linspace(0, 1, BINS + 1)[1:-1]))
    clips = sorted(set(groups))
    counts = np.zeros((2, len(clips), len(edges) + 1))
    for score, a, b, group in zip(scores, wrong, faithful, groups, strict=True):
        for side, mask in enumerate((a, b)):
            where = np.searchsorted(edges, score[mask], side="right")
            counts[side, clips.index(group)] += np.bincount(where, minlength=len(edges) + 1)
    draws = np.random.default_rng(0).multinomial(len(clips), np.full(len(clips), 1 / len(clips)), DRAWS)
    drawn = draws @ counts
    drawn = drawn[:, drawn[0].sum(-1) > 0]
    found: dict[str, Any] = {"base_rate": float(counts[0].sum() / counts.sum())}
    for name, of in (("auroc", auroc), ("auprc", average_precision)):
        low, high = np.percentile(of(*drawn), (2.5, 97.5))
        found[name] = {"mean": float(of(*counts.sum(1))), "low": float(low), "high": float(high)}
    return found


def region_detection(
    scores: Sequence[np.ndarray],
    wrong: Sequence[np.ndarray],
    faithful: Sequence[np.ndarray],
    groups: Sequence[int],
) -> dict[str, Any] | None:
    """Share of wrong regions found where FLAGGED of the faithful pixels are flagged; see `pixel_detection`.

    A region is a connected part of a wrong map of at least LEAST_REGION of the frame. It is found where at least FOUND
    of it scores above the threshold. None where there is no region.
    """
    found = [regions(one) for one in wrong]
    if not any(found):
        return None
    calm = np.concatenate([score[mask] for score, mask in zip(scores, faithful, strict=True)])
    result: dict[str, Any] = {"regions": sum(map(len, found))}
    for share in FLAGGED:
        threshold = np.quantile(calm, 1 - share)
        hits: dict[int, list[bool]] = {}
        for score, areas, group in zip(scores, found, groups, strict=True):
            hits.setdefault(group, []).extend((score[area] > threshold).mean() >= FOUND for area in areas)
        with_any = [one for one in hits.values() if one]
        result[f"found_at_{share:.0%}"] = ratio_of_means(
            np.array([sum(one) for one in with_any], float), np.array([len(one) for one in with_any], float)
        )
    return result


def regions(mask: np.ndarray) -> list[np.ndarray]:
    """The connected parts (8 neighbours) of a mask (h, w) that are at least LEAST_REGION of it, as masks."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8))
    parts = (labels == label for label in range(1, count))
    return [part for part in parts if part.sum() >= LEAST_REGION * mask.size]
