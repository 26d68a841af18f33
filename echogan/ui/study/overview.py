"""What the Studies tab shows of a study: its state, what it lacks, its readers and its log; never an arm."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from echogan.core.errors import StudyError
from echogan.study.protocol import Protocol
from echogan.study.readiness import readiness
from echogan.study.store.audit import audit_lines
from echogan.study.store.lifecycle import facts, media_confirmed
from echogan.study.store.monitor import monitor
from echogan.study.store.readers import stored_cases
from echogan.study.store.store import Store

PARTS = {
    "single": "Single clips, blinded",
    "pair": "Pairs, blinded",
    "guess": "Guess of the arm",
    "fidelity": "Fidelity, labelled, last",
}
LOG_LINES = 60


def overview(store: Store) -> dict[str, Any]:
    """All of it, as JSON. Nothing in it tells which stimulus is enhanced, or any rating by arm."""
    found = facts(store)
    with store.read() as db:
        cases = [case for case in stored_cases(db) if case.role != "training"]
        stimuli = db.execute("SELECT COUNT(*) FROM stimulus").fetchone()[0]
    return {
        **asdict(found),
        "clips": len(cases),
        "patients": len({case.patient for case in cases}),
        "views": dict(Counter(case.view for case in cases)),
        "stimuli": stimuli,
        "confirmed": media_confirmed(store),
        "protocol": protocol_facts(store.protocol()),
        "points": [asdict(point) for point in readiness(store)] if found.state == "draft" else [],
        "readers": [asdict(status) for status in monitor(store)],
        "log": audit_lines(store)[-LOG_LINES:][::-1],
    }


def protocol_facts(protocol: Protocol) -> dict[str, Any]:
    """Title, parts with their questions, and the rules, for a preview."""
    return {
        "title": protocol.title,
        "readers": protocol.readers,
        "washout_days": protocol.washout_days,
        "session_minutes": protocol.session_minutes,
        "parts": [
            {
                "name": PARTS[part.kind],
                "training": part.training,
                "sessions": part.sessions,
                "items": [
                    {"question": item.wording.question, "labels": list(item.wording.labels)}
                    for item in part.items
                ],
            }
            for part in protocol.parts
        ],
    }


def stimulus_ids(store: Store) -> list[str]:
    """All stimuli in the order of their opaque ids, which tells nothing. Raises StudyError where there are none."""
    found = sorted(path.stem for path in store.media.glob("*.webm"))
    if not found:
        raise StudyError("There are no stimuli: create the study again.")
    return found
