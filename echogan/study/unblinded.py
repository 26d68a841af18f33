"""An unblinded study as the tables that its analysis reads."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from echogan.core.errors import StudyError
from echogan.study.analysis.tables import ITEMS, Item, StudyTables, study_tables
from echogan.study.protocol import Protocol
from echogan.study.store.readers import SIMULATED, Reader, readers, stored_cases
from echogan.study.store.store import Store
from echogan.study.store.tables import answers, fidelity_rows, guess_rows, pair_rows, rating_rows, time_rows

HASH = re.compile(r"\b[0-9a-f]{64}\b")
LABELS = {item.name: item.label for item in ITEMS}


def tables_of(store: Store) -> StudyTables:
    """All ratings of a study, the primary item first. Raises StudyStateError before unblinding, StudyError."""
    protocol, found = store.protocol(), answers(store)
    if not any(answer.kind != "training" for answer in found):
        raise StudyError("Nobody has rated anything beyond the training clips: there is nothing to analyse.")
    pair = protocol.part("pair")
    return study_tables(
        rating_rows(found),
        pair_rows(found, pair.items[0].name) if pair else (),
        fidelity_rows(found),
        guess_rows(found),
        time_rows(found),
        items=_items(protocol),
        title=protocol.title or protocol.name,
        about=_about(store, protocol),
        simulated=any(reader.role == SIMULATED for reader in readers(store)),
    )


def _items(protocol: Protocol) -> tuple[Item, ...]:
    """The items of the part single with their scales, the primary one first."""
    part = protocol.part("single")
    if part is None:
        return ()
    items = sorted(part.items, key=lambda item: item.name != protocol.primary)
    return tuple(
        Item(item.name, LABELS.get(item.name, item.name), item.values[0], item.values[-1]) for item in items
    )


def _about(store: Store, protocol: Protocol) -> dict[str, str]:
    """What the records say of readers, cases, training, model and protocol, in sentences for the checklists."""
    with store.read() as db:
        cases = stored_cases(db)
        models = [
            row[0]
            for row in db.execute("SELECT DISTINCT model FROM stimulus WHERE model != '' ORDER BY model")
        ]
    read = [case for case in cases if case.role != "training"]
    training = len(cases) - len(read)
    return {
        "readers": f"{_counted(map(_reader, readers(store)))}.",
        "cases": f"Views: {_counted(case.view for case in read)}. Baseline quality: "
        f"{_counted(case.quality for case in read)}.",
        "training": f"{training} clips for training, of patients who are not in the study.",
        "model": f"{HASH.sub(_short, ', '.join(models))}.",
        "protocol": f"Protocol {protocol.name}, SHA-256 {protocol.sha256[:12]}",
        "planned": f"planned were {protocol.readers} readers; ",
    }


def _short(found: re.Match[str]) -> str:
    return found[0][:12]


def _reader(reader: Reader) -> str:
    return reader.role if reader.years is None else f"{reader.role} with {reader.years:g} years"


def _counted(words: Iterable[str]) -> str:
    return ", ".join(f"{count} {word}" for word, count in sorted(Counter(words).items()))
