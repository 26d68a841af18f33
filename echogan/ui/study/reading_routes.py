"""The routes of the reading page, /read/..., which need a reader's link and no password, and tell nothing else.

Answers differ between the arms in nothing but the pixels: media have one name each time they are shown, equal sizes,
and no ETag, date of change or file name.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from echogan.core.errors import EchoGANError, ReaderLinkError, StudyNotSaved, StudyStateError
from echogan.core.notice import NOTICE
from echogan.study.store.ratings import Rating, record
from echogan.study.store.reading import mark_shown, media_file, progress
from echogan.ui.content_policy import CONTENT_POLICY
from echogan.ui.error_words import log_place, sentence
from echogan.ui.study.reading_state import reading_state
from echogan.ui.study.studies import Studies

PREFIX = "/read/"
STATIC = Path(__file__).parent / "reading"
KINDS = {".css": "text/css", ".js": "text/javascript"}
MOST_BYTES = 64 << 10  # of a rating
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; media-src blob:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
NO_RATING = "This is no rating that the server understands: reload the page."


class ReadingPages:
    """An ASGI app that answers below /read/, before and without any password, and leaves the rest to `app`."""

    def __init__(self, app: ASGIApp, studies: Studies) -> None:
        self.app, self.studies = app, studies
        self.router = Router(
            [
                Route("/read/page/{name}", _static),
                Route("/read/{token}", self._page),
                Route("/read/{token}/state", self._answer(_state)),
                Route("/read/{token}/media/{task}", self._answer(_media)),
                Route("/read/{token}/shown", self._answer(_shown), methods=["POST"]),
                Route("/read/{token}/ratings", self._answer(_rate), methods=["POST"]),
            ],
            redirect_slashes=False,
            default=_nothing,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for the reading page; pass any other on."""
        mine = scope["type"] == "http" and scope["path"].startswith(PREFIX)
        await (self.router if mine else self.app)(scope, receive, send)

    async def _page(self, request: Request) -> Response:
        """The same page for every link, also for one that leads nowhere: it asks for `state`."""
        page = (STATIC / "reading.html").read_text(encoding="utf-8").replace("NOTICE", f"{NOTICE}.")
        return HTMLResponse(page, headers={CONTENT_POLICY: POLICY, "Cache-Control": "no-store"})

    def _answer(self, work: Callable[..., Response]) -> Callable[[Request], Any]:
        """Find the reader, do `work` in a thread, and turn errors into their sentences."""

        async def answer(request: Request) -> Response:
            body = await _body(request) if request.method == "POST" else {}
            if body is None:
                return _error(400, NO_RATING)
            return await run_in_threadpool(self._work, work, request.path_params, body)

        return answer

    def _work(self, work: Callable[..., Response], path: dict[str, str], body: dict[str, Any]) -> Response:
        try:
            store, reader = self.studies.reader(path["token"])
        except ReaderLinkError as error:
            return _error(403, str(error))
        try:
            return work(store, reader, path.get("task", ""), body)
        except StudyNotSaved as error:
            return _error(503, str(error))
        except StudyStateError as error:
            closed = progress(store, reader).state == "closed"
            return _error(423 if closed else 409, str(error))
        except EchoGANError as error:
            return _error(400, str(error))
        except Exception as error:  # whatever it is, the page gets no traceback and sends the rating again
            log_place(error)
            return _error(500, sentence(error))


def _state(store: Any, reader: Any, task: str, body: dict[str, Any]) -> Response:
    return _json(reading_state(store, reader))


def _media(store: Any, reader: Any, task: str, body: dict[str, Any]) -> Response:
    content = media_file(store, reader, task).read_bytes()
    return Response(content, media_type="video/webm", headers={"Cache-Control": "no-store"})


def _shown(store: Any, reader: Any, task: str, body: dict[str, Any]) -> Response:
    mark_shown(store, reader, _text(body, "assignment"))
    return _json({})


def _rate(store: Any, reader: Any, task: str, body: dict[str, Any]) -> Response:
    """Keep a rating; the answer leaves only after it is on the disk."""
    answers = body.get("answers")
    rating = Rating(
        uuid=_text(body, "id"),
        task=_text(body, "assignment"),
        answers=answers if isinstance(answers, dict) else {},
        supersedes=body.get("replaces") and _text(body, "replaces"),
        plays=body.get("plays", 0),
        dwell_ms=body.get("dwell_ms", 0),
        hidden_ms=body.get("hidden_ms", 0),
        viewport=_text(body, "viewport"),
    )
    saved = record(store, reader, rating)
    return _json({**reading_state(store, reader), "saved": saved.uuid})


def _text(body: dict[str, Any], key: str) -> str:
    """A string of the body, "" where there is none."""
    value = body.get(key)
    return value if isinstance(value, str) else ""


async def _body(request: Request) -> dict[str, Any] | None:
    """The JSON object that was sent; None where it is none, or too long."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return None
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > MOST_BYTES:
            return None
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


async def _static(request: Request) -> Response:
    path = STATIC / Path(request.path_params["name"]).name
    if path.suffix not in KINDS or not path.is_file():
        return await _nothing_here()
    return Response(path.read_bytes(), media_type=KINDS[path.suffix], headers={"Cache-Control": "no-cache"})


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    await (await _nothing_here())(scope, receive, send)


async def _nothing_here() -> Response:
    return PlainTextResponse("There is nothing here.", 404)


def _json(content: Any) -> Response:
    return JSONResponse(content, headers={"Cache-Control": "no-store"})


def _error(status: int, text: str) -> Response:
    return JSONResponse({"error": text}, status, headers={"Cache-Control": "no-store"})
