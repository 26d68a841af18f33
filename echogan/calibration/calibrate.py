"""Calibrate a checkpoint: find the thresholds from which a pixel of its results is flagged, on simulated clips.

The clips carry lesions, and each comes with its control. Known errors, whatever the checkpoint does of itself: the two
results swapped, so that one lesion is erased and one invented, and results that were painted over. Faithful: its own
results, where they are so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from echogan.calibration.examples import Example, examples, prepare, swapped
from echogan.calibration.lesion_clips import LesionClip, lesion_clips
from echogan.calibration.painted import painted
from echogan.calibration.settings import CalibrationSettings
from echogan.core.errors import Cancelled, SettingsError
from echogan.enhance.calibrated import Calibrated, Flagger, found_in
from echogan.enhance.card_maker import CardMaker
from echogan.enhance.diagnostics import Diagnoses
from echogan.enhance.enhancer import Enhancer
from echogan.phantom import PHANTOM_VERSION
from echogan.phantom.lesions import LESIONS
from echogan.trust.calibration import ALPHA_FLAG, ALPHA_MISS, Calibration
from echogan.trust.card.reference import Reference
from echogan.trust.error_finder import bundled_finder
from echogan.trust.fusion import fusion_sha256
from echogan.trust.risk_control import flag_threshold, miss_threshold

FIRST_SEED = 1_960_000_000  # hearts that nothing is trained, chosen or tested on
FRAMES = 5  # of a clip: the middle one counts, its neighbours are for networks that see several
ERRORS = (
    "lesions erased and invented: results of clips with and without a lesion, swapped; "
    "shapes painted into results and taken out of them"
)
AMBER_FLAGS = 0.03  # share of what is faithful that amber flags, also where its promise needs less
NO_REFERENCE = Reference({}, np.empty((0, 0), np.float32))
THRESHOLDS = np.concatenate([[0.0], 1 / (1 + np.exp(-np.linspace(-10, 10, 801)))])
"""The thresholds that are tried."""


@dataclass(frozen=True)
class Losses:
    """What is missed and flagged at each of THRESHOLDS.

    missed    float (k,): the share of the known errors of a clip, each kind counting alike; None for a clip without any
    flagged   float (k,): the share of the faithful pixels of its own results
    by_error  `missed` of each kind of known error that the clip has
    """

    missed: np.ndarray | None
    flagged: np.ndarray
    by_error: Mapping[str, np.ndarray] = field(default_factory=dict)


def calibrate(
    enhancer: Enhancer,
    settings: CalibrationSettings,
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
) -> Calibrated:
    """The calibration of an enhancer's checkpoint, for the bundled fusion, and the reference of its trust cards.

    progress(done, total) is called after every clip: each is seen once for the thresholds, and once for the reference.
    Raises SettingsError, and Cancelled.
    """
    settings.check()
    clips = list(calibration_clips(settings.clips))
    found, cards = [], []

    def counted() -> Iterator[LesionClip]:
        for clip in clips:
            if cancel is not None and cancel.is_set():
                raise Cancelled("Stopped; nothing was written.")
            yield clip
            if progress is not None:
                progress(len(found) + len(cards), 2 * len(clips))

    for clip in counted():
        found.append(losses(clip, enhancer))
    amber, red = thresholds(found)
    with_errors = sum(one.missed is not None for one in found)
    config = enhancer.checkpoint.config
    calibration = Calibration(
        generator=enhancer.checkpoint.sha256,
        fusion=fusion_sha256(),
        amber=amber,
        red=red,
        clips={"with known errors": with_errors, "faithful": len(found)},
        phantom=PHANTOM_VERSION,
        errors=ERRORS,
        date=datetime.now(UTC).date().isoformat(),
        gain=config.gain,
        haze_gain=config.haze_gain,
        caution=config.caution,
        dark_level=config.dark_level,
        keep_walls=config.keep_walls,
    )
    for clip in counted():
        cards.append(card_numbers(clip, enhancer, calibration))
    numbers, features = zip(*cards, strict=True)
    return Calibrated(calibration, Reference.of(numbers, features))


def card_numbers(
    clip: LesionClip, enhancer: Enhancer, calibration: Calibration
) -> tuple[dict[str, float | None], np.ndarray]:
    """The numbers of the trust card of a clip's control by name, and its features (d,)."""
    prepared = prepare(enhancer, clip.array("control"), clip)
    flagger, diagnoses = Flagger(calibration, prepared.space.tissue), Diagnoses(prepared.space)
    maker = CardMaker(enhancer, prepared, Calibrated(calibration, NO_REFERENCE))
    for chunk in enhancer.run(prepared):
        maker.add(chunk, diagnoses.add(chunk), found_in(chunk, flagger))
    features = maker.numbers().features
    assert features is not None, "the segmenter sees the first frame"
    return {one.name: one.size for one in maker.card().findings}, features


