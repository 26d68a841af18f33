"""Simulated clips whose lesion is visible in the input, and the new spots of an output."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from echogan.calibration.lesion_clips import LesionClip
from eval.measures.metrics import tone_matched
from eval.simulated.lesion_measures import SIGNS, TISSUES, SpotDetector, contrast, new_spot, surroundings

LEAST_SUPPORT = 0.5  # share of the signal that survives over a visible lesion
LEAST_CONTRAST = 10.0  # grey levels by which a visible lesion stands out
LEAST_LESIONS = 3  # visible lesions of a sign that a threshold needs
THRESHOLDS = {"invented": 1.0, "faint": 0.5}  # of the contrast of the median visible lesion


@dataclass(frozen=True)
class LesionCase:
    """A clip whose lesion is visible in the input.

    kind           of the lesion
    ring           bool (T, h, w): the surroundings that the lesion is compared with
    sign           1 for a bright lesion, -1 for a dark one
    before, truth  contrast of the lesion in the input and in the clear truth, in grey levels
    """

    clip: LesionClip
    kind: str
    ring: np.ndarray
    sign: int
    before: float
    truth: float

    def contrast(self, frames: np.ndarray) -> float:
        """How far the lesion stands out in frames uint8 (T, h, w), positive in its own direction."""
        return self.sign * contrast(frames, self.clip.array("lesion"), self.ring)

    @cached_property
    def detectors(self) -> list[tuple[int, int, SpotDetector, np.ndarray]]:
        """(frame, sign, detector, known spots) of the control; the known are those of the input and the clear truth."""
        clip, found = self.clip, []
        for frame, labels in enumerate(clip.array("control_labels")):
            for sign, tissues in TISSUES.items():
                detector = SpotDetector(np.isin(labels, tissues) & clip.array("mask"), float(clip.mm), sign)
                known = detector.known(clip.array("control")[frame], clip.array("clear_control")[frame])
                found.append((frame, sign, detector, known))
        return found


def make_case(clip: LesionClip) -> LesionCase | None:
    """The clip with the ring and contrasts of its lesion; None where the lesion is not visible in the input."""
    kind = str(clip.facts["kind"])
    lesion, sign = clip.array("lesion"), SIGNS[kind]
    if not lesion.any() or clip.array("support")[lesion].mean() < 255 * LEAST_SUPPORT:
        return None
    ring = surroundings(lesion, clip.array("labels"), sign, float(clip.mm)) & clip.array("mask")
    before, truth = (sign * contrast(clip.array(name), lesion, ring) for name in ("poor", "clear"))
    means = [clip.array(name)[lesion].mean(dtype=float) for name in ("poor", "control")]
    added = sign * (means[0] - means[1])
    # A contrast that could not be measured is NaN, and so is not visible.
    visible = bool(before >= LEAST_CONTRAST) and added >= LEAST_CONTRAST
    return LesionCase(clip, kind, ring, sign, before, truth) if visible else None


def thresholds(cases: list[LesionCase]) -> dict[str, float | None]:
    """The contrast of the median visible lesion in the input, as the detector measures it, for bright and dark ones.

    Effusions are not compact and are left out. None where there are fewer than LEAST_LESIONS.
    """
    found: dict[int, list[float]] = {1: [], -1: []}
    for case in cases:
        if case.kind != "effusion":
            poor, lesion = case.clip.array("poor"), case.clip.array("lesion")
            seen = [
                detector.strongest(poor[frame], lesion[frame])
                for frame, sign, detector, _ in case.detectors if sign == case.sign
            ]  # fmt: skip
            found[case.sign].append(max(seen))
    return {
        name: float(np.median(found[sign])) if len(found[sign]) >= LEAST_LESIONS else None
        for name, sign in (("bright", 1), ("dark", -1))
    }


def invented(case: LesionCase, output: np.ndarray, least: dict[str, Any]) -> dict[str, set[int]]:
    """The signs of the new spots in an output of the control, uint8 (T, h, w), for each of THRESHOLDS.

    `least` holds the contrasts of `thresholds`. The output is tone-matched to the input first, so that a threshold is
    one of the input's grey levels and a tone curve alone invents nothing.
    """
    before, found = case.clip.array("control"), {name: set[int]() for name in THRESHOLDS}
    matched = tone_matched(output, before, np.broadcast_to(case.clip.array("mask"), before.shape))
    for frame, sign, detector, known in case.detectors:
        threshold = least["bright" if sign > 0 else "dark"]
        if threshold is not None:
            level = detector(matched[frame])
            for name, part in THRESHOLDS.items():
                found[name] |= {sign} if new_spot(level, known, part * threshold) else set()
    return found
