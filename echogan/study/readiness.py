"""Why a study cannot open yet, as a list of points that say what to do; and opening it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from echogan.core.errors import StudyError
from echogan.study.design import ARMS, Case, Show
from echogan.study.protocol import Part, Protocol
from echogan.study.store.lifecycle import fix_assignments, media_confirmed
from echogan.study.store.readers import stored_cases
from echogan.study.store.store import Store

PERSISTENT = Path("/data")  # where a Space mounts storage that outlives a restart
FEW_PATIENTS, FEW_READERS = (
    30,
    5,
)  # below this, a gain of 0.44 points is missed more often than one time in five


@dataclass(frozen=True)
class Point:
    """One point of the list. Where it is `needed` and not `ok`, the study does not open; else it is advice."""

    ok: bool
    sentence: str
    needed: bool = True


def readiness(store: Store, lasting: bool | None = None) -> list[Point]:
    """All points, in the order in which to settle them. `lasting`: whether the disk outlives a restart."""
    points = [_protocol_point(store)]
    if not points[0].ok:
        return points
    protocol = store.protocol()
    with store.read() as db:
        cases = stored_cases(db)
        stimuli = db.execute("SELECT * FROM stimulus").fetchall()
        invited = db.execute("SELECT COUNT(*) FROM reader").fetchone()[0]
    shown = {(row["clip"], row["show"]) for row in stimuli}
    points += [
        *_case_points(protocol, cases),
        _complete_point(protocol, cases, shown),
        _media_point(store, stimuli),
        _confirmed_point(store),
        lasting_point(store, lasting),
        Point(invited > 0, "Somebody is invited." if invited else "Nobody is invited yet.", needed=False),
    ]
    return points


def open_study(store: Store, actor: str, lasting: bool | None = None) -> None:
    """Fix all assignments and let readers in. Raises StudyError with the first reason where the study is not ready."""
    for point in readiness(store, lasting):
        if point.needed and not point.ok:
            raise StudyError(point.sentence)
    fix_assignments(store, actor)


def needed_shows(part: Part) -> tuple[Show, ...]:
    """The stimuli of a clip that a part needs."""
    if part.kind == "pair":
        return ("enhanced_left", "enhanced_right")
    return ("enhanced_right",) if part.kind == "fidelity" else ("original", "enhanced")


def lasts(folder: Path) -> bool:
    """Whether files in a folder outlive a restart: not on a Space, except in the storage that it mounts."""
    on_space = bool(os.environ.get("SPACE_ID") or os.environ.get("SPACE_HOST"))
    return not on_space or folder.resolve().is_relative_to(PERSISTENT)


def lasting_point(store: Store, lasting: bool | None = None) -> Point:
    """Whether ratings outlive a restart of the host."""
    lasting = lasts(store.folder) if lasting is None else lasting
    if lasting or store.writer is not None:
        return Point(True, "Ratings outlive a restart of this host.")
    return Point(
        False,
        "This host loses its disk at a restart, and ratings with it: add persistent storage, or name a Hub dataset in "
        "ECHOGAN_STUDY_HUB.",
    )


def _protocol_point(store: Store) -> Point:
    try:
        protocol = store.protocol()
    except StudyError as error:
        return Point(False, str(error))
    return Point(True, f"The protocol is sound ({protocol.sha256[:12]}).")


def _case_points(protocol: Protocol, cases: list[Case]) -> list[Point]:
    patients = {case.patient for case in cases if case.role == "main"}
    training = [case for case in cases if case.role == "training"]
    points = [
        Point(
            len(patients) >= 2,
            f"{len(patients)} patients are read."
            if len(patients) >= 2
            else f"There are clips of {len(patients)} patient(s) to read, beside those for training: add more.",
        ),
        Point(
            len(training) >= protocol.training_clips,
            f"{len(training)} clips are for training."
            if len(training) >= protocol.training_clips
            else f"The protocol wants {protocol.training_clips} training clips and there are {len(training)}: add "
            "clips or lower `training` in the protocol.",
        ),
    ]
    mixed = {case.patient for case in training} & patients
    points.append(
        Point(not mixed, "No patient is in training and in the study." if not mixed else
              f"Patient {min(mixed)} is in training and in the study: give other patients the role training.")
    )  # fmt: skip
    large = len(patients) >= FEW_PATIENTS and protocol.readers >= FEW_READERS
    size = f"{protocol.readers} readers and {len(patients)} patients"
    points.append(
        Point(
            large,
            f"{size}: enough for a gain of about half a point."
            if large
            else f"{size} are few: {FEW_READERS} readers and {FEW_PATIENTS} patients find a gain of 0.44 points in "
            "87 of 100 studies.",
            needed=False,
        )
    )
    return points


def _complete_point(protocol: Protocol, cases: list[Case], shown: set[tuple[str, str]]) -> Point:
    wanted = {show for part in protocol.parts for show in needed_shows(part)}
    missing = sorted(
        case.clip for case in cases if not wanted <= {show for clip, show in shown if clip == case.clip}
    )
    if missing:
        return Point(
            False, f"{len(missing)} clips lack stimuli, the first is {missing[0]}: create the study again."
        )
    return Point(True, "Every clip has its stimuli.")


def _media_point(store: Store, stimuli: Sequence[Mapping[str, Any]]) -> Point:
    sizes: dict[tuple[str, bool], set[int]] = {}
    for row in stimuli:
        path = store.media / f"{row['id']}.webm"
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != row["sha256"]:
            return Point(
                False, "Stimuli are missing or were changed: create the study again, or restore a backup."
            )
        sizes.setdefault((row["clip"], row["show"] in ARMS), set()).add(path.stat().st_size)
    if any(len(found) > 1 for found in sizes.values()):
        return Point(
            False, "The arms of a clip differ in size, which tells them apart: create the study again."
        )
    return Point(
        True, f"{len(stimuli)} stimuli are there, as they were made; both arms of a clip are of equal size."
    )


def _confirmed_point(store: Store) -> Point:
    if media_confirmed(store):
        return Point(True, "A person has looked at the stimuli: no names, no text.")
    return Point(
        False,
        "Nobody has looked at the stimuli for names and text: look at them, then confirm that there are none.",
    )
