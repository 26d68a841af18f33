"""A store on a host without a disk: the study as it was opened, brought up to date by the events written since."""

from __future__ import annotations

from collections import defaultdict

from echogan.core.errors import StudyError
from echogan.study.store.audit import Event, events, last_event, log
from echogan.study.store.store import EventWriter, Store


def write_missing(store: Store) -> int:
    """Write the events that the writer lacks, as those from before it was named; how many. Raises StudyError."""
    assert store.writer is not None
    try:
        there = set(store.writer.names())
        missing = [event for event in events(store) if event.name not in there]
        for event in missing:
            store.writer.write(event.name, event.to_json().encode())
    except OSError as error:
        raise StudyError(f"The event store does not answer ({error}): try again later.") from None
    return len(missing)


def catch_up(store: Store) -> int:
    """Apply the events that the writer has and the store lacks; how many. Raises StudyError.

    An event may have been written and then not committed, and another one of its number taken instead. It was never
    acknowledged: only the longest chain counts, of two equally long ones the later.
    """
    assert store.writer is not None
    with store.write() as db:
        last = last_event(db)
        chain = _longest(_after(store.writer, last.n if last else 0), last.hash if last else "")
        for event in chain:
            log(db, event)
    return len(chain)


def _after(writer: EventWriter, n: int) -> list[Event]:
    """All events with a number above `n`. Raises StudyError where one is not what its name says."""
    found = []
    try:
        for name in writer.names():
            if (
                name.endswith(".json")
                and name.partition("-")[0].isdigit()
                and int(name.partition("-")[0]) > n
            ):
                event = Event.from_json(writer.read(name))
                if event.name != name:
                    raise StudyError(
                        f"The event {name} was changed: restore it from the history of its dataset."
                    )
                found.append(event)
    except OSError as error:
        raise StudyError(f"The event store does not answer ({error}): try again later.") from None
    except (ValueError, TypeError):
        raise StudyError("An event cannot be read: restore it from the history of its dataset.") from None
    return found


def _longest(found: list[Event], start: str) -> list[Event]:
    """The longest chain of events that follows the hash `start`; of equally long ones the one whose end is latest."""
    followers: dict[str, list[Event]] = defaultdict(list)
    for event in found:
        followers[event.previous].append(event)
    ends: dict[str, tuple[int, float]] = {}
    for event in sorted(found, key=lambda event: -event.n):
        ends[event.hash] = max(
            ((length + 1, at) for length, at in (ends[e.hash] for e in followers[event.hash])),
            default=(1, event.at),
        )
    chain: list[Event] = []
    while followers[start]:
        chain.append(max(followers[start], key=lambda event: ends[event.hash]))
        start = chain[-1].hash
    return chain