def calibration_clips(count: int, folder: Path | None = None) -> Iterator[LesionClip]:
    """`count` clips of each kind of lesion; a folder keeps them, where there is one."""
    for kind in LESIONS:
        yield from lesion_clips(kind, FIRST_SEED, count, FRAMES, folder)


def losses(clip: LesionClip, enhancer: Enhancer) -> Losses:
    """What each threshold misses and flags on one clip and its control."""
    own = list(examples([clip], enhancer))
    known = {"swapped": swapped(own), "painted": painted(own, seed=int(str(clip.facts["seed"])))}
    by_error = {}
    for kind, made in known.items():
        errors = [missed(one, *probabilities(one)) for one in made]
        if kept := [one for one in errors if one is not None]:
            by_error[kind] = np.mean(kept, 0)
    flags = [flagged(one, *probabilities(one)) for one in own]
    return Losses(np.mean(list(by_error.values()), 0) if by_error else None, np.mean(flags, 0), by_error)


def thresholds(found: list[Losses]) -> tuple[float, float]:
    """(amber, red) of the losses of all clips. Red is 1, so nothing is red, where too few clips promise nothing.

    Known errors may be found with so little flagged that amber were red, or nearly so. Errors of other kinds are harder
    to find, so amber is never higher than what flags AMBER_FLAGS. Raises SettingsError where hardly any clip shows its
    lesion.
    """
    flags = np.stack([one.flagged for one in found])
    red = flag_threshold(flags, THRESHOLDS, ALPHA_FLAG) or 1.0
    ample = flag_threshold(flags, THRESHOLDS, AMBER_FLAGS) or 1.0
    misses = [one.missed for one in found if one.missed is not None]
    amber = miss_threshold(np.stack(misses), THRESHOLDS, ALPHA_MISS) if misses else None
    if amber is None:
        raise SettingsError("Too few clips show their lesion for a calibration. Give more clips.")
    # A lower amber misses less, so both promises hold.
    return min(amber, ample, red), red


def probabilities(example: Example) -> tuple[np.ndarray, np.ndarray]:
    """The probabilities of removed and of invented in the middle frame, float32 (h, w) each."""
    middle = slice(example.middle, example.middle + 1)
    (removed,), (invented,) = bundled_finder(example.tissue)(example.x[middle], example.g[middle])
    return removed, invented


def missed(example: Example, removed: np.ndarray, invented: np.ndarray) -> np.ndarray | None:
    """The share of the erased and invented pixels below each threshold, float (k,); None without any."""
    truth = example.truth
    values = np.concatenate([removed[truth.erased], invented[truth.invented]])
    return below(values) if len(values) else None


def flagged(example: Example, removed: np.ndarray, invented: np.ndarray) -> np.ndarray:
    """The share of the faithful pixels that reach each threshold, float (k,)."""
    return 1 - below(np.maximum(removed, invented)[example.truth.faithful])


def below(values: np.ndarray) -> np.ndarray:
    """The share of the values below each of THRESHOLDS; 1 where there are none, as nothing is flagged."""
    return (
        np.searchsorted(np.sort(values), THRESHOLDS) / len(values)
        if len(values)
        else np.ones(len(THRESHOLDS))
    )
