"""A simulated study from its clips to its end: phantom clips, real stimuli, and readers who are drawn at random.

It goes the way of a real study: the network enhances the clips, the arms are blinded, assignments are fixed, every
rating is stored, a washout passes, and the arms are told after freezing. The answers are those of `simulated_study`, so
the analysis must find the effects that are stated there. Nobody has read anything: its readers have the role that
marks every report of it.
"""

from __future__ import annotations

import csv
import math
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from echogan.core.atomic import output_errors
from echogan.core.errors import SettingsError
from echogan.enhance.enhancer import EnhanceSettings
from echogan.phantom_files.files import write_grey
from echogan.phantom_files.pairs import PairSettings, pairs
from echogan.study.analysis.simulation import simulated_study
from echogan.study.analysis.tables import StudyTables
from echogan.study.creation import create_study
from echogan.study.default_protocols import FIDELITY, GUESS, PAIR, SINGLE
from echogan.study.protocol import Protocol
from echogan.study.readiness import open_study
from echogan.study.store.lifecycle import confirm_media, freeze, unblind
from echogan.study.store.ratings import Rating, record
from echogan.study.store.readers import DAY, SIMULATED, Reader, invite, stored_cases
from echogan.study.store.reading import next_task
from echogan.study.store.store import Store

ACTOR = "simulation"
LIST = "list.csv"
PAIR_ITEMS = {item.name for item in PAIR.items}
TRAINING = 2  # clips
UNSURE = 0.5  # of a guess, between wrong and right
OTHERWISE = 0.25  # chance that a repeat gets the level beside the first one
PROTOCOL = Protocol(
    "simulated",
    "Simulated study: phantom clips, simulated readers",
    tuple(replace(part, training=min(part.training, TRAINING)) for part in (SINGLE, PAIR, GUESS, FIDELITY)),
)


@dataclass
class _Clock:
    """Seconds since 1970, moved by hand."""

    now: float

    def __call__(self) -> float:
        return self.now


def simulate_study(
    folder: Path,
    readers: int = 6,
    patients: int = 24,
    frames: int = 16,
    seed: int = 0,
    settings: EnhanceSettings | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
) -> Store:
    """Make the study in a new folder, and read it to its end; it is frozen and unblinded then.

    One phantom clip for each patient, degraded, enhanced by the default checkpoint. Raises SettingsError, OutputError,
    StudyError and Cancelled.
    """
    if not (2 <= readers <= 100 and 3 <= patients <= 500):
        raise SettingsError("Give 2 to 100 readers and 3 to 500 patients.")
    with output_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    protocol = replace(PROTOCOL, readers=readers)
    clock = _Clock(time.time() - (protocol.washout_days + 3) * DAY)
    with TemporaryDirectory(prefix="phantom-") as clips:
        _write_clips(Path(clips), patients + TRAINING, frames, seed)
        create_study(
            Path(clips) / LIST, folder, protocol, "echogan", settings, ACTOR, progress, cancel, clock
        )
    store = Store(folder, clock=clock)
    confirm_media(store, ACTOR)
    open_study(store, ACTOR, lasting=True)
    invited = [invite(store, ACTOR, SIMULATED)[0] for _ in range(readers)]
    answers = _Answers(store, simulated_study(readers, patients, 1, seed), seed)
    for days in (protocol.washout_days, 0.0):
        for reader in invited:
            _read_session(store, reader, answers, clock)
        clock.now += days * DAY
    freeze(store, ACTOR)
    unblind(store, ACTOR, "the simulated readers are done")
    return store


