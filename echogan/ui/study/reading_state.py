"""What the reading page is told: where the reader stands, the cases that come next, and words for every state."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from echogan.study.default_protocols import VIEWS
from echogan.study.store.lifecycle import facts
from echogan.study.store.readers import Reader
from echogan.study.store.reading import Progress, Task, previous_task, progress, upcoming
from echogan.study.store.store import Store

AHEAD = 2  # cases that the page has at hand: the one that is rated, and the next, for a gap in the connection
FEW_ANSWERS = 3  # up to so many, an answer is shown in words; above, by a short sign
INSTRUCTIONS = {
    "single": (
        "You will see one echo clip at a time. Watch it once to its end, then answer all questions.",
        "Judge the picture as it is, as you would in your daily work. Where a question cannot be answered from the "
        "clip, choose “Cannot assess”.",
    ),
    "pair": (
        "You will see two versions of the same echo clip side by side. Watch them once to their end, then say which "
        "one is better and by how much.",
        "The sides are exchanged at random. “=” means that you see no difference that matters.",
    ),
    "guess": (
        "You will see some clips again, one at a time. Say for each whether you think that it is an original or an "
        "enhanced one. There is no way to know: your first impression is what counts.",
    ),
    "fidelity": (
        "You will see an original clip at the left and its enhanced version at the right. Say what the enhancement "
        "added, removed or changed, and how much it matters.",
        "Step through the frames with , and . where you are not sure.",
    ),
}
"""What a reader reads before the first case of each part."""
PANES = {"single": ("",), "guess": ("",), "pair": ("Left", "Right"), "fidelity": ("Original", "Enhanced")}
"""The labels of the panes of one video, from left to right."""


def reading_state(store: Store, reader: Reader) -> dict[str, Any]:
    """Everything that the page shows, as JSON. It names no arm and no patient, and tells no repeat."""
    protocol = store.protocol()
    now = progress(store, reader)
    coming = upcoming(store, reader, AHEAD)
    before = previous_task(store, reader)
    heading, message = _words(now)
    part = protocol.part_of(now.session).kind
    return {
        "phase": now.state,
        "title": protocol.title,
        "reader": _key(store, reader),
        "heading": heading,
        "message": message,
        "session": now.session,
        "sessions": now.sessions,
        "instructions": list(INSTRUCTIONS[part]),
        "session_minutes": protocol.session_minutes,
        "plays": protocol.min_plays,
        "done": now.done,
        "total": now.total,
        "seconds_left": round(now.seconds_left),
        "cases": [_case(task) for task in coming],
        "rated": [_case(before)] if before else [],
    }


def _case(task: Task) -> dict[str, Any]:
    items = [_item(item) for item in task.items]
    if task.comment:
        items.append({"id": "comment", "title": "Comment", "text": True})
    return {
        "id": task.id,
        "number": task.position + 1,
        "heading": VIEWS.get(task.view, VIEWS["other"]).capitalize(),
        "practice": task.training,
        "panes": list(PANES[task.part]),
        "items": items,
        "fps": task.video["fps"],
        "frames": task.video["frames"],
        "answers": task.rated,
        "rating": task.current,
    }


def _item(item: dict[str, Any]) -> dict[str, Any]:
    values, labels = item["values"], item["labels"]
    in_words = len(values) <= FEW_ANSWERS
    options = [
        {
            "value": value,
            "label": label if in_words else _sign(value, values[0] < 0),
            "anchor": "" if in_words else label,
            "key": label[0] if label in ("yes", "no") else "",
        }
        for value, label in zip(values, labels, strict=True)
    ]
    ends = [] if in_words else [labels[0], labels[-1]]
    return {
        "id": item["name"],
        "title": item["question"],
        "options": options,
        "ends": ends,
        "cannot_assess": item["cannot_assess"],
    }


def _sign(value: int, preference: bool) -> str:
    """A grade as its number; a preference as arrows towards the better side."""
    if not preference:
        return str(value)
    return "‹" * -value + "›" * value or "="


def _words(now: Progress) -> tuple[str, str]:
    """Title and sentence of what is shown when there is no case."""
    match now.state:
        case "closed":
            return "Not open", "This study takes no ratings at present. Ask the person who sent you the link."
        case "finished":
            return "All done", "You have rated everything. All of it is saved. Thank you for reading."
        case "washout":
            day = datetime.fromtimestamp(now.opens or 0, UTC)
            return (
                f"Session {now.session - 1} of {now.sessions} is done",
                f"Everything is saved. The next session can begin on {day.day} {day:%B %Y, %H:%M} UTC, with this "
                "same link. The pause is part of the study.",
            )
    return "", ""


def _key(store: Store, reader: Reader) -> str:
    """Names the reader's unsent ratings in a browser, also after the link was renewed."""
    return hashlib.sha256(f"{facts(store).id}/{reader.name}".encode()).hexdigest()[:16]
