"""An unblinded study as the tables that its analysis reads."""

from __future__ import annotations

from echogan.core.errors import StudyError
from echogan.study.analysis.tables import ITEMS, Item, StudyTables, study_tables
from echogan.study.protocol import Protocol
from echogan.study.store.store import Store
from echogan.study.store.tables import answers, fidelity_rows, guess_rows, pair_rows, rating_rows, time_rows

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
