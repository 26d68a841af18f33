"""Who is shown what, in which order: counterbalanced, balanced by view and quality, with unannounced repeats.

Designs A (single stimulus, two sessions) and B (pairs). Every reader's list follows from the protocol, the cases, the
seed and the reader's number alone, so one more reader changes nothing for the others.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from echogan.study.protocol import Part, Protocol

Show = Literal["original", "enhanced", "enhanced_left", "enhanced_right"]
Role = Literal["main", "training", "gold"]
Kind = Literal["main", "training", "gold", "repeat"]
ARMS: tuple[Show, Show] = ("original", "enhanced")
SIDES: tuple[Show, Show] = ("enhanced_left", "enhanced_right")
REPEAT_GAP = 10  # showings between a clip and its repeat, where the session is long enough


@dataclass(frozen=True)
class Case:
    """One clip of one patient, under pseudonyms.

    quality   of the original, in words of the study's own, such as poor; assignments are balanced by it
    expected  for gold cases: item -> (lowest, highest) answer; who answers otherwise is flagged, never left out
    """

    clip: str
    patient: str
    view: str = "other"
    quality: str = "unknown"
    role: Role = "main"
    expected: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Assignment:
    """One showing of one clip to one reader.

    session    from 1, over all parts of the study
    position   from 0, within the session
    repeat_of  position of the first showing, for repeats
    """

    session: int
    position: int
    clip: str
    show: Show
    kind: Kind
    repeat_of: int | None = None


@dataclass(frozen=True)
class _Showing:
    case: Case
    show: Show
    kind: Kind


def assignments_of(protocol: Protocol, cases: Sequence[Case], seed: str, reader: int) -> list[Assignment]:
    """Everything that reader number `reader` (from 0) is shown, in order.

    Odd readers are shown the reverse of what the even reader before them is shown: so each patient begins in each
    arm equally often, and so do the sides. Within one reader the arms are balanced by view and baseline quality.
    """
    made: list[Assignment] = []
    session = 1
    for part in protocol.parts:
        shows = _balanced(part, cases, seed, reader)
        repeated = _repeated(part, cases, seed, reader)
        for visit in range(part.sessions):
            rng = random.Random(f"{seed}/{reader}/{part.kind}/{visit}/order")
            made += _session(part, shows, repeated, session, visit, rng)
            session += 1
    return made


def repeats(part: Part, clips: int) -> int:
    """How many of `clips` main clips are repeated in each session: the share, at least the least, at most half."""
    wanted = max(math.ceil(part.repeat_share * clips), math.ceil(part.repeat_least / part.sessions))
    return min(wanted, clips // 2)


def _balanced(part: Part, cases: Sequence[Case], seed: str, reader: int) -> list[_Showing]:
    """What is shown in the part's first session: arms or sides alternate along the strata, by patient.

    For pairs and guesses by clip: there a patient's clips need not agree.
    """
    chosen = _chosen(part, cases, seed)
    if part.kind == "fidelity":
        return [_Showing(case, "enhanced_right", case.role) for case in chosen]
    choices = SIDES if part.kind == "pair" else ARMS
    flip = reader % 2
    rng = random.Random(f"{seed}/{reader // 2}/{part.kind}/balance")
    start = rng.randrange(2)
    by_patient = part.kind == "single"
    shows: dict[str, Show] = {}
    for role in ("main", "gold", "training"):
        units: dict[str, Case] = {}
        for case in chosen:
            if case.role == role:
                units.setdefault(case.patient if by_patient else case.clip, case)
        for index, unit in enumerate(_by_stratum(units, rng)):
            shows[unit] = choices[(index + start + flip) % 2]
        start = rng.randrange(2)
    return [_Showing(case, shows[case.patient if by_patient else case.clip], case.role) for case in chosen]


def _by_stratum(units: Mapping[str, Case], rng: random.Random) -> list[str]:
    """Names in random order within a stratum of view and quality, strata one after the other."""
    names = sorted(units)
    rng.shuffle(names)
    return sorted(names, key=lambda name: (units[name].view, units[name].quality))


def _chosen(part: Part, cases: Sequence[Case], seed: str) -> list[Case]:
    """The cases of a part, the same for all readers: all main and gold ones or a draw, and its training clips."""
    training = [case for case in cases if case.role == "training"][: part.training]
    shown = [case for case in cases if case.role == "main"]
    if part.clips is not None and part.clips < len(shown):
        drawn = set(random.Random(f"{seed}/{part.kind}/clips").sample(range(len(shown)), part.clips))
        shown = [case for index, case in enumerate(shown) if index in drawn]
    gold = [case for case in cases if case.role == "gold"] if part.kind in ("single", "pair") else []
    return [*training, *shown, *gold]


def _repeated(part: Part, cases: Sequence[Case], seed: str, reader: int) -> set[str]:
    """The clips that a reader sees twice in each session of a part."""
    main = [case.clip for case in _chosen(part, cases, seed) if case.role == "main"]
    rng = random.Random(f"{seed}/{reader}/{part.kind}/repeats")
    return set(rng.sample(main, repeats(part, len(main))))


def _session(
    part: Part, shows: Sequence[_Showing], repeated: set[str], session: int, visit: int, rng: random.Random
) -> list[Assignment]:
    """One session: training first and only at the first visit, then the rest in random order with its repeats."""
    turned = [_turned(showing) if visit else showing for showing in shows]
    training = [showing for showing in turned if showing.kind == "training"] if visit == 0 else []
    rest = [showing for showing in turned if showing.kind != "training"]
    rng.shuffle(rest)
    order = [*training, *_with_repeats(part, rest, repeated, rng)]
    first: dict[str, int] = {}
    made = []
    for position, showing in enumerate(order):
        before = first.setdefault(showing.case.clip, position)
        repeat_of = before if showing.kind == "repeat" else None
        made.append(Assignment(session, position, showing.case.clip, showing.show, showing.kind, repeat_of))
    return made


def _with_repeats(
    part: Part, order: list[_Showing], repeated: set[str], rng: random.Random
) -> list[_Showing]:
    """Add a second showing of the repeated clips, at least REPEAT_GAP later, or half the session where it is short."""
    gap = min(REPEAT_GAP, len(order) // 2)
    early = len(order) - gap  # a first showing from here on would leave no room for its repeat
    free = [i for i, showing in enumerate(order[:early]) if showing.case.clip not in repeated]
    for i in range(early, len(order)):
        if order[i].case.clip in repeated:
            j = free.pop(rng.randrange(len(free)))
            order[i], order[j] = order[j], order[i]
    made = list(order)
    for showing in [showing for showing in order if showing.case.clip in repeated]:
        again = _turned(showing) if part.kind == "pair" else showing
        place = rng.randint(made.index(showing) + gap, len(made))
        made.insert(place, _Showing(again.case, again.show, "repeat"))
    return made


def _turned(showing: _Showing) -> _Showing:
    """The same clip in the other arm, or with the sides exchanged."""
    pair: tuple[Show, Show] = ARMS if showing.show in ARMS else SIDES
    return _Showing(showing.case, pair[1 - pair.index(showing.show)], showing.kind)
