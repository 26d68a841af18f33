"""Simulated ratings with stated effects: for the demo of the analysis, the planner and the benchmark.

A latent score is the sum of a patient, a reader, half of the arm's gain with its variation between readers and
patients, a clip and an error; it is rounded to the item's scale. The ratings of all items share patients and
readers. Nothing here was rated by anybody, and every report of such tables says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

from echogan.study.analysis.tables import ARMS, ITEMS, Item, StudyTables, study_tables


@dataclass(frozen=True)
class Effects:
    """Of one item, in points of the latent scale. Variation is a standard deviation."""

    gain: float = 0.4
    """enhanced minus original"""
    level: float = 3.0
    """mean of both arms"""
    patient: float = 0.7
    reader: float = 0.3
    reader_by_arm: float = 0.15
    """how much the gain differs between readers, as a deviation of each arm"""
    patient_by_arm: float = 0.3
    error: float = 0.6


def arm_scores(
    effects: Effects, readers: int, patients: int, clips: int, rng: np.random.Generator
) -> np.ndarray:
    """Latent scores, float (2, J, K, clips): original, enhanced."""
    half = np.array([-0.5, 0.5]).reshape(2, 1, 1, 1) * effects.gain
    parts = (
        (effects.patient, (1, 1, patients, 1)),
        (effects.reader, (1, readers, 1, 1)),
        (effects.reader_by_arm, (2, readers, 1, 1)),
        (effects.patient_by_arm, (2, 1, patients, 1)),
        (effects.error, (2, readers, patients, clips)),
    )
    return effects.level + half + sum(rng.normal(0, deviation, shape) for deviation, shape in parts)


def graded(scores: np.ndarray, item: Item) -> np.ndarray:
    """Latent scores as ratings of an item: the nearest level; yes for a binary item from the middle upwards."""
    if item.binary:
        return (scores >= 3.0).astype(float)
    return np.clip(np.round(scores), item.low, item.high)


def expected_difference(effects: Effects, item: Item) -> float:
    """The true difference between the arms on the item's scale, from the normal distribution of the scores."""
    parts = (effects.patient, effects.reader, effects.reader_by_arm, effects.patient_by_arm, effects.error)
    deviation = sum(part**2 for part in parts) ** 0.5
    cuts = np.array([3.0]) if item.binary else item.levels[1:] - 0.5
    means = [
        stats.norm.sf((cuts - effects.level - side * effects.gain / 2) / deviation).sum() for side in (-1, 1)
    ]
    return float(means[1] - means[0])


TITLE = "Demonstration with simulated readers"
DEMO = {
    "overall": Effects(gain=0.40),
    "border": Effects(gain=0.50),
    "contrast": Effects(gain=0.60, reader_by_arm=0.25),
    "artefact": Effects(gain=0.10, level=3.4),
    "diagnostic": Effects(gain=0.30, level=3.5),
}
"""The stated effects of the demo, by item."""
RIGHT, UNSURE = 0.6, 0.05
"""The demo's chance of a right guess of the arm, and of none."""
SECONDS, FASTER, SPREAD = 24.0, 0.9, 0.35
"""The demo's typical time for a clip, its ratio enhanced over original, and the deviation of its logarithm."""
EVENTS = {"added": (0.06, 0.01), "removed": (0.05, 0.01), "motion": (0.02, 0.0)}
"""The demo's chance of a minor and of a clinically relevant event, by fidelity item."""


def simulated_study(
    readers: int = 6,
    patients: int = 24,
    clips: int = 2,
    seed: int = 0,
    effects: dict[str, Effects] | None = None,
) -> StudyTables:
    """A whole simulated study: ratings in two sessions with repeats, pairs, fidelity events, guesses and times."""
    rng = np.random.default_rng(seed)
    stated = DEMO if effects is None else effects
    items = tuple(item for item in ITEMS if item.name in stated)
    ratings = [
        row for item in items for row in _ratings(stated[item.name], item, (readers, patients, clips), rng)
    ]
    first = stated[items[0].name]
    pairs = list(_pairs(first, readers, patients, clips, rng))
    events = list(_events(readers, patients, clips, rng))
    guesses, times = list(_guesses(readers, patients, rng)), list(_times(readers, patients, clips, rng))
    return study_tables(ratings, pairs, events, guesses, times, items=items, title=TITLE, simulated=True)


def _ratings(
    effects: Effects, item: Item, size: tuple[int, int, int], rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    scores = arm_scores(effects, *size, rng)
    again = graded(scores + rng.normal(0, 0.3, scores.shape), item)
    values = graded(scores, item)
    unseen = rng.random(values.shape) < 0.01
    for a, j, k, c in np.ndindex(*values.shape):
        session = 1 + (a + j + k) % 2  # half of the readers see a patient's original first
        value = None if unseen[a, j, k, c] else values[a, j, k, c]
        row = _names(j, k, c) | {"arm": ARMS[a], "item": item.name, "session": session}
        yield row | {"value": value, "kind": "main"}
        if (k + 2 * j) % 6 == 0 and c == 0:
            yield row | {"value": again[a, j, k, c], "kind": "repeat"}


def _pairs(
    effects: Effects, readers: int, patients: int, clips: int, rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    scores = arm_scores(replace(effects, gain=2 * effects.gain), readers, patients, clips, rng)
    values = np.clip(np.round(scores[1] - scores[0]), -3, 3)
    for j, k, c in np.ndindex(*values.shape):
        side = ("left", "right")[(j + k + c) % 2]
        yield _names(j, k, c) | {"side": side, "value": values[j, k, c]}


def _events(readers: int, patients: int, clips: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    for k, c in np.ndindex(patients, clips):
        risk = rng.gamma(0.5, 2.0)  # a clip that misleads one reader is likely to mislead another
        for j in range(readers):
            for item, (minor, relevant) in EVENTS.items():
                drawn = rng.random()
                grade = 2 if drawn < relevant * risk else 1 if drawn < (minor + relevant) * risk else 0
                yield _names(j, k, c) | {"item": item, "grade": grade}


def _guesses(readers: int, patients: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    for j, k in np.ndindex(readers, patients):
        a, drawn = (j + k) % 2, rng.random()
        guess = "" if drawn < UNSURE else ARMS[a if drawn < UNSURE + RIGHT else 1 - a]
        yield _names(j, k, 0) | {"arm": ARMS[a], "guess": guess}


def _times(readers: int, patients: int, clips: int, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Each reader has a pace of their own and gets faster in the course of a session."""
    pace, shown = SECONDS * np.exp(rng.normal(0, SPREAD / 2, readers)), patients * clips
    for a, j, k, c in np.ndindex(2, readers, patients, clips):
        position = k * clips + c
        typical = pace[j] * (FASTER if a else 1.0) * (1.2 - 0.4 * position / shown)
        place = {"part": "single", "session": 1 + (a + j + k) % 2, "position": position, "kind": "main"}
        seconds = float(typical * np.exp(rng.normal(0, SPREAD)))
        yield _names(j, k, c) | {"arm": ARMS[a], **place, "seconds": seconds}


def _names(reader: int, patient: int, clip: int) -> dict[str, str]:
    name = f"P{patient + 1:03}"
    return {"reader": f"R{reader + 1:02}", "patient": name, "clip": f"{name}-{clip + 1}"}
