"""The protocol of a reader study as data: its parts, their questions, and the rules that the assignments keep."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from echogan.core.errors import SettingsError, StudyError
from echogan.core.settings import NAME, check_settings, number, switch, text

PartKind = Literal["single", "pair", "guess", "fidelity"]
KINDS: tuple[PartKind, ...] = ("single", "pair", "guess", "fidelity")
"""In the order in which a study asks them. `guess` and `fidelity` tell a reader about the arms, so they come last."""
FORMAT = 1  # of the JSON file


@dataclass(frozen=True)
class Wording:
    """A question and the anchor text of each value."""

    question: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Item:
    """One question with ordered answers.

    values         whole numbers, ascending; the answer that is stored
    by_view        the wording for a view where it differs from `wording`: view-specific anchors agree better
                   than general ones
    cannot_assess  whether the reader may answer "cannot assess", stored as null, which is not a missing answer
    """

    name: str
    values: tuple[int, ...]
    wording: Wording
    by_view: Mapping[str, Wording] = field(default_factory=dict)
    cannot_assess: bool = True

    def worded(self, view: str) -> Wording:
        """The question and labels for a view."""
        return self.by_view.get(view, self.wording)

    def check(self) -> None:
        """Raise StudyError unless every value has a label."""
        if not self.name.isidentifier():
            raise StudyError(f"The item name '{self.name}' is no plain word: use letters, digits and _.")
        if len(self.values) < 2 or list(self.values) != sorted(set(self.values)):
            raise StudyError(f"The item '{self.name}' needs two or more values in ascending order.")
        for wording in (self.wording, *self.by_view.values()):
            if len(wording.labels) != len(self.values) or not wording.question:
                raise StudyError(f"The item '{self.name}' needs a question, and one label for each value.")


@dataclass(frozen=True)
class Part:
    """One kind of reading.

    single    one clip at a time, blinded; two sessions, in which a patient is shown in one arm each
    pair      both arms of a clip side by side, blinded; one session
    guess     some clips, one at a time: which arm is it? (for Bang's blinding index)
    fidelity  original left and enhanced right, both labelled: what was added, removed, moved?
    """

    kind: PartKind
    items: tuple[Item, ...]
    training: int = number(5, "clips rated first and left out of the analysis", 0, 20)
    repeat_share: float = number(0.16, "share of the showings that are unannounced repeats", 0.0, 0.5)
    repeat_least: int = number(10, "repeats of one reader, at the least", 0, 100)
    clips: int | None = number(None, "show only so many clips, drawn at random; all where not given", 1, 1000)
    comment: bool = switch(False, "offer a line of free text")

    @property
    def sessions(self) -> int:
        """How many sessions the part takes."""
        return 2 if self.kind == "single" else 1


@dataclass(frozen=True)
class Protocol:
    """All that decides how a study is read. Its SHA-256 stands in the study's records."""

    name: str = text("study", "name of the protocol", NAME, "a plain name")
    title: str = text("", "what readers see on top of the page")
    parts: tuple[Part, ...] = ()
    primary: str = text("", "the primary item of the part single; its first one where not given")
    readers: int = number(5, "readers planned", 1, 100)
    washout_days: float = number(28.0, "days between the two sessions of the part single", 0.0, 365.0)
    session_minutes: float = number(30.0, "the reader is asked to pause after so many minutes", 5.0, 240.0)
    seconds_per_clip: float = number(30.0, "expected, until a reader's own time is known", 1.0, 600.0)
    min_plays: int = number(1, "full loops before a rating is taken", 0, 10)
    plan: Mapping[str, str] = field(default_factory=dict)
    """The pre-registered analysis, as heading -> text."""

    def part_of(self, session: int) -> Part:
        """The part that a session, counted from 1 over the whole study, belongs to."""
        return [part for part in self.parts for _ in range(part.sessions)][session - 1]

    @property
    def sessions(self) -> int:
        """Sessions of the whole study."""
        return sum(part.sessions for part in self.parts)

    def washout_before(self, session: int) -> float:
        """Days that must pass between the session before this one and this one."""
        second = session > 1 and self.part_of(session) == self.part_of(session - 1)
        return self.washout_days if second else 0.0

    def part(self, kind: str) -> Part | None:
        """The part of a kind; None where the protocol has none."""
        return next((part for part in self.parts if part.kind == kind), None)

    @property
    def training_clips(self) -> int:
        """How many clips are kept for training."""
        return max((part.training for part in self.parts), default=0)

    def check(self) -> None:
        """Raise StudyError, naming what is wrong, unless the protocol can be used."""
        try:
            check_settings(self)
            for part in self.parts:
                check_settings(part)
        except SettingsError as error:
            raise StudyError(f"The protocol: {error}") from None
        kinds = [part.kind for part in self.parts]
        if not kinds or kinds != sorted(set(kinds), key=KINDS.index):
            raise StudyError(f"A protocol has one or more parts, each once, in the order {', '.join(KINDS)}.")
        single = self.part("single")
        if self.primary and not (single and self.primary in {item.name for item in single.items}):
            raise StudyError(
                f"The primary item '{self.primary}' is none of the part single: choose one of its items."
            )
        for part in self.parts:
            for item in part.items:
                item.check()
            if not part.items or len({item.name for item in part.items}) != len(part.items):
                raise StudyError(f"The part {part.kind} needs items, each with a name of its own.")

    def to_json(self) -> str:
        """Canonical: sorted keys and no spaces, so that equal protocols have equal text."""
        content = {"format": FORMAT, **asdict(self)}
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @property
    def sha256(self) -> str:
        """Of the canonical JSON."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @classmethod
    def from_json(cls, content: str) -> Protocol:
        """Read and check a protocol. Raises StudyError."""
        try:
            data = dict(json.loads(content))
            if data.pop("format", FORMAT) != FORMAT:
                raise StudyError(f"The protocol is of a newer format than {FORMAT}: update the program.")
            data["parts"] = tuple(_part(part) for part in data.get("parts", ()))
            protocol = _made(cls, data)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StudyError(
                f"The protocol cannot be read ({error}): compare it with a default one."
            ) from None
        protocol.check()
        return protocol


def _part(data: dict[str, Any]) -> Part:
    return _made(Part, {**data, "items": tuple(_item(item) for item in data["items"])})


def _item(data: dict[str, Any]) -> Item:
    by_view = {view: _wording(wording) for view, wording in data.get("by_view", {}).items()}
    values = tuple(data["values"])
    if not all(type(value) is int for value in values):
        raise ValueError(f"the values of {data['name']} are not whole numbers")
    return _made(Item, {**data, "values": values, "wording": _wording(data["wording"]), "by_view": by_view})


def _wording(data: dict[str, Any]) -> Wording:
    return _made(Wording, {**data, "labels": tuple(map(str, data["labels"]))})


def _made(cls: Any, data: dict[str, Any]) -> Any:
    known = {f.name for f in fields(cls)}
    if unknown := sorted(set(data) - known):
        raise ValueError(f"{cls.__name__} has no field {unknown[0]}")
    return cls(**data)
