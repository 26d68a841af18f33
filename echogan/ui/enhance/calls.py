"""The calls of the page to the server. Anyone may make them with anything, so each checks what it is given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import anyio.from_thread
import gradio as gr

from echogan.core.errors import EchoGANError, SettingsError
from echogan.core.geometry import Fan
from echogan.core.notice import MARK
from echogan.ui.access import address_of
from echogan.ui.enhance.clip_entry import Visit
from echogan.ui.enhance.examples import example_names
from echogan.ui.enhance.exporting import LABELS
from echogan.ui.enhance.fair_queue import Job, finished
from echogan.ui.enhance.news import wait_for_news
from echogan.ui.enhance.sent import as_dict, as_list, flag, ids, shown_name, strengths, text
from echogan.ui.enhance.visits import VisitGone
from echogan.ui.enhance.workplace import Workplace
from echogan.ui.error_words import FAILED, log_place, sentence

MOST_FILES = 2000  # of one call: a folder may come file by file

Answer = dict[str, Any]
Act = Callable[[Workplace, Visit, Answer], Answer]


def server_functions(place: Workplace) -> list[Callable[..., Answer | Awaitable[Answer]]]:
    """What the player calls as server.NAME(dict); a mistake is answered with {"error": sentence}."""

    def workspace(data: Any, request: gr.Request) -> Answer:
        return _answer(lambda: _arrive(place, as_dict(data), _page_of(request), address_of(request)))

    functions: list[Callable[..., Answer | Awaitable[Answer]]] = [workspace]
    for act in (
        poll,
        example,
        clip,
        remove,
        enhance,
        compare,
        swap,
        alone,
        stop,
        blackout,
        export,
        drop_export,
    ):
        functions.append(_of_a_visit(place, act))
    for act in (add_clips, sector):
        functions.append(_in_turn(place, act))
    return [*functions, _news_of(place)]


def _news_of(place: Workplace) -> Callable[..., Awaitable[Answer]]:
    """As `poll`, as soon as something differs from what the page has seen."""

    async def news(data: Any) -> Answer:
        try:
            sent = as_dict(data)
            visit = place.visits.find(text(sent, "visit"))
            seen = await wait_for_news(visit, place.lock, text(sent, "seen"))
        except EchoGANError as error:
            return _refusal(error)
        return _answer(lambda: poll(place, visit, sent) | {"seen": seen})

    return news


def _in_turn(place: Workplace, act: Act) -> Callable[..., Awaitable[Answer]]:
    """A call that may take long. It waits its turn without a thread, so that others are still answered."""
    at_once = _of_a_visit(place, act)

    async def call(data: Any) -> Answer:
        try:
            visit = place.visits.find(text(as_dict(data), "visit"))
        except EchoGANError as error:
            return _refusal(error)
        found: list[Answer] = []
        job = Job(visit.token, lambda job: found.append(at_once(data)), address=visit.address)
        await finished(place.taking.submit(job))
        return found[0] if found else {"error": FAILED}

    call.__name__ = act.__name__
    return call


def _of_a_visit(place: Workplace, act: Act) -> Callable[..., Answer]:
    """The call of that name, which finds the visit first."""

    def call(data: Any) -> Answer:
        def answer() -> Answer:
            sent = as_dict(data)
            return act(place, place.visits.find(text(sent, "visit")), sent)

        return _answer(answer)

    call.__name__ = act.__name__
    return call


def _answer(work: Callable[[], Answer]) -> Answer:
    """What `work` returns, or what went wrong."""
    try:
        return work()
    except Exception as error:
        return _refusal(error)


def _refusal(error: Exception) -> Answer:
    """The sentence for the visitor; a fault of ours is logged."""
    if not isinstance(error, EchoGANError):
        log_place(error)
    return {"error": sentence(error)} | ({"gone": True} if isinstance(error, VisitGone) else {})


def _arrive(place: Workplace, data: Answer, page: str | None, address: str) -> Answer:
    token = data.get("visit")
    visit, found = place.visits.arrive(token if isinstance(token, str) else None, page, address)
    return {
        "visit": visit.token,
        "found": found,
        "clips": place.clips(visit),
        "exports": place.exports(visit),
        "models": place.models.names(),
        "examples": [{"name": name, "label": name} for name in example_names()],
        "keep_minutes": round(place.sessions.keep_seconds / 60),
        "mark": MARK,
    }


def poll(place: Workplace, visit: Visit, data: Answer) -> Answer:
    """The list as it is now."""
    return {"clips": place.clips(visit), "exports": place.exports(visit)}


def add_clips(place: Workplace, visit: Visit, data: Answer) -> Answer:
    """Take uploads into the list."""
    files = []
    for file in as_list(data, "files", MOST_FILES):
        sent = as_dict(file)
        path = text(sent, "path")
        files.append((path, shown_name(sent.get("name")) or "clip"))
    added, refused = place.add(visit, files)
    why = [{"name": name, "sentence": sentence} for name, sentence in refused]
    return {"clips": place.clips(visit), "added": added, "refused": why}


def example(place: Workplace, visit: Visit, data: Answer) -> Answer:
    """Put an example into the list."""
    added = place.add_example(visit, text(data, "name", "example"))
    return {"clips": place.clips(visit), "added": [added]}


def clip(place: Workplace, visit: Visit, data: Answer) -> Answer:
    """Everything about one clip."""
    return place.detail(visit, text(data, "id"))


def remove(place: Workplace, visit: Visit, data: Answer) -> Answer:
    """Take clips out of the list."""
    place.remove(visit, ids(data))
    return {"clips": place.clips(visit)}


def enhance(place: Workplace, visit: Visit, data: Answer) -> Answer:
    """Queue clips."""
    model = data.get("model")
    place.enhance(visit, ids(data), "" if model is None else text(data, "model"))
    return {"clips": place.clips(visit)}


def compare(place: Workplace, visit: Visit, data: Answer) -> Answer:
    """Queue a clip with two models."""
    entry = place.open_clip(visit, text(data, "id"))
    place.comparing.start(visit, entry, text(data, "model"), text(data, "second", "model"))
    return {"clips": place.clips(visit)}


def swap(place: Workplace, visit: Visit, data: Answer) -> Answer:
    """Let the second result of a clip be the first."""
    place.comparing.swap(place.clip(visit, text(data, "id")))
    return {"clips": place.clips(visit)}


def alone(place: Workplace, visit: Visit, data: Answer) -> Answer:
    """Forget the second result of a clip."""
    place.comparing.end(visit, place.clip(visit, text(data, "id")))
    return {"clips": place.clips(visit)}


def stop(place: Workplace, visit: Visit, data: Answer) -> Answer:
    """Stop the work on clips, or on all."""
    place.stop(visit, None if data.get("ids") is None else ids(data))
    return {"clips": place.clips(visit)}


def sector(place: Workplace, visit: Visit, data: Answer) -> Answer:
    """Use a sector drawn by hand, or the one that was found."""
    fan = None if data.get("fan") in (None, "") else Fan.parse(text(data, "fan"))
    return place.set_sector(visit, text(data, "id"), fan)


def blackout(place: Workplace, visit: Visit, data: Answer) -> Answer:
    """Whether exports are black outside the tissue."""
    return place.set_blackout(visit, text(data, "id"), flag(data, "on"))


def export(place: Workplace, visit: Visit, data: Answer) -> Answer:
    """Begin an export."""
    kind = text(data, "kind")
    if kind not in LABELS:
        raise SettingsError("There is no such export. Reload the page to see those that there are.")
    keep = "keep" in data and flag(data, "keep")
    place.export(visit, ids(data), kind, strengths(data.get("strength")), flag(data, "mark"), keep)
    return {"exports": place.exports(visit)}


def drop_export(place: Workplace, visit: Visit, data: Answer) -> Answer:
    """Remove an export."""
    place.exporting.drop(visit, text(data, "export", "id"))
    return {"exports": place.exports(visit)}


def _page_of(request: gr.Request) -> str | None:
    """The session hash of the page that calls, which Gradio hands to its own events only."""
    with suppress(Exception):
        body = anyio.from_thread.run(request.json)  # read already; Starlette keeps it
        page = body.get("session_hash")
        return page if isinstance(page, str) and page else None
    return None
