"""Make a study: read the list of clips, set some aside for training, write the stimuli, fill the store."""

from __future__ import annotations

import csv
import io
import os
import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from echogan.core.atomic import Unfinished
from echogan.core.csv_guard import guarded
from echogan.core.errors import Cancelled, OutputError, StudyError
from echogan.enhance.enhancer import Enhancer, EnhanceSettings
from echogan.study.default_protocols import PROTOCOLS
from echogan.study.design import Case, Show
from echogan.study.media.mask_sheet import hidden, mask_sheet
from echogan.study.media.pairing import open_pair
from echogan.study.media.sources import Source, read_sources
from echogan.study.media.stimuli import write_stimuli
from echogan.study.protocol import Protocol
from echogan.study.readiness import needed_shows
from echogan.study.store.lifecycle import Stimulus, begin
from echogan.study.store.store import MEDIA, Store

LINKAGE = "linkage.csv"
"""Which file is behind which pseudonym. Stays in the study's folder: no backup and no export holds it."""
MASKS = "masks.png"
"""What is hidden over the tissue of each clip. Stays in the folder too: a name may be under a mask."""
DEFAULT_MODEL = "echogan"


@dataclass(frozen=True)
class Summary:
    """What a new study holds, for the person who made it; without names."""

    clips: int
    patients: int
    training: int
    views: dict[str, int]
    qualities: dict[str, int]
    hidden: int
    """clips over whose tissue something was taken for text"""

    def __str__(self) -> str:
        def listed(counts: dict[str, int]) -> str:
            return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))

        told = f"; {self.hidden} clips have places over the tissue that are hidden as text: see {MASKS}"
        return (
            f"{self.clips} clips of {self.patients} patients, and {self.training} clips for training; "
            f"views: {listed(self.views)}; quality: {listed(self.qualities)}{told if self.hidden else ''}"
        )


def load_protocol(name: str) -> Protocol:
    """A default protocol by its name, or one from a JSON file. Raises StudyError."""
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    try:
        return Protocol.from_json(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeError):
        raise StudyError(
            f"There is no protocol '{name}': give {', '.join(PROTOCOLS)} or a JSON file."
        ) from None


def create_study(
    place: Path,
    folder: Path,
    protocol: Protocol,
    model: str = DEFAULT_MODEL,
    settings: EnhanceSettings | None = None,
    actor: str = "lead",
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
    clock: Callable[[], float] = time.time,
) -> Summary:
    """Make a draft in `folder` of the clips of `place`, a folder or a CSV file.

    Enhanced clips that are not given are made with the checkpoint `model`. Patients are taken for training at random
    where no clip has that role. Raises EchoGANError, and then leaves nothing behind.
    """
    protocol.check()
    seed = secrets.token_hex(16)
    sources = with_training(read_sources(place), protocol.training_clips, seed)
    _check_expected(sources, protocol)
    pairs = [open_pair(source) for source in sources]  # all are compared before the first is enhanced
    enhancer = None
    if any(pair.enhanced is None for pair in pairs):
        from echogan.model.checkpoints.hub import load_checkpoint

        enhancer = Enhancer(load_checkpoint(model), settings)
    cases = pseudonyms(sources, seed)
    shows: list[Show] = sorted({show for part in protocol.parts for show in needed_shows(part)})
    unfinished = Unfinished(folder, folder=True)
    try:
        media = unfinished.path / MEDIA
        media.mkdir()
        stimuli: list[Stimulus] = []
        for done, (pair, case) in enumerate(zip(pairs, cases, strict=True)):
            if cancel is not None and cancel.is_set():
                raise Cancelled("Stopped; nothing was written.")
            stimuli += write_stimuli(media, pair, case.clip, shows, enhancer, cancel)
            if progress is not None:
                progress(done + 1, len(pairs))
        store = Store.create(unfinished.path, clock=clock)
        begin(store, actor, protocol, cases, stimuli, seed)
        store.close()
        _write_linkage(unfinished.path / LINKAGE, cases, sources)
        _write_private(unfinished.path / MASKS, mask_sheet(pairs, [case.clip for case in cases]))
        unfinished.keep()
    except OSError as error:
        unfinished.discard()
        raise OutputError(f"The study could not be written ({error.strerror}): check the disk.") from None
    except BaseException:
        unfinished.discard()
        raise
    return _summary(cases, sum(hidden(pair) > 0 for pair in pairs))


def with_training(sources: Sequence[Source], needed: int, seed: str) -> list[Source]:
    """Give random patients the role training until there are clips enough, unless the list has given some that role.

    At least two patients stay for the study; where that is not possible, none is taken, and the study will say so.
    """
    if any(source.role == "training" for source in sources):
        return list(sources)
    by_patient: dict[str, int] = Counter(source.patient for source in sources if source.role == "main")
    order = sorted(by_patient)
    random.Random(f"{seed}/training").shuffle(order)
    taken: set[str] = set()
    while sum(by_patient[patient] for patient in taken) < needed and order:
        taken.add(order.pop())
    if len(order) < 2:
        return list(sources)
    return [replace(s, role="training") if s.patient in taken and s.role == "main" else s for s in sources]


def pseudonyms(sources: Sequence[Source], seed: str) -> list[Case]:
    """The cases under pseudonyms in random order: P001-2 is the second clip of patient P001."""
    patients = sorted({source.patient for source in sources})
    random.Random(f"{seed}/pseudonyms").shuffle(patients)
    number = {patient: f"P{n:03d}" for n, patient in enumerate(patients, 1)}
    clips: Counter[str] = Counter()
    cases = []
    for source in sources:
        patient = number[source.patient]
        clips[patient] += 1
        clip = f"{patient}-{clips[patient]}"
        cases.append(Case(clip, patient, source.view, source.quality, source.role, source.expected))
    return cases


def _check_expected(sources: Sequence[Source], protocol: Protocol) -> None:
    known = {item.name for part in protocol.parts for item in part.items}
    for source in sources:
        if unknown := sorted(set(source.expected) - known):
            raise StudyError(
                f"In {source.where} the protocol has no item '{unknown[0]}': use {', '.join(sorted(known))}."
            )


def _write_linkage(path: Path, cases: Sequence[Case], sources: Sequence[Source]) -> None:
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(("clip", "patient", "original", "enhanced"))
    for case, source in zip(cases, sources, strict=True):
        files = (str(path.resolve()) if path else "" for path in (source.original, source.enhanced))
        lines.writerow(map(guarded, (case.clip, case.patient, *files)))
    _write_private(path, text.getvalue().encode())


def _write_private(path: Path, content: bytes) -> None:
    """A new file that nobody else of the machine can read."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _summary(cases: Sequence[Case], masked: int) -> Summary:
    read = [case for case in cases if case.role != "training"]
    return Summary(
        clips=len(read),
        patients=len({case.patient for case in read}),
        training=len(cases) - len(read),
        views=dict(Counter(case.view for case in read)),
        qualities=dict(Counter(case.quality for case in read)),
        hidden=masked,
    )
