"""Small studies with stand-in stimuli, and a clock that is set by hand."""

import hashlib
import uuid
from dataclasses import replace
from pathlib import Path

from echogan.study.default_protocols import PROTOCOLS
from echogan.study.design import Case
from echogan.study.protocol import Protocol
from echogan.study.readiness import needed_shows, open_study
from echogan.study.store.lifecycle import Stimulus, begin, confirm_media
from echogan.study.store.ratings import Rating
from echogan.study.store.reading import Task
from echogan.study.store.store import Store

DAY = 86_400.0
ENCODING = {"width": 64, "height": 48, "frames": 8, "fps": 25.0}


class Clock:
    """Seconds since 1970, moved by hand."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def small(name: str = "single", readers: int = 2) -> Protocol:
    """A default protocol with little training and few repeats."""
    protocol = PROTOCOLS[name]
    parts = tuple(
        replace(p, training=min(p.training, 1), repeat_least=0, clips=p.clips and 2) for p in protocol.parts
    )
    return replace(protocol, parts=parts, readers=readers)


def small_cases(count: int = 6, training: int = 1) -> list[Case]:
    views, qualities = ("A4C", "A2C"), ("poor", "medium", "poor")
    cases = [
        Case(f"P{i + 1:03d}-1", f"P{i + 1:03d}", views[i % 2], qualities[i % 3])
        for i in range(count + training)
    ]
    return [replace(case, role="training") if i >= count else case for i, case in enumerate(cases)]


def draft(
    folder: Path,
    protocol: Protocol | None = None,
    cases: list[Case] | None = None,
    clock: Clock | None = None,
    writer=None,
    confirmed: bool = True,
    media: bytes = b"\x1a\x45\xdf\xa3" + bytes(60),
    enhanced_media: bytes | None = None,
) -> Store:
    """A study that could be opened; its stimuli are files of a few bytes, not videos."""
    protocol, cases = protocol or small(), cases or small_cases()
    store = Store.create(folder, writer, clock or Clock())
    stimuli = []
    for case in cases:
        for show in sorted({show for part in protocol.parts for show in needed_shows(part)}):
            name = hashlib.sha256(f"{case.clip}/{show}".encode()).hexdigest()[:32]
            content = enhanced_media if enhanced_media and show == "enhanced" else media
            (store.media / f"{name}.webm").write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            stimuli.append(Stimulus(name, case.clip, show, digest, len(content), "", ENCODING))
    begin(store, "lead", protocol, cases, stimuli, seed="seed")
    if confirmed:
        confirm_media(store, "lead")
    return store


def opened_study(folder: Path, **options) -> Store:
    """The same, open."""
    store = draft(folder, **options)
    open_study(store, "lead", lasting=True)
    return store


def rating(task: Task, value: int | None = None, uuid_: str | None = None, **options) -> Rating:
    """A complete rating of a task: the first value of each item where none is given."""
    answers = {item["name"]: item["values"][0] if value is None else value for item in task.items}
    usual = {"plays": 1, "dwell_ms": 20_000, "viewport": "1280x800"}
    return Rating(uuid_ or str(uuid.uuid4()), task.id, answers, **{**usual, **options})