def _write_clips(folder: Path, count: int, frames: int, seed: int) -> None:
    """Degraded phantom clips, each of another heart, and their list. The last ones are for training."""
    rows = []
    for n, pair in enumerate(pairs(PairSettings(clips=count, seed=seed, frames=frames))):
        name = f"{pair.name}.gif"
        write_grey(folder / name, pair.clip, "degraded")
        rows.append(
            {
                "original": name,
                "patient": pair.name,
                "view": str(pair.clip.truth["view"]).partition("-")[0],  # PSAX-PM is a PSAX
                "quality": "poor",
                "role": "training" if n >= count - TRAINING else "main",
                "text": "none",
                "sector": ",".join(f"{number:.4f}" for number in pair.clip.fan),
            }
        )
    with (folder / LIST).open("w", newline="") as file:
        lines = csv.DictWriter(file, list(rows[0]))
        lines.writeheader()
        lines.writerows(rows)


def _read_session(store: Store, reader: Reader, answers: _Answers, clock: _Clock) -> None:
    """Rate whatever may be rated now, up to the washout or the end."""
    while task := next_task(store, reader):
        with store.read() as db:
            shown = db.execute(
                "SELECT clip, show, kind FROM assignment AS a JOIN stimulus ON stimulus.id = stimulus WHERE a.id = ?",
                (task.id,),
            ).fetchone()
        seconds = answers.seconds(reader.slot, shown["clip"], shown["show"])
        clock.now += seconds
        given = {
            item["name"]: answers.value(reader.slot, item, shown["clip"], shown["show"], shown["kind"])
            for item in task.items
        }
        rating = Rating(str(uuid.uuid4()), task.id, given, plays=2, dwell_ms=round(1000 * seconds))
        record(store, reader, rating)


class _Answers:
    """What each reader answers to each showing, from the tables of a simulated study with one clip a patient."""

    def __init__(self, store: Store, study: StudyTables, seed: int) -> None:
        self._rng = np.random.default_rng([seed, 1])
        with store.read() as db:
            main = [case.clip for case in stored_cases(db) if case.role == "main"]
        self._clip = dict(zip(main, sorted(study.times["clip"].unique()), strict=True))
        self._value: dict[tuple[str, ...], float] = {}
        for row in study.main().to_dict("records"):
            self._value[row["reader"], row["clip"], row["arm"], row["item"]] = row["value"]
        for row in study.pairs.to_dict("records"):
            self._value[row["reader"], row["clip"], "pair"] = row["value"]
        for row in study.fidelity.to_dict("records"):
            self._value[row["reader"], row["clip"], row["item"]] = row["grade"]
        for row in study.guesses.to_dict("records"):  # right, wrong or unsure, whatever arm this study shows
            right = float(row["guess"] == row["arm"])
            self._value[row["reader"], row["clip"], "guess"] = right if row["guess"] else UNSURE
        times = study.times.to_dict("records")
        self._seconds = {(row["reader"], row["clip"], row["arm"]): float(row["seconds"]) for row in times}

    def seconds(self, slot: int, clip: str, show: str) -> float:
        """How long the reader looks; as at an original, where both arms are shown."""
        arm = "enhanced" if show == "enhanced" else "original"
        return self._seconds.get((f"R{slot + 1:02}", self._clip.get(clip, ""), arm), 30.0)

    def value(self, slot: int, item: dict[str, Any], clip: str, show: str, kind: str) -> int | None:
        """The answer to one question of a showing; None for "cannot assess"."""
        values, name = item["values"], item["name"]
        if kind == "training":
            return values[len(values) // 2]
        key = f"R{slot + 1:02}", self._clip[clip]
        if name == "arm_guess":
            right = self._value[*key, "guess"]
            return None if right == UNSURE else int((show == "enhanced") == bool(right))
        if name in PAIR_ITEMS:
            side = -1 if show == "enhanced_left" else 1
            found = side * self._value[*key, "pair"]
        else:
            found = self._value[(*key, name) if show.startswith("enhanced_") else (*key, show, name)]
        if math.isnan(found):
            return None
        moved = self._rng.choice([-1, 1]) if kind == "repeat" and self._rng.random() < OTHERWISE else 0
        return int(min(max(found + moved, values[0]), values[-1]))
